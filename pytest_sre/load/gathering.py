"""Adds up the frames of all processes that make one load, while it is made."""

import msgspec

from pytest_sre.load import latencies
from pytest_sre.load.frames import SAMPLES_A_KIND, Answered, Frame, Health, Sample, Tally
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.result import LoadResult

# Beyond these, counts still add up, but no further name or Machine gets a row of its own.
MOST_MACHINES = 1_000
MOST_SAMPLES = 200


class Gathering:
    """Frames added up so far. Not safe to use from several threads at once."""

    def __init__(self, plan: LoadPlan, base_url: str, started_at: float) -> None:
        self._plan, self._base_url, self._started_at = plan, base_url, started_at
        self._tallies: dict[tuple[int, str, str], Tally] = {}
        self._samples: list[Sample] = []
        self._sampled: dict[tuple[str, str, str], int] = {}
        self._answered: dict[tuple[str, str], int] = {}
        self._health: dict[int, Health] = {}

    def begin(self, at: float) -> None:
        """Note when the load really begins, Unix seconds."""
        self._started_at = at

    def add(self, frame: Frame) -> None:
        """Add one frame of any of the processes."""
        for tally in frame.tallies:
            key = (tally.second, tally.journey, tally.request)
            known = self._tallies.get(key)
            self._tallies[key] = tally if known is None else _sum(known, tally)
        for sample in frame.samples:
            self._keep(sample)
        for one in frame.answered:
            who = (one.machine, one.region)
            if who in self._answered or len(self._answered) < MOST_MACHINES:
                self._answered[who] = self._answered.get(who, 0) + one.count
        second = int(frame.elapsed_s)
        self._health[second] = _worse(self._health.get(second), frame.health)

    def result(
        self, ended_at: float, reason: str, detail: str = "", troubles: tuple[str, ...] = ()
    ) -> LoadResult:
        """Give what is known so far as a result."""
        return LoadResult(
            plan=self._plan,
            base_url=self._base_url,
            started_at=self._started_at,
            ended_at=ended_at,
            reason=reason,
            detail=detail,
            troubles=troubles,
            tallies=tuple(self._tallies[key] for key in sorted(self._tallies)),
            samples=tuple(self._samples),
            answered=tuple(
                Answered(machine=machine, region=region, count=count)
                for (machine, region), count in sorted(self._answered.items())
            ),
            health=tuple(self._health[second] for second in sorted(self._health)),
        )

    def _keep(self, sample: Sample) -> None:
        key = (sample.journey, sample.request, sample.kind)
        kept = self._sampled.get(key, 0)
        if kept < SAMPLES_A_KIND and len(self._samples) < MOST_SAMPLES:
            self._sampled[key] = kept + 1
            self._samples.append(sample)


def _sum(one: Tally, other: Tally) -> Tally:
    return msgspec.structs.replace(
        one,
        planned=one.planned + other.planned,
        dropped=one.dropped + other.dropped,
        started=one.started + other.started,
        late=one.late + other.late,
        done=one.done + other.done,
        failed=one.failed + other.failed,
        own_faults=one.own_faults + other.own_faults,
        errors={
            kind: one.errors.get(kind, 0) + other.errors.get(kind, 0)
            for kind in one.errors | other.errors
        },
        intended=latencies.merged((one.intended, other.intended)),
        sent=latencies.merged((one.sent, other.sent)),
        failed_after=latencies.merged((one.failed_after, other.failed_after)),
        unsent=one.unsent + other.unsent,
    )


def _worse(one: Health | None, other: Health) -> Health:
    if one is None:
        return other
    return Health(
        lag_s=max(one.lag_s, other.lag_s),
        cpu_ratio=max(one.cpu_ratio, other.cpu_ratio),
        in_flight=one.in_flight + other.in_flight,
    )
