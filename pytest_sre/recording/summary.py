"""What a set of exchanges amounts to: counts, the longest silence, order statistics."""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class MachineCounts:
    """How the exchanges with one Machine went; ``machine`` is empty where it is unknown."""

    machine: str
    requests: int
    failed: int
    own_faults: int
    first_at: float | None
    last_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """What a set of exchanges amounts to.

    Attributes:
        requests: all exchanges, our own faults among them.
        failed: those that went wrong by the app's or the platform's doing.
        own_faults: those that went wrong on our side. They say nothing about the app, so
            everything below leaves them out.
        first_at: when the first was made, Unix seconds; None when there are none.
        last_at: when the last was made.
        longest_gap_s: the longest time between one and the next; 0.0 with fewer than two.
        p50_s: the time that half of them took at most, failed ones too: the smallest
            ``total_s`` that at least this share did not exceed. None when there are none.
        p95_s: the same for 95 in 100.
        p99_s: the same for 99 in 100.
        by_machine: the counts of each Machine, by its id.
    """

    requests: int
    failed: int
    own_faults: int
    first_at: float | None
    last_at: float | None
    longest_gap_s: float
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    by_machine: tuple[MachineCounts, ...]


def summarise(
    machines: Sequence[MachineCounts],
    times: Iterable[float | None],
    totals_s: Sequence[float | None],
) -> Summary:
    """Put a summary together.

    Args:
        machines: the counts of each Machine.
        times: when each exchange that is no fault of our own was made, in any order.
        totals_s: how long each of those took, in any order. One that is not a number (None)
            counts as longer than any, and its order statistics are not numbers either.
    """
    ordered_times = sorted(at for at in times if at is not None)
    ordered_totals = sorted(total_s for total_s in totals_s if total_s is not None)
    ordered_totals += [math.nan] * (len(totals_s) - len(ordered_totals))
    return Summary(
        requests=sum(machine.requests for machine in machines),
        failed=sum(machine.failed for machine in machines),
        own_faults=sum(machine.own_faults for machine in machines),
        first_at=ordered_times[0] if ordered_times else None,
        last_at=ordered_times[-1] if ordered_times else None,
        longest_gap_s=max((b - a for a, b in itertools.pairwise(ordered_times)), default=0.0),
        p50_s=order_statistic(ordered_totals, 50),
        p95_s=order_statistic(ordered_totals, 95),
        p99_s=order_statistic(ordered_totals, 99),
        by_machine=tuple(sorted(machines, key=lambda counts: counts.machine)),
    )


def order_statistic(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest value that at least ``percent`` in 100 do not exceed (nearest rank).

    Args:
        ordered: the values, ascending.
        percent: 1 to 100. Never averaged or interpolated: the answer is a value seen.
    """
    if not ordered:
        return None
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]
