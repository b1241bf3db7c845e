"""Latencies as they are counted and sent while load is made: buckets that are not empty."""

from collections import Counter
from collections.abc import Iterable

from pytest_sre.slo.histogram import LatencyHistogram

Buckets = dict[int, int]
"""How often each bucket of `LatencyHistogram` was hit, by its index."""


def merged(parts: Iterable[Buckets]) -> Buckets:
    """Add counts up; the sum is that of the pooled latencies, exactly."""
    total: Buckets = {}
    for part in parts:
        for index, count in part.items():
            total[index] = total.get(index, 0) + count
    return total


def histogram(parts: Iterable[Buckets]) -> LatencyHistogram:
    """Give the histogram of all parts together."""
    return LatencyHistogram.counting(Counter(merged(parts)))
