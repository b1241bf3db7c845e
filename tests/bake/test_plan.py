"""What a bake asks: enough to judge the objective, and never more than is decent."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.bake.plan import MAX_RATE_PER_S, Endpoint, plan_bake
from pytest_sre.slo import judge_ratio
from pytest_sre.verdict import ObjectiveVerdict

ENDPOINTS = [Endpoint("shop", f"m{n}", "iad", f"http://m{n}/healthz") for n in range(3)]


def plan(window_s=30.0, endpoints=ENDPOINTS, journeys=("browse",), error_ratio=0.01, on="fly"):
    return plan_bake(window_s, endpoints, journeys, error_ratio=error_ratio, platform=on)


@given(st.floats(1, 3600), st.floats(0.001, 0.2))
def test_the_sample_carries_a_verdict_even_with_a_failure_or_else_the_rate_is_at_its_cap(
    window_s, error_ratio
):
    planned = plan(window_s, error_ratio=error_ratio)

    assert 0 < planned.requests_per_s <= MAX_RATE_PER_S
    if planned.requests_per_s < MAX_RATE_PER_S:
        sample = round(planned.requests_per_s * window_s)
        assert judge_ratio(1, sample, error_ratio).verdict is ObjectiveVerdict.MET


def test_endpoints_and_journeys_are_asked_in_turn():
    planned = plan(journeys=("browse", "checkout"))

    first = [endpoint.machine for endpoint in itertools.islice(planned.endpoint_turns(), 5)]
    assert first == ["m0", "m1", "m2", "m0", "m1"]
    assert [*itertools.islice(planned.journey_turns(), 3)] == ["browse", "checkout", "browse"]


def test_with_nothing_to_ask_nothing_is_asked():
    planned = plan(endpoints=[], journeys=[])

    assert (planned.requests_per_s, planned.journeys_per_s) == (0, 0)
    assert list(planned.endpoint_turns()) == []


def test_journeys_write_so_a_real_target_is_walked_less_often_than_a_practice_one():
    assert plan(on="fly").journeys_per_s < plan(on="local").journeys_per_s


def test_an_objective_that_cannot_be_shown_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        plan(error_ratio=0.0)
