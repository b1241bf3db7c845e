"""What a test does with objectives: ``slo.availability(0.999).check(bake)``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from pytest_sre.recording.rows import Exchange, MachineSeen
from pytest_sre.slo.budget import Budget
from pytest_sre.slo.judging import check_objective, judge_objective
from pytest_sre.slo.kayenta import Classified, classify
from pytest_sre.slo.measuring.values import Measurable, Measured
from pytest_sre.slo.proportion import Judgement
from pytest_sre.slo.releases import (
    ReleaseComparison,
    ReleaseSamples,
    by_release,
    compare_releases,
)
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.objectives import Objective, Observed, SliKind

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ObjectiveCheck:
    """An objective that can be checked.

    Attributes:
        objective: it.
    """

    objective: Objective
    _measure: Callable[[Objective], Measured] = field(repr=False)
    _labels: Mapping[str, str] = field(repr=False)

    def check(self, events: Measurable | None = None) -> Judgement:
        """Pass when the objective is met.

        Args:
            events: what is judged: a bake, its traffic, the result of a load. Without it, what
                the objective's own source tells.

        Raises:
            AssertionError: it is breached.
            Inconclusive: the events cannot carry a verdict, or there are none.
        """
        return check_objective(self.objective, self.measure(events), self._labels)

    def judge(self, events: Measurable | None = None) -> Judgement:
        """Judge without failing: the verdict with its numbers.

        Raises:
            Inconclusive: there are no events, or days of them are missing.
        """
        return judge_objective(self.objective, self.measure(events))

    def measure(self, events: Measurable | None = None) -> Measured:
        """Count its events."""
        return self._measure(self.objective) if events is None else events.measure(self.objective)


class Asked(Protocol):
    """Requests that were made, such as the traffic of a bake."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """Them."""
        ...


class Slo:
    """The objectives of a target, and any others that a test states itself.

    Args:
        objectives: the target's.
        measure: counts the events of an objective by its own source.
        budget: tells the error budget of one.
        labels: names of Machines for people, by id.
        seen: gives the Machines as the platform described them, to tell releases apart.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        measure: Callable[[Objective], Measured],
        budget: Callable[[Objective], Budget],
        labels: Mapping[str, str] = _NO_LABELS,
        seen: Callable[[], Sequence[MachineSeen]] = tuple,
    ) -> None:
        self._objectives = {each.name: each for each in objectives}
        self._measure, self._budget, self._labels, self._seen = measure, budget, labels, seen

    def availability(self, good_ratio: float) -> ObjectiveCheck:
        """At least this share of requests is answered well.

        Args:
            good_ratio: above 0 and below 1, such as 0.999.

        Raises:
            ValueError: it is not: no sample could show that nothing ever fails.
        """
        return self._stated("availability", "availability", good_ratio)

    def correctness(self, good_ratio: float) -> ObjectiveCheck:
        """At least this share of journeys comes to its end as it should; see ``availability``."""
        return self._stated("correctness", "correctness", good_ratio)

    def latency(self, *, p: float, below: Duration) -> ObjectiveCheck:
        """At least ``p`` percent of requests are answered well within a time.

        Args:
            p: percent, above 0 and below 100, such as 99.
            below: the time, such as ``"250ms"``, or seconds.

        Raises:
            ValueError: one is not.
        """
        threshold_s = parse_duration_s(below)
        if threshold_s <= 0:
            raise ValueError(f"expected a time longer than 0, found {below!r}")
        return self._stated(f"latency-p{p:g}", "latency", p / 100, threshold_s)

    def objective(self, name: str) -> ObjectiveCheck:
        """Give an objective of the target by its name.

        Raises:
            ConfigError: it has none of that name.
        """
        return self._checked(self._named(name))

    def budget(self, name: str) -> Budget:
        """Give the error budget of an objective of the target.

        Raises:
            ConfigError: it has none of that name.
            Inconclusive: it cannot be measured.
        """
        return self._budget(self._named(name))

    def releases(self, traffic: Asked) -> Mapping[int, ReleaseSamples]:
        """Sort requests by the release that answered them, by version, the oldest first.

        Args:
            traffic: what has ``exchanges``, such as ``bake.traffic``.
        """
        return by_release(traffic.exchanges, self._seen())

    def compare(
        self,
        new: ReleaseSamples | Asked,
        old: ReleaseSamples | Asked,
        *,
        failures: float = 0.01,
        slower: float = 0.1,
        anytime: bool = False,
    ) -> ReleaseComparison:
        """Compare a new release with an old one: no worse, worse, or can't tell yet.

        Args:
            new: of the new release; of ``releases``, or what has ``exchanges``.
            old: of the old one.
            failures: by how much the share of failed requests may be higher.
            slower: by how much the probability that an answer of the new one takes longer than
                one of the old one may exceed one half.
            anytime: whether the answer is to hold however often one looks while requests come.

        Raises:
            ValueError: a margin is out of range.
        """
        return compare_releases(
            _samples(new), _samples(old), failures=failures, slower=slower, anytime=anytime
        )

    def kayenta(self, new: ReleaseSamples | Asked, old: ReleaseSamples | Asked) -> Classified:
        """Classify the answers' times as Kayenta would; no verdict, see `slo.kayenta`."""
        return classify(_samples(new).times_s, _samples(old).times_s, direction="increase")

    def _named(self, name: str) -> Objective:
        if name not in self._objectives:
            raise unknown_name(
                where="slo", what="has no objective", name=name, names=self._objectives
            )
        return self._objectives[name]

    def _stated(
        self, name: str, kind: SliKind, good_ratio: float, threshold_s: float | None = None
    ) -> ObjectiveCheck:
        if not 0 < good_ratio < 1:
            raise ValueError(
                f"expected an objective between 0 and 1 (100 % leaves no error budget, and no "
                f"sample could show it), found {good_ratio:g}"
            )
        return self._checked(
            Objective(
                name=name,
                kind=kind,
                source=Observed(),
                good_ratio=good_ratio,
                window_s=0.0,
                threshold_s=threshold_s,
            )
        )

    def _checked(self, objective: Objective) -> ObjectiveCheck:
        return ObjectiveCheck(objective, self._measure, self._labels)


def _samples(of: ReleaseSamples | Asked) -> ReleaseSamples:
    return of if isinstance(of, ReleaseSamples) else ReleaseSamples.of(of.exchanges)
