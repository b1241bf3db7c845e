"""Fly's rate limits: as a model, and as the platform holds its callers to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.rate_limits import ACTION, GET_MACHINE, Bucket, Rate, RateLimits, limited
from tests.patience import until

rates = st.builds(Rate, st.floats(0.01, 100), st.integers(1, 100))
pauses = st.lists(st.floats(0, 10), min_size=1, max_size=200)


def taken(rate, waits):
    """When each of a row of calls came, and how long it was told to wait."""
    now, bucket, rows = 0.0, Bucket(rate, 0.0), []
    for wait in waits:
        now += wait
        rows.append((now, bucket.take(now)))
    return rows


@given(rates, pauses)
def test_no_stretch_of_time_lets_more_through_than_the_rate_and_its_burst(rate, waits):
    passed = [now for now, wait_s in taken(rate, waits) if wait_s == 0]
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            allowed = rate.burst + rate.per_s * (passed[last] - begin)
            assert last - first + 1 <= allowed + 1e-6


@given(rates, pauses)
def test_who_waits_as_long_as_told_is_let_through(rate, waits):
    now, bucket = 0.0, Bucket(rate, 0.0)
    for pause in waits:
        now += pause
        wait_s = bucket.take(now)
        assert 0 <= wait_s <= 1 / rate.per_s + 1e-9
        if wait_s:
            now += wait_s
            assert bucket.take(now) == 0


@given(rates, st.integers(1, 20))
def test_who_keeps_the_rate_never_waits(rate, calls):
    rows = taken(rate, [1 / rate.per_s] * calls)
    assert [wait_s for _, wait_s in rows] == [0] * calls


@given(rates, pauses, st.floats(0, 10))
def test_a_clock_that_goes_back_lets_nothing_more_through(rate, waits, back):
    bucket, straight = Bucket(rate, 0.0), Bucket(rate, 0.0)
    now = 0.0
    for wait in waits:
        now += wait
        assert (straight.take(now) == 0) == (bucket.take(now) == 0)
        bucket.is_full(now - back)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("POST /v1/apps/shop/machines/1/start", "POST /v1/apps/shop/machines/2/start"),
        ("POST /v1/apps/shop/machines/1/start", "POST /v1/apps/shop/machines/1/stop"),
        ("GET /v1/apps/shop/machines/1/lease", "POST /v1/apps/shop/machines/1/lease"),
        ("GET /v1/apps/shop/machines/1", "GET /v1/apps/shop/machines/1/wait"),
        ("POST /v1/apps/shop/machines", "POST /v1/apps/cart/machines"),
        ("POST /v1/apps/shop/machines", "POST /v1/apps/shop/machines/1"),
        ("PUT /v1/apps/shop/volumes/1/extend", "PUT /v1/apps/shop/volumes/2/extend"),
    ],
)
def test_other_actions_and_other_machines_do_not_count(one, other):
    assert limited(*one.split()) != limited(*other.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("POST /v1/apps/a/machines/1/metadata/x", "POST /v1/apps/a/machines/1/metadata/y"),
        ("POST /v1/apps/a/secrets/X", "POST /v1/apps/a/secrets/Y"),
        ("DELETE /v1/apps/a", "DELETE /v1/apps/b"),
    ],
)
def test_the_same_action_counts_whatever_its_key(one, other):
    assert limited(*one.split()) == limited(*other.split())


def test_what_is_not_documented_to_be_limited_is_not():
    for call in ("GET /v1/apps", "POST /graphql", "GET /v1/platform/regions", "GET /_local"):
        assert limited(*call.split()) is None
    assert limited("GET", "/v1/apps/a/machines/1").rate == GET_MACHINE
    assert limited("GET", "/v1/apps/a/machines").rate == ACTION


def test_the_limits_of_very_many_machines_are_bounded_in_memory():
    limits = RateLimits()
    limits.switch(enabled=True)
    for number in range(25_000):
        assert limits.wait_s("POST", f"/v1/apps/a/machines/{number}/start", number / 1000) == 0
    assert len(limits._buckets) <= 10_000


@pytest.fixture
def limited_client(client):
    client.platform.limit_rates(enabled=True)
    yield client
    client.platform.limit_rates(enabled=False)


def test_the_platform_refuses_the_fourth_call_at_once_and_says_when_to_come_again(limited_client):
    path = f"/v1/apps/{limited_client.app}/machines"
    # A slow machine may take a second for four calls: then one more is let through.
    answers = [limited_client.api.get(path) for _ in range(8)]
    assert [each.status_code for each in answers[:3]] == [200] * 3
    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert refused[0].json() == {"error": "rate limit exceeded"}
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["fly-request-id"]
    told = limited_client.api.get("/_local/limits").json()
    assert told == {"enabled": True, "refused": len(refused)}
    until(lambda: limited_client.api.get(path).status_code == 200)
    limited_client.platform.limit_rates(enabled=False)
    assert {limited_client.api.get(path).status_code for _ in range(20)} == {200}
