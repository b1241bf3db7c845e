"""Latencies as counts in buckets: merged, kept and sent without their single values.

The buckets are those of HdrHistogram (Gil Tene, hdrhistogram.org) from 1 microsecond to 1 hour with
three significant digits, so that load generators and other tools read and write the same.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from pytest_sre.slo import hdr_form

LONGEST_S = 3600.0
"""What took longer is counted with this, in a bucket that has no end."""
# 2 * 10^3 linear steps, rounded up to 2^11; each further bucket adds the upper half of them.
_HALF_BITS = 10
_HALF = 1 << _HALF_BITS


@dataclass(frozen=True)
class LatencyHistogram:
    """How often each latency was seen, to three significant digits; a value that never changes.

    Attributes:
        buckets: the index of each bucket that holds any, in rising order, with its count.
    """

    buckets: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, latencies_s: Iterable[float]) -> "LatencyHistogram":
        """Count latencies in seconds.

        Raises:
            ValueError: one is negative, infinite or not a number.
        """
        return cls.counting(Counter(index_of(latency_s) for latency_s in latencies_s))

    @classmethod
    def counting(cls, counts: "Counter[int]") -> "LatencyHistogram":
        """Make one of counts by the index of the bucket.

        Raises:
            ValueError: a count is negative, or a bucket is none.
        """
        for index, count in counts.items():
            if count < 0 or not 0 <= index <= index_of(LONGEST_S):
                raise ValueError(
                    f"expected a bucket up to {index_of(LONGEST_S)} with a count of 0 or more, "
                    f"found {count} in {index}"
                )
        return cls(tuple(sorted((index, count) for index, count in counts.items() if count)))

    def __add__(self, other: "LatencyHistogram") -> "LatencyHistogram":
        return self.counting(Counter(dict(self.buckets)) + Counter(dict(other.buckets)))

    @property
    def total(self) -> int:
        """How many latencies were counted."""
        return self._cumulative[-1] if self.buckets else 0

    @cached_property
    def _cumulative(self) -> list[int]:
        return list(accumulate(count for _, count in self.buckets))

    def spans(self) -> Iterable[tuple[float, float, int]]:
        """Give each bucket: its lowest latency, where the next begins (seconds), and its count."""
        return ((*_span_of(index), count) for index, count in self.buckets)

    def at_rank(self, rank: int) -> tuple[float, float]:
        """Give the bounds, in seconds, of the latency of this rank; 1 is the shortest.

        Raises:
            ValueError: there are not so many.
        """
        if not 1 <= rank <= self.total:
            raise ValueError(f"expected a rank from 1 to {self.total:,}, found {rank:,}")
        place = next(i for i, seen in enumerate(self._cumulative) if seen >= rank)
        return _span_of(self.buckets[place][0])

    def above(self, limit_s: float) -> tuple[int, int]:
        """Count the latencies above a limit: those surely above, and those that may be.

        The two differ by the bucket in which the limit lies.
        """
        surely = possibly = 0
        for low_s, next_s, count in self.spans():
            surely += count if low_s > limit_s else 0
            possibly += count if next_s > limit_s else 0
        return surely, possibly

    def percentile_s(self, percent: float) -> float:
        """Give the latency within which this share was (nearest rank; the end of its bucket).

        What took longer than an hour counts as an hour.

        Raises:
            ValueError: nothing was counted, or ``percent`` is not above 0 and at most 100.
        """
        return min(LONGEST_S, self.at_rank(nearest_rank(percent, self.total))[1])

    def encode(self) -> bytes:
        """Write it in HdrHistogram's compressed form (V2), which its tools read."""
        return hdr_form.write(self.buckets)

    @classmethod
    def decode(cls, encoded: bytes) -> "LatencyHistogram":
        """Read what `encode`, or another tool with the same range, wrote.

        Raises:
            ValueError: it is damaged, or its range or digits are others.
        """
        return cls.counting(Counter(dict(hdr_form.read(encoded))))


def nearest_rank(percent: float, total: int) -> int:
    """Give the rank of a percentile among ``total`` values.

    Raises:
        ValueError: there are none, or ``percent`` is not above 0 and at most 100.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"expected a percentile above 0 and at most 100, found {percent:g}")
    if not total:
        raise ValueError("expected values to take a percentile of, found none")
    # 99.9 % of 1,000 is 999, although its product in floats is a little more.
    return max(1, math.ceil(total * percent / 100 * (1 - 1e-12)))


def index_of(latency_s: float) -> int:
    """Give the index of the bucket that a latency in seconds falls into.

    Raises:
        ValueError: it is negative, infinite or not a number.
    """
    if not 0 <= latency_s < math.inf:
        raise ValueError(f"expected a latency of 0 seconds or more, found {latency_s:g}")
    micros = int(min(latency_s, LONGEST_S) * 1e6)
    shift = max(0, micros.bit_length() - _HALF_BITS - 1)
    return (shift << _HALF_BITS) + (micros >> shift)


def _low_us(index: int) -> tuple[int, int]:
    """Give the lowest microsecond of a bucket, and how many it has."""
    if index < 2 * _HALF:
        return index, 1
    shift = (index >> _HALF_BITS) - 1
    return ((index & (_HALF - 1)) + _HALF) << shift, 1 << shift


def _span_of(index: int) -> tuple[float, float]:
    low_us, width_us = _low_us(index)
    end_us = math.inf if index == index_of(LONGEST_S) else low_us + width_us
    return low_us / 1e6, end_us / 1e6
