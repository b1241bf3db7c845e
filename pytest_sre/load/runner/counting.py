"""Counts what happens in this process, until it is told."""

import time
from dataclasses import dataclass

from pytest_sre.load.frames import (
    LATE_AFTER_S,
    SAMPLES_A_KIND,
    Answered,
    Frame,
    Health,
    Sample,
    Tally,
)
from pytest_sre.load.latencies import Buckets
from pytest_sre.load.naming import MOST_NAMES, OTHER
from pytest_sre.slo.histogram import index_of

_MOST_SAMPLES = 50
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something ended badly. ``kind`` is a fault's kind, or such as ``http-503``."""

    kind: str
    text: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """The answer's own word on who gave it."""

    status: int = 0
    machine: str = ""
    region: str = ""
    request_id: str = ""


NOBODY = Origin()


@dataclass(slots=True)
class Run:
    """One walk of a journey: when it was due, in seconds since the beginning, and how late."""

    journey: str
    due_s: float
    late_s: float = 0.0

    @property
    def second(self) -> int:
        """The second that it is counted in."""
        return int(self.due_s)


class Counter:
    """Counts since the last frame.

    Args:
        now: seconds since the beginning of the load.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._tallies: dict[tuple[int, str, str], Tally] = {}
        self._names: set[str] = set()
        self._sampled: dict[tuple[str, str, str], int] = {}
        self._samples: list[Sample] = []
        self._answered: dict[tuple[str, str], int] = {}

    def begin(self, in_s: float) -> None:
        """Let the load begin so many seconds from now."""
        self._began = time.perf_counter() + in_s

    def now_s(self) -> float:
        """Seconds since the beginning of the load; negative before it."""
        return time.perf_counter() - self._began

    def dropped(self, journey: str, due_s: float) -> None:
        """Count an arrival that was not begun."""
        row = self._row(int(due_s), journey, "")
        row.planned += 1
        row.dropped += 1

    def began(self, run: Run, *, planned: bool = True) -> None:
        """Count a journey that begins; a planned one is an arrival of an open workload."""
        row = self._row(run.second, run.journey, "")
        row.planned += planned
        row.started += 1
        row.late += run.late_s > LATE_AFTER_S

    def ended(self, run: Run, took_s: float, trouble: Trouble | None) -> None:
        """Count a journey that ended ``took_s`` seconds after it began."""
        row = self._row(run.second, run.journey, "")
        self._end(row, run.late_s, took_s, trouble, NOBODY)

    def requested(
        self, run: Run, request: str, took_s: float, trouble: Trouble | None, origin: Origin
    ) -> None:
        """Count a request that ended ``took_s`` seconds after it was sent."""
        row = self._row(run.second, run.journey, self._name(request))
        row.started += 1
        if origin.machine:
            who = (origin.machine, origin.region)
            self._answered[who] = self._answered.get(who, 0) + 1
        self._end(row, run.late_s, took_s, trouble, origin)

    def frame(self, health: Health) -> Frame:
        """Give what was counted since the last frame, and begin anew."""
        tallies, self._tallies = self._tallies, {}
        samples, self._samples = self._samples, []
        answered, self._answered = self._answered, {}
        return Frame(
            elapsed_s=max(0.0, self.now_s()),
            tallies=[*tallies.values()],
            samples=samples,
            answered=[
                Answered(machine=machine, region=region, count=count)
                for (machine, region), count in answered.items()
            ],
            health=health,
        )

    def _row(self, second: int, journey: str, request: str) -> Tally:
        key = (second, journey, request)
        row = self._tallies.get(key)
        if row is None:
            row = Tally(second=second, journey=journey, request=request)
            self._tallies[key] = row
        return row

    def _name(self, request: str) -> str:
        if request in self._names:
            return request
        if len(self._names) >= MOST_NAMES:
            return OTHER
        self._names.add(request)
        return request

    def _end(
        self, row: Tally, late_s: float, took_s: float, trouble: Trouble | None, origin: Origin
    ) -> None:
        row.done += 1
        if trouble is None:
            _hit(row.intended, late_s + took_s)
            _hit(row.sent, took_s)
            return
        row.errors[trouble.kind] = row.errors.get(trouble.kind, 0) + 1
        if trouble.is_own:
            row.own_faults += 1
        else:
            row.failed += 1
            _hit(row.failed_after, late_s + took_s)
        self._sample(row, trouble, origin)

    def _sample(self, row: Tally, trouble: Trouble, origin: Origin) -> None:
        key = (row.journey, row.request, trouble.kind)
        kept = self._sampled.get(key, 0)
        if kept >= SAMPLES_A_KIND or len(self._samples) >= _MOST_SAMPLES:
            return
        self._sampled[key] = kept + 1
        self._samples.append(
            Sample(
                at=time.time(),
                journey=row.journey,
                request=row.request,
                kind=trouble.kind,
                text=trouble.text[:_LONGEST_TEXT],
                is_own=trouble.is_own,
                status=origin.status,
                machine=origin.machine,
                region=origin.region,
                request_id=origin.request_id,
            )
        )


def _hit(buckets: Buckets, latency_s: float) -> None:
    index = index_of(latency_s)
    buckets[index] = buckets.get(index, 0) + 1
