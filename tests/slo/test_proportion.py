"""Bounds on a share are exact, and verdicts on it claim no more than the sample carries."""

import math
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo import judge_ratio, samples_to_settle
from pytest_sre.slo.proportion import lower_bound, upper_bound
from pytest_sre.verdict import Inconclusive, Verdict

RISK = 0.05


def exactly_at_most(bad: int, total: int, ratio: float) -> float:
    """P(X <= bad) without rounding: a sum of fractions."""
    p = Fraction(ratio)
    terms = (math.comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(bad + 1))
    return float(sum(terms, Fraction(0)))


@st.composite
def samples(draw, largest: int = 400):
    total = draw(st.integers(1, largest))
    return draw(st.integers(0, total)), total


limits = st.floats(0.001, 0.5)


@pytest.mark.parametrize(
    ("bad", "total"), [(0, 10), (1, 10), (5, 10), (9, 10), (3, 57), (20, 60), (59, 60)]
)
def test_bounds_are_where_the_exact_binomial_has_five_percent_left(bad, total):
    lower, upper = lower_bound(bad, total), upper_bound(bad, total)

    assert exactly_at_most(bad, total, upper) == pytest.approx(RISK, rel=1e-9)
    if bad:
        assert 1 - exactly_at_most(bad - 1, total, lower) == pytest.approx(RISK, rel=1e-9)


def test_bounds_agree_with_the_closed_forms_of_their_ends():
    # With no bad event the upper bound is 1 - risk^(1/n), the source of the "rule of three".
    for total in (1, 59, 300, 100_000):
        assert upper_bound(0, total) == pytest.approx(1 - RISK ** (1 / total), rel=1e-9)
        assert lower_bound(total, total) == pytest.approx(RISK ** (1 / total), rel=1e-9)
        assert (lower_bound(0, total), upper_bound(total, total)) == (0.0, 1.0)


def test_sample_sizes_are_those_of_acceptance_tables():
    # The smallest sample that shows 95 % reliability at 95 % confidence, with 0, 1 and 2 failures.
    assert [samples_to_settle(0.05, bad) for bad in (0, 1, 2)] == [59, 93, 124]
    assert samples_to_settle(0.01) == 299


@given(samples())
def test_the_observed_ratio_lies_between_its_bounds(sample):
    bad, total = sample

    assert 0 <= lower_bound(bad, total) <= bad / total <= upper_bound(bad, total) <= 1


@given(samples())
def test_bounds_on_good_events_mirror_those_on_bad_ones(sample):
    bad, total = sample

    assert lower_bound(bad, total) == pytest.approx(1 - upper_bound(total - bad, total), abs=1e-9)


SEVERITY = [Verdict.HEALTHY, Verdict.INCONCLUSIVE, Verdict.UNHEALTHY]


@given(samples(), limits)
def test_one_more_bad_event_never_makes_the_verdict_better(sample, limit):
    bad, total = sample
    before = judge_ratio(bad, total, limit)
    after = judge_ratio(min(total, bad + 1), total, limit)

    assert SEVERITY.index(after.verdict) >= SEVERITY.index(before.verdict)


@given(samples(), limits)
def test_a_verdict_is_what_its_bounds_say(sample, limit):
    judgement = judge_ratio(*sample, limit)

    claims = (judgement.upper <= limit, judgement.lower > limit)
    assert claims != (True, True)
    assert claims == (
        judgement.verdict is Verdict.HEALTHY,
        judgement.verdict is Verdict.UNHEALTHY,
    )


@given(st.floats(0.005, 0.4), st.integers(0, 12))
def test_the_sample_that_settles_is_the_smallest_one(limit, bad):
    enough = samples_to_settle(limit, bad)

    assert judge_ratio(bad, enough, limit).verdict is Verdict.HEALTHY
    assert judge_ratio(bad, max(bad, enough - 1), limit).verdict is not Verdict.HEALTHY


@given(samples(), limits)
def test_an_inconclusive_one_says_how_many_more_would_settle_it(sample, limit):
    bad, total = sample
    judgement = judge_ratio(bad, total, limit)

    if judgement.verdict is Verdict.INCONCLUSIVE:
        assert judgement.more >= 1
        assert judge_ratio(bad, total + judgement.more, limit).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.5, 0.999])
def test_no_events_are_never_healthy(limit):
    assert judge_ratio(0, 0, limit).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("limit", [0, 1, -0.1, 1.5, math.nan])
def test_a_limit_that_no_sample_can_show_is_refused(limit):
    with pytest.raises(ValueError, match="expected a limit between 0 and 1"):
        judge_ratio(0, 100, limit)
    with pytest.raises(ValueError, match="expected a limit between 0 and 1"):
        samples_to_settle(limit)


@pytest.mark.parametrize(("bad", "limit"), [(50_000, 0.01), (50_000, 0.5), (1_000, 0.01)])
def test_a_hundred_thousand_events_are_judged_at_once(bad, limit):
    began = time.process_time()
    judgement = judge_ratio(bad, 100_000, limit)

    assert time.process_time() - began < 2
    spread = 1.645 * math.sqrt(bad * (1 - bad / 100_000)) / 100_000
    assert judgement.upper - judgement.observed == pytest.approx(spread, rel=0.05)
    assert judgement.observed - judgement.lower == pytest.approx(spread, rel=0.05)


def test_a_check_raises_by_verdict_and_shows_sizes_and_bound():
    judge_ratio(0, 1000, 0.01).check("requests failed")
    with pytest.raises(AssertionError, match=r"requests failed: 50 of 100 .*at least 41\.\d\d%"):
        judge_ratio(50, 100, 0.01).check("requests failed")
    with pytest.raises(Inconclusive, match=r"could be 25\.89%; 289 more good ones would settle it"):
        judge_ratio(0, 10, 0.01).check("requests failed")
