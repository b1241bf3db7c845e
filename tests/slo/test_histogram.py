"""Latencies in buckets are those of HdrHistogram, lose no event, and say where they can't tell."""

import base64
import contextlib
import math
import struct
import zlib
from collections import Counter

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo.histogram import LONGEST_S, LatencyHistogram

latencies = st.lists(st.floats(0, 2 * LONGEST_S), max_size=60)


def theirs(values: list[float]) -> HdrHistogram:
    form = HdrHistogram(1, 3_600_000_000, 3)
    for value in values:
        form.record_value(int(min(value, LONGEST_S) * 1e6))
    return form


@given(latencies)
def test_buckets_are_those_of_the_library(values):
    ours = LatencyHistogram.of(values)

    assert dict(ours.buckets) == {i: n for i, n in enumerate(theirs(values).counts) if n}
    assert ours.total == len(values)


@given(latencies)
def test_what_is_written_is_read_back(values):
    ours = LatencyHistogram.of(values)

    assert LatencyHistogram.decode(ours.encode()) == ours


@given(latencies, latencies)
def test_merging_is_counting_together(left, right):
    merged = LatencyHistogram.of(left) + LatencyHistogram.of(right)

    assert merged == LatencyHistogram.of([*left, *right])


@given(latencies.filter(bool), st.floats(0.5, 100))
def test_a_percentile_is_the_end_of_the_bucket_of_its_rank(values, percent):
    found = LatencyHistogram.of(values).percentile_s(percent)
    rank = math.ceil(len(values) * percent / 100 * (1 - 1e-12))
    value = min(LONGEST_S, sorted(values)[rank - 1])

    assert value - 1e-6 <= found <= value * 1.001 + 2.1e-6


@given(latencies, st.floats(1e-6, LONGEST_S))
def test_those_above_a_limit_are_between_the_two_counts(values, limit):
    surely, possibly = LatencyHistogram.of(values).above(limit)

    # A microsecond is the finest that is kept.
    assert sum(min(v, LONGEST_S) > limit + 1e-6 for v in values) <= possibly
    assert surely <= sum(min(v, LONGEST_S) > limit - 1e-6 for v in values)
    assert possibly - surely <= len(values)


def test_a_limit_inside_a_bucket_is_in_doubt():
    near = LatencyHistogram.of([0.3] * 5 + [0.1] * 10 + [0.5])

    assert near.above(0.3) == (1, 6)
    assert near.above(0.2) == (6, 6)


@pytest.mark.parametrize("latency", [-0.001, math.nan, math.inf])
def test_what_is_no_latency_is_refused(latency):
    with pytest.raises(ValueError, match="expected a latency of 0 seconds or more, found"):
        LatencyHistogram.of([latency])


@pytest.mark.parametrize("counts", [{5: -1}, {-1: 3}, {10**6: 1}])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(ValueError, match="expected a bucket up to"):
        LatencyHistogram.counting(Counter(counts))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_histogram_are_refused(garbage):
    with pytest.raises(ValueError, match="expected a"):
        LatencyHistogram.decode(garbage)


@given(latencies)
def test_hdrhistogram_reads_what_we_write(values):
    ours = LatencyHistogram.of(values)
    theirs = HdrHistogram.decode(base64.b64encode(ours.encode()))

    assert theirs.total_count == len(values)
    assert {slot: count for slot, count in enumerate(theirs.counts) if count} == dict(ours.buckets)


@given(st.dictionaries(st.integers(0, 3 * 10**9), st.integers(1, 2**40), max_size=30))
def test_we_read_what_hdrhistogram_writes(micros):
    theirs = HdrHistogram(1, 3_600_000_000, 3)
    for one, count in micros.items():
        theirs.record_value(one, count)

    ours = LatencyHistogram.decode(base64.b64decode(theirs.encode()))

    assert dict(ours.buckets) == {slot: n for slot, n in enumerate(theirs.counts) if n}


@given(latencies, st.data())
def test_a_damaged_histogram_is_refused_or_another(values, data):
    whole = LatencyHistogram.of(values).encode()
    place = data.draw(st.integers(0, len(whole) - 1))
    cut, flipped = whole[:place], bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(ValueError, match="expected a"):
        LatencyHistogram.decode(cut)
    with contextlib.suppress(ValueError):
        assert LatencyHistogram.decode(bytes(flipped)).total >= 0


def test_a_small_file_does_not_become_a_large_one():
    bomb = zlib.compress(bytes(1 << 28), 9)

    with pytest.raises(ValueError, match="expected a"):
        LatencyHistogram.decode(struct.pack(">II", 0x1C849314, len(bomb)) + bomb)


def test_a_histogram_of_another_range_is_refused():
    other = base64.b64decode(HdrHistogram(1, 1000, 2).encode())

    with pytest.raises(ValueError, match="found from 1 to 1,000 with 2"):
        LatencyHistogram.decode(other)


@pytest.mark.parametrize("percent", [0, -1, 100.1, math.nan])
def test_a_percentile_out_of_range_is_refused(percent):
    with pytest.raises(ValueError, match="expected a percentile"):
        LatencyHistogram.of([1.0]).percentile_s(percent)


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="found none"):
        LatencyHistogram().percentile_s(50)
    with pytest.raises(ValueError, match="expected a rank from 1 to 0"):
        LatencyHistogram().at_rank(1)
