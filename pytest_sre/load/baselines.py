"""What a load was like when all was well: kept in a file of the project, compared with later ones.

The file is committed with the project and is written only when somebody asks for it, so that no
run that happened to be slow becomes what later ones are measured by.
"""

import base64
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from pytest_sre.load.frames import Tally
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.result import LoadResult, Part
from pytest_sre.slo.comparing import Comparison, Relation, compare_percentiles, compare_ratios
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.histogram import LatencyHistogram
from pytest_sre.slo.percentiles import milliseconds
from pytest_sre.slo.proportion import percent as share
from pytest_sre.verdict import Inconclusive

FOLDER = "load-baselines"

_FORMAT = 1
_ALPHA = 0.025
# What says nothing about the load itself.
_NOT_COMPARED = ("caps", "headers")


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A load to compare others with, as it is kept.

    Attributes:
        name: what it is called.
        target: where it was made.
        made_at: when it began, Unix seconds.
        plan: what was made, without what says nothing about the load.
        fleet: how many Machines of which kind there were.
        judged: how many journeys, or requests of a locustfile, ended by the app's doing.
        failed: how many of those failed.
        latencies: from when each was due, an HdrHistogram (V2, compressed) in base64.
        format: of the file.
    """

    name: str
    target: str
    made_at: float
    plan: dict[str, object]
    fleet: dict[str, int]
    judged: int
    failed: int
    latencies: str
    format: int = _FORMAT

    @property
    def counts(self) -> Counts:
        """What failed of what was judged."""
        return Counts(self.failed, self.judged)

    @property
    def histogram(self) -> LatencyHistogram:
        """The latencies.

        Raises:
            ValueError: they are damaged.
        """
        return LatencyHistogram.decode(base64.b64decode(self.latencies, validate=True))


@dataclass(frozen=True)
class LoadComparison:
    """A load beside its baseline.

    Attributes:
        percent: which percentile is compared.
        new_s: that of the load, seconds.
        old_s: that of the baseline.
        latency: the ratio of the two, with its 95 % interval.
        errors: the difference of the shares that failed, with its 95 % interval.
    """

    percent: float
    new_s: float
    old_s: float
    latency: Comparison
    errors: Comparison

    @property
    def relation(self) -> Relation:
        """The worse of the two; what neither shows cannot be told yet."""
        relations = {self.latency.relation, self.errors.relation}
        if Relation.WORSE in relations:
            return Relation.WORSE
        return Relation.NO_WORSE if relations == {Relation.NO_WORSE} else Relation.CANNOT_TELL

    def __str__(self) -> str:
        slower, failing = self.latency, self.errors
        return (
            f"p{self.percent:g} {milliseconds(self.old_s)} -> {milliseconds(self.new_s)}, "
            f"{_WORDS[slower.relation]} the allowed {100 * (slower.limit - 1):g} %, 95 % interval "
            f"of the ratio {slower.lower:.3g} to {slower.upper:.3g}\n"
            f"errors {share(failing.effect or 0.0)} more, {_WORDS[failing.relation]} the allowed "
            f"{share(failing.limit)}, 95 % interval {share(failing.lower)} to "
            f"{share(failing.upper)}"
        )

    def check(self) -> None:
        """Pass when the load is no worse than its baseline.

        Raises:
            AssertionError: it is worse.
            Inconclusive: the samples cannot tell.
        """
        if self.relation is Relation.WORSE:
            raise AssertionError(str(self))
        if self.relation is Relation.CANNOT_TELL:
            raise Inconclusive(str(self), cause="too few samples of two loads")


_WORDS = {
    Relation.WORSE: "worse than",
    Relation.NO_WORSE: "within",
    Relation.CANNOT_TELL: "not shown to be within",
}


def baseline_path(root: Path, target: str, name: str) -> Path:
    """Say where the baseline of a load is kept."""
    return root / FOLDER / _safe(target) / f"{_safe(name)}.json"


def baseline_of(
    result: LoadResult, *, name: str, target: str, fleet: Mapping[str, int]
) -> Baseline:
    """Make a load a baseline.

    Raises:
        Inconclusive: it is in doubt.
    """
    result.require_conclusive()
    whole = _whole(result)
    return Baseline(
        name=name,
        target=target,
        made_at=result.started_at,
        plan=_compared(result.plan),
        fleet=dict(fleet),
        judged=whole.judged,
        failed=whole.failed,
        latencies=base64.b64encode(whole.latencies.encode()).decode(),
    )


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Keep a baseline in its file.

    Raises:
        Inconclusive: it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(baseline, order="sorted"), indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise Inconclusive(
            f"expected to write the baseline {path}, found: {error.strerror}", cause="own disk"
        ) from error


def read_baseline(path: Path) -> Baseline:
    """Read a baseline.

    Raises:
        Inconclusive: there is none, or it is damaged.
    """
    again = "make one on purpose, by a run with --sre-load-baseline=update, and commit it"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Baseline)
        _ = found.histogram, found.counts
    except FileNotFoundError:
        raise Inconclusive(
            f"expected a load to compare with, found none at {path}\n{again}",
            cause="no load baseline",
        ) from None
    except (OSError, ValueError) as error:
        raise Inconclusive(
            f"expected a load to compare with, found that {path} cannot be read: {error}\n{again}",
            cause="no load baseline",
        ) from None
    return found


def compare_loads(
    result: LoadResult,
    baseline: Baseline,
    fleet: Mapping[str, int],
    *,
    percent: float,
    worse_by: float,
    more_errors: float,
) -> LoadComparison:
    """Compare a load with its baseline.

    The intervals are of chance within the two loads; what else was different at the two times,
    such as a neighbour on the host, is in no interval.

    Args:
        result: the load.
        baseline: what it is compared with.
        fleet: how many Machines of which kind there are now.
        percent: which percentile of the latency, above 0 and below 100.
        worse_by: by what share it may be longer, such as 0.2.
        more_errors: by how much the share that failed may be higher.

    Raises:
        Inconclusive: the load is in doubt, or the two cannot be compared.
        ValueError: a number is out of range.
    """
    result.require_conclusive()
    differences = [*_differences(_compared(result.plan), baseline.plan, "plan ")]
    differences += _differences(dict(fleet), baseline.fleet, "Machines ")
    if differences:
        raise Inconclusive(
            f"the load is not like its baseline of {_day(baseline.made_at)}, so that nothing "
            f"would follow\n{'; '.join(differences[:3])}",
            cause="incomparable loads",
        )
    return _compare(
        _whole(result), baseline.counts, baseline.histogram, percent, worse_by, more_errors
    )


def compare_side_by_side(
    result: LoadResult,
    control: LoadResult,
    *,
    percent: float,
    worse_by: float,
    more_errors: float,
) -> LoadComparison:
    """Compare two loads that were made at the same time, such as of Machines with a fault and not.

    Only the seconds that both of them have wholly are compared.

    Args:
        result: the load.
        control: what it is compared with.
        percent: as for ``compare_loads``, as are the others.
        worse_by: as there.
        more_errors: as there.

    Raises:
        Inconclusive: one of them is in doubt, or they were not made at the same time.
        ValueError: a number is out of range.
    """
    for one in (result, control):
        one.require_conclusive()
    began_at = max(result.started_at, control.started_at)
    ended_at = min(each.started_at + each.plan.duration_s for each in (result, control))
    new, old = (_whole(_between(each, began_at, ended_at)) for each in (result, control))
    if not (new.judged and old.judged):
        raise Inconclusive(
            f"expected two loads at the same time, found {max(0.0, ended_at - began_at):.1f} s "
            "together\nwhat else changed meanwhile would be in the difference",
            cause="incomparable loads",
        )
    counts = Counts(old.failed, old.judged)
    return _compare(new, counts, old.latencies, percent, worse_by, more_errors)


def _between(result: LoadResult, began_at: float, ended_at: float) -> LoadResult:
    """Give what was due in the seconds of a load that are wholly between two times."""

    def is_between(tally: Tally) -> bool:
        due_at = result.started_at + tally.second
        return began_at <= due_at and due_at + 1 <= ended_at

    return replace(result, tallies=tuple(filter(is_between, result.tallies)))


def _compare(
    new: Part,
    old_counts: Counts,
    old: LatencyHistogram,
    percent: float,
    worse_by: float,
    more_errors: float,
) -> LoadComparison:
    return LoadComparison(
        percent,
        new.percentile_s(percent),
        old.percentile_s(percent),
        compare_percentiles(new.latencies, old, percent, worse_by, alpha=_ALPHA),
        compare_ratios(Counts(new.failed, new.judged), old_counts, more_errors, alpha=_ALPHA),
    )


def _whole(result: LoadResult) -> Part:
    return result.requests() if result.plan.locustfile else result.runs()


def _compared(plan: LoadPlan) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(plan)
    told["locustfile"] = Path(plan.locustfile).name
    return {name: value for name, value in told.items() if name not in _NOT_COMPARED}


def _differences(new: Mapping[str, object], old: Mapping[str, object], what: str) -> Iterator[str]:
    for name in sorted(new.keys() | old.keys()):
        # Through JSON a tuple is a list, and 1.0 may come back as 1.
        if _plain(new.get(name)) != _plain(old.get(name)):
            then, now = (_told(side.get(name)) for side in (old, new))
            yield f"{what}{name}: {then} then, {now} now"


def _plain(value: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(value))


def _told(value: object) -> str:
    return "none" if value is None else msgspec.json.encode(value).decode()[:120]


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name)[:100].lstrip(".") or "load"
