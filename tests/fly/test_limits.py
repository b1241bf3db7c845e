"""The client keeps to the platform's rate limits by itself, and is not slower than they allow."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.client import Fly
from pytest_sre.fly.limits import ORDINARY, READING_A_MACHINE, Limit, action_of
from pytest_sre.fly.throttle import Throttle
from pytest_sre.fly.tokens import Token
from tests.fly.conftest import Reply, ScriptedApi

LIMITS = st.sampled_from([ORDINARY, READING_A_MACHINE, Limit(per_s=0.5, burst=1)])


class Bucket:
    """The other side, told in another way: tokens that come back with time."""

    def __init__(self, limit: Limit) -> None:
        self.limit, self.tokens, self.at = limit, float(limit.burst), 0.0

    def take(self, at: float) -> bool:
        back = (at - self.at) * self.limit.per_s
        self.tokens, self.at = min(self.tokens + back, self.limit.burst), at
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True


def went_at(limit: Limit, gaps: list[float]) -> list[float]:
    """When calls go that are wanted one after the other, with these gaps between them."""
    now, rested_at, times = 0.0, 0.0, []
    for gap in gaps:
        wait_s, rested_at = limit.admit(rested_at, now := now + gap)
        times.append(now := now + wait_s)
    return times


@given(limit=LIMITS, gaps=st.lists(st.floats(0, 5), max_size=40))
def test_no_call_is_one_too_many(limit, gaps):
    bucket = Bucket(limit)
    assert all(bucket.take(at) for at in went_at(limit, gaps))


@given(limit=LIMITS, gaps=st.lists(st.floats(0, 5), min_size=1, max_size=40))
def test_no_call_waits_longer_than_it_must(limit, gaps):
    bucket, now = Bucket(limit), 0.0
    for gap, at in zip(gaps, went_at(limit, gaps), strict=True):
        if (waited := at - now - gap) > 0.051:
            assert bucket.tokens + (at - 0.051 - bucket.at) * limit.per_s < 1, waited
        bucket.take(at)
        now = at


@given(
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=40),
    ways=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), min_size=40, max_size=40),
)
def test_however_long_calls_are_on_their_way_none_arrives_too_early(gaps, ways):
    """One after the other; each is so long on its way, and its answer so long on its own."""
    now = [0.0]
    throttle, bucket = Throttle(lambda: now[0]), Bucket(ORDINARY)
    for gap, (there_s, back_s) in zip(gaps, ways, strict=False):
        now[0] += gap
        turn = throttle.take("POST", "/v1/apps/a/machines/1/cordon")
        now[0] += turn.wait_s + there_s
        assert bucket.take(now[0])
        now[0] += back_s
        throttle.answered(turn)


def test_calls_that_were_sent_while_one_was_on_its_way_count_from_its_answer_on_too():
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    first, *_ = (throttle.take("POST", "/v1/apps/a/machines/1/cordon") for _ in range(3))
    now[0] = 10.0
    throttle.answered(first)
    assert throttle.take("POST", "/v1/apps/a/machines/1/cordon").wait_s >= 1


def test_many_at_once_go_at_the_pace_of_the_limit():
    times = went_at(ORDINARY, [0.0] * 10)
    assert times[:3] == [0, 0, 0]
    assert times[-1] == pytest.approx(7, abs=0.5)


@pytest.mark.parametrize(
    ("one", "other", "are_counted_together"),
    [
        (("GET", "/v1/apps/a/machines/1"), ("GET", "/v1/apps/a/machines/2"), False),
        (("GET", "/v1/apps/a/machines/1"), ("POST", "/v1/apps/a/machines/1"), False),
        (("POST", "/v1/apps/a/machines/1/stop"), ("POST", "/v1/apps/a/machines/1/start"), False),
        (("POST", "/v1/apps/a/machines/1/stop"), ("POST", "/v1/apps/a/machines/1/stop"), True),
        (("POST", "/v1/apps/a/machines"), ("POST", "/v1/apps/b/machines"), False),
        (("PUT", "/v1/apps/a/volumes/1"), ("PUT", "/v1/apps/a/volumes/2"), False),
        (("GET", "/v1/apps/a/secrets/A"), ("GET", "/v1/apps/a/secrets/B"), True),
        (("DELETE", "/v1/apps/a"), ("DELETE", "/v1/apps/b"), True),
    ],
)
def test_calls_are_counted_by_action_and_machine(one, other, are_counted_together):
    assert (action_of(*one) == action_of(*other)) is are_counted_together


def test_other_apis_have_no_such_limits():
    assert action_of("GET", "/api/v1/apps/shop/releases") is None
    throttle = Throttle(lambda: 0.0)
    assert [throttle.take("POST", "/graphql").wait_s for _ in range(9)] == [0.0] * 9


def test_what_is_made_up_for_is_forgotten():
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for machine in range(5000):
        throttle.take("GET", f"/v1/apps/a/machines/{machine}")
        now[0] += 1
    assert len(throttle._counted) <= 4097


def test_a_client_with_a_throttle_is_never_refused(api: ScriptedApi) -> None:
    buckets: dict[object, Bucket] = {}
    began = time.monotonic()

    def limited(handler) -> None:
        bucket = buckets.setdefault((handler.command, handler.path), Bucket(ORDINARY))
        status, body = (200, b"{}") if bucket.take(time.monotonic() - began) else (429, b"{}")
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    api.reply(*[limited] * 10)
    with Fly(api.url, api.url, Token("t" * 8), throttle=Throttle()) as fly:
        for machine in ("1", "2"):
            for _ in range(5):
                fly.cordon("shop", machine)
        assert fly.limited_count == 0
    assert len(api.requests) == 10


def test_a_platform_on_this_machine_is_not_waited_for(api: ScriptedApi) -> None:
    api.reply(*[Reply(200, [])] * 90)
    environment = {"FLY_API_TOKEN": "t" * 8, "FLY_FLAPS_BASE_URL": api.url}
    began = time.monotonic()
    with Fly.from_environment({**environment, "FLY_API_BASE_URL": api.url}) as fly:
        for _ in range(90):
            fly.machines("shop")
    assert time.monotonic() - began < 60
