"""Kayenta's labels come with the numbers of the Mann-Whitney interval they rest on."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_sre.slo.kayenta import CONFIDENCE, _statistic, classify, location_shift

values = st.lists(st.integers(0, 12).map(float), min_size=2, max_size=25)


@given(values, values)
def test_the_statistic_is_that_of_scipy_with_ties_and_continuity(new, old):
    if len({*new, *old}) == 1:
        assert _statistic(0.0, new, old, 0.5) == 0
        return
    theirs = stats.mannwhitneyu(new, old, method="asymptotic", use_continuity=True)
    ours = _statistic(0.0, new, old, 0.5)

    assert min(1.0, 2 * stats.norm.sf(abs(ours))) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_shift_is_the_median_of_all_differences():
    rng = random.Random(8)
    new = [rng.gauss(12, 2) for _ in range(31)]
    old = [rng.gauss(10, 2) for _ in range(29)]
    differences = sorted(ours - theirs for ours in new for theirs in old)
    shift, lower, upper = location_shift(new, old)

    assert shift == pytest.approx(differences[len(differences) // 2], abs=0.02)
    assert lower < shift < upper
    # Shifted to an end of the interval, the samples differ just significantly.
    for end in (lower, upper):
        moved = [value - end for value in new]
        p = stats.mannwhitneyu(moved, old, method="asymptotic").pvalue
        assert p == pytest.approx(1 - CONFIDENCE, rel=0.1)


@pytest.mark.parametrize(
    ("new", "old", "label"),
    [
        ([10, 20, 30, 40], [10, 20, 30, 40], "Pass"),
        ([1] * 9, [1] * 5, "Pass"),
        ([5] * 10, [3] * 10, "High"),
        ([3] * 10, [5] * 10, "Low"),
        (range(100, 130), range(30), "High"),
        (range(30), range(100, 130), "Low"),
        (range(30), range(1, 31), "Pass"),
    ],
)
def test_labels(new, old, label):
    assert classify([float(v) for v in new], [float(v) for v in old]).label == label


def test_only_the_direction_that_was_asked_for_counts():
    low, high = [float(v) for v in range(30)], [float(v) for v in range(100, 130)]

    assert classify(high, low, direction="decrease").label == "Pass"
    assert classify(high, low, direction="increase").label == "High"
    assert classify(low, high, direction="increase").label == "Pass"


def test_an_effect_within_what_is_allowed_passes():
    low, high = [float(v) for v in range(100, 130)], [float(v) for v in range(120, 150)]

    assert classify(high, low).label == "High"
    assert classify(high, low).effect == pytest.approx(134.5 / 114.5)
    assert classify(high, low, allowed_increase=1.5).label == "Pass"
    assert classify(low, high, allowed_decrease=0.5).label == "Pass"


def test_a_mean_of_zero_has_no_effect_size_to_hold_a_label_back():
    found = classify([5.0 + n / 10 for n in range(20)], [0.0] * 20, allowed_increase=1e9)

    assert (found.label, found.effect) == ("High", None)


def test_values_that_are_missing_are_left_out_or_read_as_zero():
    new, old = [math.nan] * 15 + [5.0, 5.1, 5.2], [5.0, 5.1, 5.2] * 6

    assert classify(new, old).label == "Pass"
    assert classify(new, old, nan_strategy="replace").label == "Low"


def test_infinite_values_are_refused():
    with pytest.raises(ValueError, match="expected finite values"):
        classify([math.inf], [1.0])
