"""What is watched event by event is judged with the risk it says, whenever the watching stops."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.slo.binomial import is_improbably_high
from pytest_sre.slo.proportion import judge_ratio
from pytest_sre.slo.sequences import (
    MeanSequence,
    RatioSequence,
    _log_better,
    _log_worse,
    watch_ratio,
)
from pytest_sre.verdict import ObjectiveVerdict

MET, BREACHED = ObjectiveVerdict.MET, ObjectiveVerdict.BREACHED
INCONCLUSIVE = ObjectiveVerdict.INCONCLUSIVE
outcomes = st.lists(st.booleans(), max_size=120)
limits = st.floats(0.001, 0.7)


@given(outcomes, limits)
def test_one_by_one_in_a_row_or_in_runs_of_equals_is_the_same(events, limit):
    one_by_one, runs = watch_ratio(limit), watch_ratio(limit)
    for is_good in events:
        one_by_one = one_by_one.fold(good=is_good + 0, bad=1 - is_good)
    before = 0
    for place in range(1, len(events) + 1):
        if place == len(events) or events[place] != events[place - 1]:
            good = sum(events[before:place])
            runs, before = runs.fold(good=good, bad=place - before - good), place

    assert one_by_one == runs == watch_ratio(limit).fold_each(events)


@pytest.mark.parametrize("limit", [0.001, 0.1, 0.5])
@pytest.mark.parametrize(("good", "bad"), [(0, 0), (3, 1), (50, 4), (2, 9)])
def test_betting_against_the_objective_is_a_fair_game(limit, good, bad):
    # The likelihood ratios of the bets have mean 1 at the limit, so no way of stopping gains.
    odds = limit / (1 - limit)
    for log_wealth in (_log_worse, _log_better):
        now = math.exp(log_wealth(odds, good + bad, bad))
        after_bad = math.exp(log_wealth(odds, good + bad + 1, bad + 1))
        after_good = math.exp(log_wealth(odds, good + bad + 1, bad))
        assert limit * after_bad + (1 - limit) * after_good == pytest.approx(now, rel=1e-9)
    assert math.exp(_log_worse(odds, 0, 0)) == pytest.approx(1)
    assert math.exp(_log_better(odds, 0, 0)) == pytest.approx(1)


def exact_risk(limit: float, alpha: float, length: int, verdict: ObjectiveVerdict) -> float:
    """The probability that a verdict is ever given among so many events, at the limit itself."""
    alive, given_ = {0: 1.0}, 0.0
    for total in range(1, length + 1):
        after: dict[int, float] = {}
        for bad, chance in alive.items():
            after[bad] = after.get(bad, 0) + chance * (1 - limit)
            after[bad + 1] = after.get(bad + 1, 0) + chance * limit
        alive = {}
        for bad, chance in after.items():
            seen = RatioSequence(limit, alpha, good=total - bad, bad=bad - (bad > 0))
            seen = seen.fold(bad=1) if bad else seen
            says = BREACHED if seen.breached else (MET if seen.is_certain else INCONCLUSIVE)
            if says is verdict:
                given_ += chance
            else:
                alive[bad] = chance
    return given_


@pytest.mark.parametrize("verdict", [MET, BREACHED])
@pytest.mark.parametrize(("limit", "alpha"), [(0.3, 0.05), (0.1, 0.05), (0.5, 0.2)])
def test_looking_after_every_event_keeps_the_risk(limit, alpha, verdict):
    risk = exact_risk(limit, alpha, 120, verdict)

    assert 0 < risk <= alpha


def test_looking_at_fixed_bounds_after_every_event_does_not():
    def naive(events: list[bool]) -> bool:
        bad_at = [place for place, is_good in enumerate(events, 1) if not is_good]
        return any(is_improbably_high(bad, at, 0.1, 0.05) for bad, at in enumerate(bad_at, 1))

    rng = random.Random(7)
    runs = [[rng.random() >= 0.1 for _ in range(150)] for _ in range(400)]

    assert sum(map(naive, runs)) / len(runs) > 0.1
    seen = [watch_ratio(0.1).fold_each(run).breached for run in runs]
    assert sum(seen) / len(runs) <= 0.05


@given(st.integers(0, 10**9), st.integers(0, 10**6), limits, st.sampled_from([0.05, 0.01]))
@settings(deadline=None)
def test_a_verdict_is_what_its_bounds_say(good, bad, limit, alpha):
    judgement = watch_ratio(limit, alpha=alpha).fold(good, bad).judgement

    assert 0 <= judgement.lower <= judgement.observed <= judgement.upper <= 1
    assert (judgement.verdict is MET) == (judgement.upper <= limit)
    assert (judgement.verdict is BREACHED) == (judgement.lower >= limit)


@given(st.integers(0, 3000), st.integers(0, 5), st.sampled_from([0.001, 0.01, 0.1]))
def test_an_open_one_says_how_many_good_ones_would_settle_it(good, bad, limit):
    seen = watch_ratio(limit).fold(good, bad)
    judgement = seen.judgement

    if judgement.verdict is INCONCLUSIVE:
        assert seen.fold(good=judgement.more).judgement.verdict is MET
        if judgement.more > 1:
            assert not seen.fold(good=judgement.more - 1).is_certain


def test_bounds_that_hold_at_all_times_are_wider_and_not_by_much():
    for good, bad, times in ((3000, 0, 1.3), (500, 500, 1.2), (10**6, 10**3, 1.15)):
        fixed = judge_ratio(bad, good + bad, 0.2)
        anytime = watch_ratio(0.2).fold(good, bad).judgement

        assert fixed.lower / times <= anytime.lower <= fixed.lower
        assert fixed.upper <= anytime.upper <= fixed.upper * times


def test_once_breached_it_stays_so_and_met_can_be_lost():
    broken = watch_ratio(0.001).fold(good=100).fold(bad=5)
    kept = watch_ratio(0.001).fold(good=4000)

    assert broken.judgement.verdict is BREACHED
    assert broken.fold(good=10**6).judgement.verdict is BREACHED
    assert kept.judgement.verdict is MET
    assert kept.fold(good=1).fold(bad=4).judgement.verdict is INCONCLUSIVE
    assert kept.fold(bad=100).judgement.verdict is BREACHED


def test_no_events_are_never_met():
    judgement = watch_ratio(0.5).judgement

    assert judgement.verdict is INCONCLUSIVE
    assert (judgement.lower, judgement.upper) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("good", "bad"), [(-1, 0), (0, -1), (math.nan, 0), (0, 0.5), (math.inf, 1)]
)
def test_what_counts_nothing_is_refused(good, bad):
    with pytest.raises(ValueError, match=r"whole number, 0 or more|at most"):
        watch_ratio(0.1).fold(good, bad)


@pytest.mark.parametrize("limit", [0, 1, math.nan])
def test_a_limit_that_nothing_could_show_is_refused(limit):
    with pytest.raises(ValueError, match="between 0 and 1"):
        watch_ratio(limit)
    with pytest.raises(ValueError, match="between 0 and 1"):
        MeanSequence().judge(limit)


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(0, 60))
def test_values_in_one_block_or_two_give_the_same_bounds(values, cut):
    whole = MeanSequence().fold(values)

    assert whole == MeanSequence().fold(values[:cut]).fold(values[cut:])
    assert 0 <= whole.lower <= 1
    assert whole.count == len(values)


def test_bounds_on_a_mean_ever_exclude_it_as_rarely_as_they_say():
    rng = random.Random(3)
    wrong = 0
    for _ in range(300):
        seen = MeanSequence(0.05).fold(rng.betavariate(2, 6) for _ in range(400))
        wrong += not seen.lower <= 0.25
        wrong += not seen.upper >= 0.25

    assert wrong / 300 <= 0.1
    assert seen.lower > 0.15
    assert seen.upper < 0.35
    assert (seen.judge(0.5), seen.judge(0.1), seen.judge(0.25)) == (MET, BREACHED, INCONCLUSIVE)
    assert MeanSequence().mean == 0.5


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_a_value_out_of_bounds_is_refused(value):
    with pytest.raises(ValueError, match="expected a value between 0 and 1"):
        MeanSequence().fold([value])
