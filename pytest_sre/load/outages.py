"""When nobody was served: stretches of a load without a good end of a journey. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_sre.load.result import LoadResult, Part


@dataclass(frozen=True)
class Outage:
    """A stretch in which journeys were due and none came to a good end.

    Attributes:
        from_at: when it began, Unix seconds.
        until_at: when it ended.
    """

    from_at: float
    until_at: float

    @property
    def lasted_s(self) -> float:
        """How long it was, seconds."""
        return self.until_at - self.from_at


def outages_of(result: LoadResult) -> tuple[Outage, ...]:
    """Find the outages of a load, by whole seconds of when journeys were due.

    A second in which nothing was due, or all was lost to faults of our own, neither begins nor ends
    one.
    """
    lasted_s = result.plan.duration_s
    return tuple(
        Outage(result.started_at + begin, result.started_at + min(end, lasted_s))
        for begin, end in stretches(result.series)
    )


def stretches(seconds: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """Yield where stretches without a good end begin and end, as places in the sequence."""
    began: int | None = None
    last = 0
    for place, second in enumerate(seconds):
        good = second.judged - second.failed
        if good > 0:
            if began is not None:
                yield began, last
            began = None
        elif second.started + second.dropped > second.own_faults:
            began = place if began is None else began
            last = place + 1
    if began is not None:
        yield began, last
