"""Bounds on a share are exact, and verdicts on it claim no more than the sample carries."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.slo import judge_ratio, samples_to_settle
from pytest_sre.slo.binomial import lower_bound, upper_bound
from pytest_sre.slo.proportion import percent
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict, Verdict

RISK = 0.05


@st.composite
def samples(draw, largest: int = 400):
    total = draw(st.integers(1, largest))
    return draw(st.integers(0, total)), total


limits = st.floats(0.001, 0.5)


def test_bounds_agree_with_the_closed_forms_of_their_ends():
    # With no bad event the upper bound is 1 - risk^(1/n), the source of the "rule of three".
    for total in (1, 59, 300, 100_000):
        assert upper_bound(0, total, RISK) == pytest.approx(1 - RISK ** (1 / total), rel=1e-9)
        assert lower_bound(total, total, RISK) == pytest.approx(RISK ** (1 / total), rel=1e-9)
        assert (lower_bound(0, total, RISK), upper_bound(total, total, RISK)) == (0.0, 1.0)


def test_sample_sizes_are_those_of_acceptance_tables():
    # The smallest sample that shows 95 % reliability at 95 % confidence, with 0, 1 and 2 failures.
    assert [samples_to_settle(0.05, bad) for bad in (0, 1, 2)] == [59, 93, 124]
    assert samples_to_settle(0.01) == 299


@given(samples())
def test_the_observed_ratio_lies_between_its_bounds(sample):
    bad, total = sample

    assert 0 <= lower_bound(bad, total, RISK) <= bad / total <= upper_bound(bad, total, RISK) <= 1


@given(samples())
def test_bounds_on_good_events_mirror_those_on_bad_ones(sample):
    bad, total = sample

    assert lower_bound(bad, total, RISK) == pytest.approx(
        1 - upper_bound(total - bad, total, RISK), abs=1e-9
    )


MET, BREACHED = ObjectiveVerdict.MET, ObjectiveVerdict.BREACHED
INCONCLUSIVE = ObjectiveVerdict.INCONCLUSIVE
SEVERITY = [MET, INCONCLUSIVE, BREACHED]


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
        judgement.verdict is MET,
        judgement.verdict is BREACHED,
    )


@given(st.floats(0.005, 0.4), st.integers(0, 12))
def test_the_sample_that_settles_is_the_smallest_one(limit, bad):
    enough = samples_to_settle(limit, bad)

    assert judge_ratio(bad, enough, limit).verdict is MET
    assert judge_ratio(bad, max(bad, enough - 1), limit).verdict is not MET


@given(samples(), limits)
def test_an_inconclusive_one_says_how_many_more_would_settle_it(sample, limit):
    bad, total = sample
    judgement = judge_ratio(bad, total, limit)

    if judgement.verdict is INCONCLUSIVE:
        assert judgement.more >= 1
        assert judge_ratio(bad, total + judgement.more, limit).verdict is MET


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.5, 0.999])
def test_no_events_are_never_healthy(limit):
    assert judge_ratio(0, 0, limit).verdict is INCONCLUSIVE


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
    with pytest.raises(AssertionError, match=r"failed: BREACHED: 50 of 100 .*at least 41\.36 %"):
        judge_ratio(50, 100, 0.01).check("requests failed")
    with pytest.raises(
        Inconclusive, match=r"could be 25\.89 %; 289 more good ones would settle it"
    ):
        judge_ratio(0, 10, 0.01).check("requests failed")


def test_a_judgement_reads_as_one_sentence():
    assert str(judge_ratio(0, 3000, 0.001)) == (
        "MET: 0 of 3,000 bad (0.00 %, objective 0.10 %): at most 0.10 % with 95 % confidence"
    )
    assert str(judge_ratio(500, 1_000_000, 1e-5, alpha=0.01)) == (
        "BREACHED: 500 of 1,000,000 bad (0.050 %, objective 0.0010 %): "
        "at least 0.045 % with 99 % confidence"
    )


def test_a_release_is_as_healthy_as_its_objectives_are_met():
    assert [one.of_release for one in SEVERITY] == [
        Verdict.HEALTHY,
        Verdict.INCONCLUSIVE,
        Verdict.UNHEALTHY,
    ]


@given(samples(), limits, st.sampled_from([0.2, 0.05, 0.01]))
def test_less_risk_never_turns_a_verdict_and_may_take_it_back(sample, limit, alpha):
    risky, careful = (judge_ratio(*sample, limit, alpha=one) for one in (alpha, alpha / 10))

    assert careful.verdict in {risky.verdict, INCONCLUSIVE}
    assert (careful.lower, -careful.upper) <= (risky.lower, -risky.upper)


@given(st.integers(0, 10**12), st.floats(0, 1), st.floats(1e-6, 0.9))
def test_counts_of_any_size_are_judged(total, share, limit):
    bad = int(total * share)
    judgement = judge_ratio(bad, total, limit)

    assert judgement.lower <= judgement.observed <= judgement.upper
    if judgement.verdict is INCONCLUSIVE:
        assert judge_ratio(bad, total + judgement.more, limit).verdict is MET


@pytest.mark.parametrize(
    ("bad", "total", "found"),
    [
        (-1, 10, "expected bad to be a whole number, 0 or more, found -1"),
        (0, -10, "expected total to be a whole number, 0 or more, found -10"),
        (11, 10, "expected at most 10 bad of 10, found 11"),
        (math.nan, 10, "expected bad to be a whole number, 0 or more, found nan"),
        (0, math.inf, "expected total to be a whole number, 0 or more, found inf"),
        (0.5, 10, "expected bad to be a whole number, 0 or more, found 0.5"),
        (True, 10, "expected bad to be a whole number, 0 or more, found True"),
    ],
)
def test_numbers_that_count_nothing_are_refused(bad, total, found):
    with pytest.raises(ValueError, match=found):
        judge_ratio(bad, total, 0.01)


@pytest.mark.parametrize("alpha", [0, -0.05, 0.5, 1, math.nan])
def test_a_risk_that_is_none_is_refused(alpha):
    with pytest.raises(ValueError, match="expected alpha above 0 and at most"):
        judge_ratio(0, 10, 0.01, alpha=alpha)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0, "0.00 %"), (1, "100.00 %"), (0.001, "0.10 %"), (0.000123, "0.012 %"), (-0.02, "-2.00 %")],
)
def test_shares_are_written_with_the_digits_that_tell_them_apart(ratio, text):
    assert percent(ratio) == text
