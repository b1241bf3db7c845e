"""What each of several workers did of its share of a load. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.plan import LoadPlan, arrivals
from pytest_sre.load.result import LATE_RATIO


class Share:
    """One worker's share of a load, and what it has told of it so far.

    Args:
        plan: the whole load.
        worker: which of several it is, from 0.
        workers: how many there are.
    """

    def __init__(self, plan: LoadPlan, worker: int, workers: int) -> None:
        self._plan, self._worker, self._workers = plan, worker, workers
        self._told: Counter[tuple[int, str]] = Counter()
        self._started = self._late = 0

    def heard(self, frame: Frame) -> None:
        """Take in what the worker told."""
        for one in frame.tallies:
            if not one.request:
                self._told[one.second, one.journey] += one.planned
                if self._plan.is_judged(one.second):
                    self._started += one.started
                    self._late += one.late

    def unsent(self, until_s: float) -> Frame:
        """Count the arrivals due until then of which it told nothing; for one that was lost.

        Some of them may have been begun in its last second, without its being heard of.
        """
        due: Counter[tuple[int, str]] = Counter()
        for arrival in arrivals(self._plan, worker=self._worker, workers=self._workers):
            if arrival.at_s >= until_s:
                break
            due[int(arrival.at_s), arrival.journey] += 1
        return Frame(elapsed_s=0.0, tallies=[*_tallies(sorted((due - self._told).items()))])

    @property
    def too_late(self) -> str:
        """How many of its arrivals began late; empty when they are few."""
        if self._late <= LATE_RATIO * self._started:
            return ""
        return f"{self._late} of its {self._started}"


def _tallies(missing: Iterable[tuple[tuple[int, str], int]]) -> Iterator[Tally]:
    for (second, journey), count in missing:
        yield Tally(second=second, journey=journey, planned=count, unsent=count)
