"""What came of a load, and whether it can carry a verdict."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from pytest_sre.load import latencies
from pytest_sre.load.frames import Answered, Health, Sample, Tally
from pytest_sre.load.latencies import Buckets
from pytest_sre.load.measuring import measure_tallies
from pytest_sre.load.plan import LoadPlan, Open
from pytest_sre.slo.histogram import LatencyHistogram
from pytest_sre.slo.measuring.values import Measured
from pytest_sre.slo.percentiles import PercentileBounds, bound_percentile
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive

# Shares of the arrivals above which a result cannot pass.
REACHED_RATIO = 0.95
DROPPED_RATIO = 0.001
LATE_RATIO = 0.05
OWN_FAULT_RATIO = 0.01


@dataclass(frozen=True, kw_only=True, repr=False)
class Part:
    """Counts and latencies of some of a load, such as one journey, or one second.

    ``seconds`` is how long it took; the counts are those of `Tally`.
    """

    seconds: int = 0
    planned: int = 0
    dropped: int = 0
    started: int = 0
    late: int = 0
    done: int = 0
    failed: int = 0
    own_faults: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    intended: Buckets = field(default_factory=dict)
    sent: Buckets = field(default_factory=dict)
    failed_after: Buckets = field(default_factory=dict)
    unsent: int = 0

    def __repr__(self) -> str:
        return f"<{self.started} begun, {self.failed} of {self.judged} failed>"

    @property
    def judged(self) -> int:
        """Those that say something about the app; faults of our own are left out."""
        return self.done - self.own_faults

    @property
    def unfinished(self) -> int:
        """Those begun whose end was not awaited, since the load was stopped."""
        return self.started - self.done

    @property
    def error_ratio(self) -> float:
        """Failed over judged.

        Raises:
            Inconclusive: nothing was answered, or failed to be.
        """
        self.require_some()
        return self.failed / self.judged

    @property
    def rate_per_s(self) -> float:
        """Journeys begun, or requests sent, a second."""
        return self.started / self.seconds if self.seconds else 0.0

    @cached_property
    def latencies(self) -> LatencyHistogram:
        """Latencies from when each was due until it ended, well or not."""
        return latencies.histogram((self.intended, self.failed_after))

    @cached_property
    def sent_latencies(self) -> LatencyHistogram:
        """Latencies of those that ended well, from when they were sent."""
        return latencies.histogram((self.sent,))

    def percentile_s(self, percent: float) -> float:
        """Give the time since they were due within which this share had ended, in seconds.

        Raises:
            Inconclusive: nothing was answered, or failed to be.
            ValueError: the percentage is not above 0 and at most 100.
        """
        self.require_some()
        return self.latencies.percentile_s(percent)

    def sent_percentile_s(self, percent: float) -> float:
        """Give the time since they were sent within which this share of the good answers came.

        Raises:
            Inconclusive: there was no good answer.
            ValueError: the percentage is not above 0 and at most 100.
        """
        if not self.sent:
            raise Inconclusive("the load has no good answer: there is no latency to read")
        return self.sent_latencies.percentile_s(percent)

    def bounds(self, percent: float) -> PercentileBounds:
        """Give a percentile of the latencies from when they were due, with its interval.

        Raises:
            ValueError: the percentage is not above 0 and below 100.
        """
        return bound_percentile(self.latencies, percent)

    def require_some(self) -> None:
        """Pass when anything was answered, or failed to be.

        Raises:
            Inconclusive: nothing was.
        """
        if self.judged > 0:
            return
        if self.own_faults:
            lost = f"all {self.own_faults} that ended did so by faults on our side"
            raise Inconclusive(lost, cause="own network")
        raise Inconclusive("the load has no samples: nothing that it began ended")


@dataclass(frozen=True, kw_only=True, repr=False)
class LoadResult:
    """A load and what came of it, merged from all processes that made it.

    Only the steady phase is judged (`runs`, `requests`, `doubts`): what was due in the warm-up
    or in a ramp is in `series`, and nowhere else.

    Attributes:
        plan: what was to be made.
        base_url: where it went.
        started_at: when it began, Unix seconds.
        ended_at: when its last process ended, Unix seconds.
        reason: ``complete``, ``stopped``, ``aborted``, ``cap`` or ``failed``.
        detail: why it ended, unless complete.
        troubles: what befell the processes that made it, such as one that died.
        tallies: the counts, a row a second and a journey or request name.
        samples: some errors of each kind.
        answered: how many answers came from which Machine.
        health: of the processes, the worst of each second.
        laggards: which of several workers began too many arrivals late.
    """

    plan: LoadPlan
    base_url: str
    started_at: float
    ended_at: float
    reason: str
    detail: str = ""
    troubles: tuple[str, ...] = ()
    tallies: tuple[Tally, ...] = ()
    samples: tuple[Sample, ...] = ()
    answered: tuple[Answered, ...] = ()
    health: tuple[Health, ...] = ()
    laggards: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<load of {'+'.join(self.plan.mix) or self.plan.locustfile}: {self.reason}>"

    def runs(self, journey: str | None = None) -> Part:
        """Give what came of journeys as a whole; of all journeys when none is named."""
        return self._judged(lambda one: not one.request and journey in (None, one.journey))

    def requests(self, name: str | None = None, *, journey: str | None = None) -> Part:
        """Give what came of requests; of all when no name, such as ``GET /orders/{id}``."""

        def is_meant(one: Tally) -> bool:
            is_named = one.request == name if name else bool(one.request)
            return is_named and journey in (None, one.journey)

        return self._judged(is_meant)

    @cached_property
    def request_names(self) -> tuple[str, ...]:
        """The names of the requests that were sent."""
        return tuple(sorted({one.request for one in self.tallies if one.request}))

    @cached_property
    def series(self) -> tuple[Part, ...]:
        """What came of each second of the load, warm-up included: of journeys, else requests."""
        has_runs = any(not one.request for one in self.tallies)
        by_second: dict[int, list[Tally]] = {}
        for one in self.tallies:
            if has_runs != bool(one.request):
                by_second.setdefault(one.second, []).append(one)
        last = max(by_second, default=-1)
        return tuple(_part(by_second.get(second, []), 1) for second in range(last + 1))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why this result cannot show that an objective is met; empty when it can.

        A result in doubt may still show that one is broken.
        """
        whole = self.runs() if isinstance(self.plan.workload, Open) else self.requests()
        doubts = [*self.troubles, *self._doubts_of_end(), *_doubts_of_samples(whole)]
        if isinstance(self.plan.workload, Open):
            doubts += self._doubts_of_arrivals(whole)
        return tuple(doubts)

    def require_conclusive(self) -> None:
        """Pass when the result can show that an objective is met.

        Raises:
            Inconclusive: it cannot; names what stood in the way.
        """
        doubts = self.doubts
        if doubts:
            raise Inconclusive("; ".join(doubts[:3]), cause="load generator")

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective in the steady phase, and say what is in doubt.

        Raises:
            Inconclusive: requests and journeys do not tell what the objective is about, or times
                are not the app's, since the generator could not keep up.
        """
        if objective.kind == "latency" and self.is_late:
            # Nor would it be broken: those who came late waited for us.
            raise Inconclusive(f"{objective.name}: {self._late_doubt}", cause="load generator")
        judged = [one for one in self.tallies if self.plan.is_judged(one.second)]
        return measure_tallies(objective, judged, self.started_at, self.doubts)

    def _judged(self, is_meant: Callable[[Tally], bool]) -> Part:
        ended = self._seconds_made
        seconds = sum(map(self.plan.is_judged, range(ended)))
        meant = (one for one in self.tallies if is_meant(one) and self.plan.is_judged(one.second))
        return _part(meant, seconds)

    @property
    def _seconds_made(self) -> int:
        planned = int(self.plan.duration_s + 0.999)
        if self.reason == "complete":
            return planned
        return min(planned, max((one.second for one in self.tallies), default=-1) + 1)

    def _doubts_of_end(self) -> Iterable[str]:
        if self.reason != "complete":
            made, planned = self._seconds_made, self.plan.duration_s
            why = f" ({self.detail})" if self.detail else ""
            yield f"the load ended after {made:g} of {planned:g} s: {self.reason}{why}"

    def _doubts_of_arrivals(self, whole: Part) -> Iterable[str]:
        expected = self.plan.judged_arrivals
        if expected and whole.started < REACHED_RATIO * expected:
            yield (
                f"the planned rate was not reached: {whole.started} of {expected:.0f} "
                "planned arrivals were begun"
            )
        if whole.dropped > DROPPED_RATIO * whole.planned:
            limit = self.plan.workload.in_flight if isinstance(self.plan.workload, Open) else 0
            yield (
                f"{whole.dropped} of {whole.planned} arrivals were dropped: "
                f"{limit} were in flight already"
            )
        if whole.unsent:
            yield (
                f"{whole.unsent} of {whole.planned} arrivals were not sent: those of a worker "
                "that was lost"
            )
        if self.is_late:
            yield self._late_doubt

    @cached_property
    def is_late(self) -> bool:
        """Whether the generator could not keep up: too many arrivals began late."""
        whole = self.runs()
        return whole.late > LATE_RATIO * whole.started

    @property
    def _late_doubt(self) -> str:
        whole = self.runs()
        lag_s = max((one.lag_s for one in self.health), default=0.0)
        cpu = max((one.cpu_ratio for one in self.health), default=0.0)
        who = f", those of {', '.join(self.laggards[:3])}" if self.laggards else ""
        return (
            f"the load generator could not keep up: {whole.late} of {whole.started} arrivals "
            f"began late{who}; "
            f"it was held up for {lag_s * 1e3:.0f} ms, and used {cpu:.0%} of a core"
        )


def _doubts_of_samples(whole: Part) -> Iterable[str]:
    if whole.judged <= 0:
        yield "the load has no samples: nothing that it began ended, but by faults on our side"
    if whole.own_faults > OWN_FAULT_RATIO * whole.done:
        yield f"{whole.own_faults} of {whole.done} ended by faults on our side"


def _part(tallies: Iterable[Tally], seconds: int) -> Part:
    rows = list(tallies)
    errors: dict[str, int] = {}
    for row in rows:
        for kind, count in row.errors.items():
            errors[kind] = errors.get(kind, 0) + count
    return Part(
        seconds=seconds,
        planned=sum(row.planned for row in rows),
        dropped=sum(row.dropped for row in rows),
        started=sum(row.started for row in rows),
        late=sum(row.late for row in rows),
        done=sum(row.done for row in rows),
        failed=sum(row.failed for row in rows),
        own_faults=sum(row.own_faults for row in rows),
        errors=errors,
        intended=latencies.merged(row.intended for row in rows),
        sent=latencies.merged(row.sent for row in rows),
        failed_after=latencies.merged(row.failed_after for row in rows),
        unsent=sum(row.unsent for row in rows),
    )
