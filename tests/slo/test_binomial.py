"""Binomial tails and their bounds, against exact sums, scipy and the Poisson limit."""

import math
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_sre.slo.binomial import (
    is_improbably_high,
    is_improbably_low,
    lower_bound,
    upper_bound,
)

TRILLION = 10**12
alphas = st.sampled_from([0.25, 0.05, 0.01, 1e-6])


def exactly_at_most(bad: int, total: int, ratio: float) -> float:
    """P(X <= bad) without rounding: a sum of fractions."""
    p = Fraction(ratio)
    terms = (math.comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(bad + 1))
    return float(sum(terms, Fraction(0)))


@st.composite
def samples(draw, largest: int):
    total = draw(st.integers(1, largest))
    return draw(st.integers(0, total)), total


@given(samples(60), alphas)
def test_bounds_are_where_the_exact_binomial_has_the_risk_left(sample, alpha):
    bad, total = sample
    lower, upper = lower_bound(bad, total, alpha), upper_bound(bad, total, alpha)

    if bad < total:
        assert exactly_at_most(bad, total, upper) == pytest.approx(alpha, rel=1e-9)
    if bad:
        assert 1 - exactly_at_most(bad - 1, total, lower) == pytest.approx(alpha, rel=1e-9)


@given(samples(10**6), alphas)
def test_bounds_of_larger_samples_are_those_of_scipy(sample, alpha):
    bad, total = sample

    if bad < total:
        expected = stats.beta.isf(alpha, bad + 1, total - bad)
        assert upper_bound(bad, total, alpha) == pytest.approx(expected, rel=1e-9)
    if bad:
        expected = stats.beta.ppf(alpha, bad, total - bad + 1)
        assert lower_bound(bad, total, alpha) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bad", [1, 28, 999, 100_000])
@pytest.mark.parametrize("alpha", [0.25, 0.05, 0.001])
def test_bounds_of_few_bad_among_a_trillion_are_those_of_poisson(bad, alpha):
    # scipy's own beta quantiles are off by up to 0.2 % here.
    upper, lower = stats.gamma.isf(alpha, bad + 1), stats.gamma.ppf(alpha, bad)

    assert upper_bound(bad, TRILLION, alpha) * TRILLION == pytest.approx(upper, rel=1e-6)
    assert lower_bound(bad, TRILLION, alpha) * TRILLION == pytest.approx(lower, rel=1e-6)


@pytest.mark.parametrize("bad", [10**9, TRILLION // 2])
def test_bounds_of_many_bad_among_a_trillion_are_those_of_the_normal_limit(bad):
    ratio = bad / TRILLION
    spread = stats.norm.isf(0.05) * math.sqrt(ratio * (1 - ratio) / TRILLION)

    assert upper_bound(bad, TRILLION, 0.05) - ratio == pytest.approx(spread, rel=1e-4)
    assert ratio - lower_bound(bad, TRILLION, 0.05) == pytest.approx(spread, rel=1e-4)


@pytest.mark.parametrize("bad", [0, 7, 10**6, 10**9, TRILLION // 2, TRILLION - 1, TRILLION])
def test_a_trillion_events_take_no_time(bad):
    began = time.process_time()
    lower, upper = lower_bound(bad, TRILLION, 0.05), upper_bound(bad, TRILLION, 0.05)

    assert time.process_time() - began < 2
    assert 0 <= lower <= bad / TRILLION <= upper <= 1


@given(samples(300), st.floats(0.001, 0.999), alphas)
def test_what_is_improbable_is_so_by_the_exact_tail(sample, ratio, alpha):
    bad, total = sample
    at_most = stats.binom.cdf(bad, total, ratio)
    at_least = stats.binom.sf(bad - 1, total, ratio)

    if not math.isclose(at_most, alpha, rel_tol=1e-9):
        assert is_improbably_low(bad, total, ratio, alpha) == (at_most < alpha)
    if not math.isclose(at_least, alpha, rel_tol=1e-9):
        assert is_improbably_high(bad, total, ratio, alpha) == (at_least < alpha)
