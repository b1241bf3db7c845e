"""``load.find_limit``: an interval that holds the truth, and who gave way first."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_sre.load.limit import LONGEST_STEP_S, MOST_STEPS, Step, search_limit, step_of, step_s
from pytest_sre.slo.facade import Slo
from pytest_sre.verdict import Inconclusive
from tests.load.test_result import RATE, SECONDS, SLOW, requested, result, second

slo = Slo([], lambda _: None, lambda _: None)
P99 = slo.latency(p=99, below="100ms").objective


def app_that_bears(truth, *, unclear=0.0, gave_way="latency"):
    """Tries rates on an app that bears so much; near the truth a step decides nothing."""

    def try_rate(rate):
        if abs(rate - truth) <= unclear * truth:
            return Step(rate, "undecided", "too few")
        return Step(rate, "held" if rate <= truth else gave_way, "as seen")

    return try_rate


@settings(deadline=None)
@given(
    truth=st.floats(0.5, 5000),
    first=st.floats(1, 2000),
    precision=st.floats(0.02, 1),
    unclear=st.sampled_from([0.0, 0.05]),
)
def test_the_interval_holds_the_truth(truth, first, precision, unclear):
    ceiling = 2000.0
    try:
        limit = search_limit(
            app_that_bears(truth, unclear=unclear),
            first=first,
            ceiling=ceiling,
            precision=precision,
        )
    except Inconclusive:
        assert unclear
        return

    assert limit.held_per_s <= truth or not limit.held_per_s
    assert limit.broken_per_s > truth
    assert len(limit.steps) <= MOST_STEPS
    if math.isinf(limit.broken_per_s) and not unclear:
        assert limit.held_per_s == ceiling
    elif not unclear and limit.held_per_s:
        assert limit.broken_per_s <= limit.held_per_s * (1 + precision) * 1.000001


def test_a_limit_is_told_and_checked():
    limit = search_limit(app_that_bears(150), first=100, ceiling=2000, precision=0.1)

    assert (limit.held_per_s, limit.gave_way) == (pytest.approx(145, rel=0.07), "latency")
    assert str(limit).endswith("latency gave way first")
    limit.check(at_least=100)
    with pytest.raises(AssertionError, match=r"expected at least 900/s.*\n1\S+/s latency: as seen"):
        limit.check(at_least=900)
    between = (limit.held_per_s + limit.broken_per_s) / 2
    with pytest.raises(Inconclusive, match="no step tells"):
        limit.check(at_least=between)


def test_an_app_that_bears_all_that_may_be_made_has_no_limit_below():
    limit = search_limit(app_that_bears(9000), first=100, ceiling=1000, precision=0.1)

    assert (limit.held_per_s, limit.broken_per_s, limit.gave_way) == (1000, math.inf, "")
    with pytest.raises(Inconclusive):
        limit.check(at_least=1001)


def test_a_generator_that_gives_way_decides_nothing():
    def try_rate(rate):
        return Step(rate, "held" if rate < 300 else "generator", "arrivals began late")

    with pytest.raises(Inconclusive) as raised:
        search_limit(try_rate, first=100, ceiling=1000, precision=0.1)

    assert "the load generator gave way before the app did: arrivals began late" in str(
        raised.value
    )
    assert "held up to 200/s" in raised.value.reason


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "held"),
        ({"intended": {SLOW: RATE}}, "latency"),
        ({"failed": RATE, "intended": {}, "failed_after": {SLOW: RATE}}, "errors"),
        ({"late": RATE // 2, "intended": {SLOW: RATE}}, "generator"),
        ({"own_faults": RATE // 2, "intended": {}}, "generator"),
        ({"done": 1, "started": 1, "planned": 1, "intended": {}}, "undecided"),
    ],
)
def test_who_gave_way_is_told_the_generator_first(changes, outcome):
    made = result(requested([second(number, **changes) for number in range(SECONDS)]))

    assert step_of(RATE, made, P99).outcome == outcome


def test_a_step_is_long_enough_for_a_verdict_or_is_not_made():
    assert step_s(P99, rate_per_s=1000, least_s=3) == 3
    assert 40 < step_s(P99, rate_per_s=10, least_s=3) < LONGEST_STEP_S
    with pytest.raises(Inconclusive, match="begin at a higher rate"):
        step_s(P99, rate_per_s=1, least_s=3)
