"""Latencies as they are counted and sent: the slots of an HdrHistogram that are not empty.

Source: HdrHistogram's layout for microseconds at three significant digits: 2,048 slots of one
microsecond, then 1,024 slots for each doubling, so that a slot is at most 0.1 % wide.
"""

import math
from collections.abc import Iterable

_HALF_BITS = 10
_SUB_BITS = _HALF_BITS + 1
LONGEST_S = 3600.0
_LONGEST_US = int(LONGEST_S * 1e6)

Slots = dict[int, int]
"""How often each slot was hit."""


def slot_of(latency_s: float) -> int:
    """Give the slot of a latency; one over an hour counts as an hour, a negative one as none."""
    us = int(latency_s * 1e6)
    if us < 1 << _SUB_BITS:
        return max(us, 0)
    us = min(us, _LONGEST_US)
    shift = us.bit_length() - _SUB_BITS
    return (shift << _HALF_BITS) + (us >> shift)


def longest_s(slot: int) -> float:
    """Give the longest latency of a slot, in seconds, as HdrHistogram reports it."""
    shift = max(0, (slot >> _HALF_BITS) - 1)
    return (((slot - (shift << _HALF_BITS) + 1) << shift) - 1) / 1e6


def merged(parts: Iterable[Slots]) -> Slots:
    """Add histograms up; the sum is that of the pooled latencies, exactly."""
    total: Slots = {}
    for part in parts:
        for slot, count in part.items():
            total[slot] = total.get(slot, 0) + count
    return total


def percentile_s(slots: Slots, percent: float) -> float:
    """Give the latency that this share did not exceed, to the slot's resolution.

    Raises:
        ValueError: there are none, or the percentage is not above 0 and at most 100.
    """
    total = sum(slots.values())
    if not total or not 0 < percent <= 100:
        raise ValueError(
            f"expected latencies and a percentage above 0 and at most 100, "
            f"found {total} and {percent:g}"
        )
    rank = math.ceil(total * percent / 100 - 1e-9)
    seen = 0
    for slot in sorted(slots):
        seen += slots[slot]
        if seen >= rank:
            break
    return longest_s(slot)
