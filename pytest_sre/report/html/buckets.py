"""Counts what was seen by time and by latency, in a number of buckets that is bounded. Pure."""

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import Final

MOST_SLICES: Final = 60

# 1, 2, 5, 10, ... from a millisecond to 100 seconds.
_EDGES_S: Final = (
    *(round(digit * 10.0**power, 6) for power in range(-3, 2) for digit in (1, 2, 5)),
    100.0,
)
_NICE_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True)
class Slices:
    """A stretch of time, cut into at most `MOST_SLICES` slices of the same length.

    Attributes:
        began_at: when the first begins, Unix seconds.
        slice_s: how long each is.
        count: how many there are.
    """

    began_at: float
    slice_s: float
    count: int

    @classmethod
    def of(cls, first_at: float, last_at: float, *, shortest_s: float = 0.1) -> "Slices":
        """Cut the time from the first event to the last, both of them in it.

        Args:
            first_at: when the first is, Unix seconds.
            last_at: when the last is.
            shortest_s: no slice is shorter.
        """
        length_s = max(0.0, last_at - first_at)
        hours = (3600.0 * 2**power for power in itertools.count(1))
        lengths = itertools.chain(map(float, _NICE_S), hours)
        slice_s = next(s for s in lengths if s >= shortest_s and length_s < s * MOST_SLICES)
        return cls(first_at, slice_s, math.floor(length_s / slice_s) + 1)

    def place(self, at: float) -> int:
        """Give which slice a time is in; the nearest for one that is in none."""
        place = math.floor((at - self.began_at) / self.slice_s)
        return min(max(place, 0), self.count - 1)

    def begins_at(self, place: int) -> float:
        """Give when a slice begins, Unix seconds."""
        return self.began_at + place * self.slice_s


BANDS: Final = len(_EDGES_S) + 1
"""How many bands of latencies there are; the last has no end."""


def band_of(latency_s: float) -> int:
    """Give which band a latency is in; what is not a number counts as longer than any."""
    return bisect.bisect_right(_EDGES_S, latency_s) if latency_s == latency_s else BANDS - 1


def band_label(band: int) -> str:
    """Name a band for people, such as ``20 to 50 ms``; the unit is said once where it can be."""
    if band == 0:
        return f"below {told_latency(_EDGES_S[0])}"
    if band == BANDS - 1:
        return f"{told_latency(_EDGES_S[-1])} or more"
    return f"{told_latency(_EDGES_S[band - 1])} to {told_latency(_EDGES_S[band])}"


def told_latency(latency_s: float) -> str:
    """Show a latency: milliseconds below a second, seconds from there on."""
    if not math.isfinite(latency_s):
        return "not known"
    if latency_s < 1:
        return f"{latency_s * 1000:.3g} ms" if latency_s < 0.1 else f"{latency_s * 1000:.0f} ms"
    return f"{latency_s:.3g} s" if latency_s < 100 else f"{latency_s:,.0f} s"
