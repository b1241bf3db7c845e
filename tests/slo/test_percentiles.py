"""Bounds on a percentile are by rank, cover it as often as they say, and decide what they can."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_sre.slo.histogram import LONGEST_S, LatencyHistogram
from pytest_sre.slo.percentiles import Samples, bound_percentile, judge_percentile
from pytest_sre.slo.proportion import judge_ratio
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

MET, BREACHED = ObjectiveVerdict.MET, ObjectiveVerdict.BREACHED
INCONCLUSIVE = ObjectiveVerdict.INCONCLUSIVE
percents = st.sampled_from([50, 90, 95, 99, 99.9])


@given(st.integers(1, 3000), percents, st.sampled_from([0.05, 0.01]))
def test_the_ranks_are_quantiles_of_the_binomial(total, percent, alpha):
    bounds = bound_percentile(Samples(tuple(range(1, total + 1))), percent, alpha=alpha)
    share = percent / 100

    # Value k has rank k: the tails just inside and just outside the risk tell which it must be.
    if bounds.lower_s:
        assert stats.binom.cdf(bounds.lower_s - 1, total, share) <= alpha * (1 + 1e-9)
    assert stats.binom.cdf(bounds.lower_s, total, share) > alpha * (1 - 1e-9)
    if math.isfinite(bounds.upper_s):
        assert stats.binom.sf(bounds.upper_s - 1, total, share) <= alpha * (1 + 1e-9)
    upper = min(bounds.upper_s, total + 1)
    assert stats.binom.sf(upper - 2, total, share) > alpha * (1 - 1e-9)


def test_scipy_finds_the_same_interval_for_the_median():
    values = [random.Random(1).gauss(10, 2) for _ in range(41)]
    values = [value + place / 7 for place, value in enumerate(values)]
    theirs = stats.quantile_test(values, q=0, p=0.5).confidence_interval(0.90)
    ours = bound_percentile(Samples.of(values), 50)

    assert (ours.lower_s, ours.upper_s) == (theirs.low, theirs.high)


@given(st.lists(st.floats(0.001, 5), max_size=400), percents, st.floats(0.01, 4))
def test_the_verdict_is_that_on_the_share_that_is_slow(values, percent, limit):
    judgement = judge_percentile(Samples.of(values), percent, limit)
    slow = sum(value > limit for value in values)
    by_share = judge_ratio(slow, len(values), (100 - percent) / 100)

    assert judgement.verdict is by_share.verdict
    assert judgement.more == by_share.more
    assert (judgement.verdict is MET) == (judgement.bounds.upper_s <= limit)
    assert (judgement.verdict is BREACHED) == (judgement.bounds.lower_s > limit)


@given(st.lists(st.floats(0.001, 5), max_size=200), percents, st.floats(0.01, 4), st.booleans())
def test_a_histogram_never_says_more_than_its_values(values, percent, limit, anytime):
    exact = judge_percentile(Samples.of(values), percent, limit, anytime=anytime)
    coarse = judge_percentile(LatencyHistogram.of(values), percent, limit, anytime=anytime)

    assert coarse.verdict in {exact.verdict, INCONCLUSIVE}
    assert coarse.bounds.lower_s <= exact.bounds.lower_s
    assert coarse.bounds.upper_s >= exact.bounds.upper_s - 1e-9


def test_a_bucket_that_straddles_the_limit_decides_nothing():
    # All answers took exactly the limit, or a microsecond more: the buckets are the same.
    for latency in (0.300, 0.300001):
        judgement = judge_percentile(LatencyHistogram.of([latency] * 5000), 99, 0.3)

        assert judgement.verdict is INCONCLUSIVE
        assert (judgement.slow, judgement.unsure) == (0, 5000)
    assert judge_percentile(Samples.of([0.300] * 5000), 99, 0.3).verdict is MET
    assert judge_percentile(Samples.of([0.300001] * 5000), 99, 0.3).verdict is BREACHED


def test_what_took_longer_than_a_histogram_holds_is_within_no_limit():
    seen = LatencyHistogram.of([5 * LONGEST_S] * 5000)
    judgement = judge_percentile(seen, 99, 2 * LONGEST_S)

    assert judgement.verdict is INCONCLUSIVE
    assert judgement.bounds.upper_s == math.inf
    assert judge_percentile(seen, 99, 60).verdict is BREACHED
    assert seen.percentile_s(99) == LONGEST_S


@given(st.lists(st.floats(0.001, 5), min_size=1, max_size=200), percents)
def test_bounds_that_hold_at_all_times_are_wider(values, percent):
    fixed = bound_percentile(Samples.of(values), percent)
    anytime = bound_percentile(Samples.of(values), percent, anytime=True)

    assert anytime.lower_s <= fixed.lower_s <= fixed.observed_s <= fixed.upper_s
    assert fixed.upper_s <= anytime.upper_s


def test_looking_every_few_samples_keeps_the_risk_only_with_bounds_for_all_times():
    rng, wrong = random.Random(5), {True: 0, False: 0}
    for _ in range(80):
        values = [rng.expovariate(1) for _ in range(600)]
        for anytime in wrong:
            looks = (Samples.of(values[:n]) for n in range(60, 601, 60))
            judged = (judge_percentile(one, 90, math.log(10), anytime=anytime) for one in looks)
            wrong[anytime] += any(one.verdict is BREACHED for one in judged)

    assert wrong[True] / 80 <= 0.05 < wrong[False] / 80


def test_three_hundred_fast_answers_show_a_p99_and_fewer_do_not():
    enough = judge_percentile(Samples.of([0.1] * 299), 99, 0.3)
    few = judge_percentile(Samples.of([0.1] * 100), 99, 0.3)

    enough.check("answers")
    assert str(enough) == (
        "MET: 0 of 299 slower than 300 ms (objective p99): "
        "p99 is at most 100 ms with 95 % confidence"
    )
    with pytest.raises(Inconclusive, match=r"p99 could be anything; 199 more good ones"):
        few.check("answers")
    with pytest.raises(AssertionError, match=r"p99 is at least 900 ms with 95 % confidence"):
        judge_percentile(Samples.of([0.9] * 9), 99, 0.3).check("answers")


def test_nothing_seen_is_never_met():
    judgement = judge_percentile(LatencyHistogram(), 99, 0.3)

    assert judgement.verdict is INCONCLUSIVE
    assert judgement.bounds.observed_s is None
    assert judgement.more == 299


@pytest.mark.parametrize("percent", [0, 100, math.nan])
def test_a_percentile_without_bounds_is_refused(percent):
    with pytest.raises(ValueError, match="expected a percentile above 0 and below 100"):
        bound_percentile(Samples.of([1.0]), percent)


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_no_time_is_refused(limit):
    with pytest.raises(ValueError, match="expected a limit above 0 seconds"):
        judge_percentile(Samples.of([1.0]), 99, limit)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueError, match="expected a finite value"):
        Samples.of([1.0, value])
