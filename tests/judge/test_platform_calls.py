"""What the calls to the platform's APIs say of its day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.answers import Answer, Call
from pytest_sre.fly.calls import api_of, call_row
from pytest_sre.fly.retries import Cut
from pytest_sre.judge.platform_calls import troubles
from pytest_sre.recording.rows import PlatformCall

MACHINES, LOGS = "/v1/apps/shop/machines", "/api/v1/apps/shop/logs"


def called(path: str, status: int, at: float = 0.0) -> PlatformCall:
    return PlatformCall(at=at, api=api_of(path), method="GET", path=path, status=status)


@pytest.mark.parametrize(
    ("text", "api"),
    [
        (MACHINES, "Machines API"),
        ("GET http://127.0.0.1:4/v1/apps/shop/machines (fly-request-id 1)", "Machines API"),
        (LOGS, "logs API"),
        ("/api/v1/apps/shop/releases", "releases API"),
        ("/api/v1/releases/rel_1", "releases API"),
        ("/graphql", "GraphQL API"),
        ("/prometheus/acme/api/v1/query", "metrics API"),
        ("/nothing", "API"),
    ],
)
def test_call_is_to_an_api(text, api):
    assert api_of(text) == api


def test_trouble_is_said_with_how_often_when_and_where():
    calls = [called(MACHINES, 200, at) for at in range(28)]
    calls += [called(MACHINES, 503, 3661.0 + at) for at in range(12)]
    (trouble,) = troubles(calls)
    assert str(trouble) == (
        "Fly's Machines API answered 503 to 12 of 40 calls, 01:01:01 to 01:01:12 UTC: "
        f"GET {MACHINES}"
    )
    assert trouble.cause == "platform Machines API"


def test_silence_and_several_answers_are_told_apart():
    (trouble,) = troubles([called(LOGS, status) for status in (503, 0, 503, 429)])
    assert str(trouble).startswith(
        "Fly's logs API answered 503 to 2 and 429 to 1 and gave no answer to 1 of 4 calls, at 00:00"
    )


def test_answers_about_the_app_are_no_trouble():
    assert troubles(called(MACHINES, status) for status in (200, 201, 404, 409, 412, 422)) == ()


@given(
    st.lists(
        st.builds(
            called,
            st.sampled_from([MACHINES, LOGS]),
            st.sampled_from([0, 200, 404, 429, 500, 503]),
            st.floats(0, 1e9),
        )
    )
)
def test_every_failed_call_is_in_one_trouble_the_worst_first(calls):
    found = troubles(calls)
    counts = [len(trouble.failed) for trouble in found]
    assert sum(counts) == sum(call.status in {0, 429, 500, 503} for call in calls)
    assert counts == sorted(counts, reverse=True)
    assert all(trouble.calls >= len(trouble.failed) > 0 for trouble in found)


def test_a_try_is_recorded_with_what_came_of_it():
    call = Call("GET", f"http://fly{MACHINES}", MACHINES)
    answered = call_row(call, Answer(call, 503), at=1.0, total_s=0.5)
    cut = call_row(call, Cut("no connection"), at=2.0, total_s=0.1)
    assert (answered.api, answered.status, answered.error) == ("Machines API", 503, "")
    assert (cut.status, cut.error, cut.total_s) == (0, "no connection", 0.1)
