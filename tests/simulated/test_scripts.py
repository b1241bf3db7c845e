"""What a script answers, and when its answers and the checks of it change."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.models import MachineConfig
from pytest_sre.local import Image, Reply, Script, ScriptedEnd, ScriptedLine
from pytest_sre.local.machines.check_plans import CheckPlan, planned_checks
from pytest_sre.local.machines.scripted_checks import check_script, next_change_s
from pytest_sre.local.scripts import changes_s, lines_said, reply_to

TIMES = st.integers(0, 20).map(float)
PATHS = st.sampled_from(["/", "/a", "/a/b", "/ab", "/healthz"])
REPLIES = st.builds(
    Reply,
    path=PATHS,
    method=st.sampled_from(["", "GET", "post"]),
    status=st.sampled_from([200, 204, 301, 404, 500, 503]),
    latency_s=st.sampled_from([0.0, 1.0, 5.0]),
    from_s=TIMES,
)
SCRIPTS = st.builds(
    Script,
    replies=st.lists(REPLIES, max_size=6).map(tuple),
    listens_from_s=TIMES,
)


def plan(kind: str = "http", **more: object) -> CheckPlan:
    check = {"type": kind, "port": 80, "path": "/healthz", "timeout": "2s", **more}
    (found,) = planned_checks(msgspec.convert({"checks": {"own": check}}, MachineConfig))
    return found


def test_the_longest_path_then_the_method_then_the_latest_wins():
    script = Script(
        replies=(
            Reply(body="all"),
            Reply("/a", body="a"),
            Reply("/a", "POST", body="post"),
            Reply("/a", body="late", from_s=5),
        )
    )

    def body(method: str, path: str, at_s: float) -> str:
        return reply_to(script, method, path, at_s).body

    assert body("GET", "/other", 0) == "all"
    assert body("GET", "/ab", 0) == "all"
    assert body("GET", "/a/below", 0) == "a"
    assert body("POST", "/a", 9) == "post"
    assert body("GET", "/a", 4.9) == "a"
    assert body("GET", "/a", 5) == "late"


def test_what_no_reply_is_for_is_not_found():
    assert reply_to(Script(replies=(Reply("/a"),)), "GET", "/", 0).status == 404


@pytest.mark.parametrize(
    ("script", "kind", "at_s", "expected"),
    [
        (Script(replies=(Reply(body="fine"),)), "http", 0, (True, "HTTP 200 OK Output: fine")),
        (Script(replies=(Reply(status=503),)), "http", 0, (False, "HTTP 503 Service Unavailable")),
        (Script(replies=(Reply(status=302),)), "http", 0, (False, "HTTP 302 Found")),
        (Script(replies=(Reply(latency_s=3),)), "http", 0, (False, "context deadline exceeded")),
        (Script(listens_from_s=2), "tcp", 1, (False, "connect: connection refused")),
        (Script(listens_from_s=2), "tcp", 2, (True, "Success")),
    ],
)
def test_a_check_sees_what_a_request_would(script, kind, at_s, expected):
    assert check_script(script, plan(kind), at_s) == expected


@given(SCRIPTS, TIMES, TIMES)
def test_between_two_changes_a_check_sees_the_same(script, first_s, later_s):
    seen, change_s = check_script(script, plan(), first_s), next_change_s(script, plan(), first_s)
    assert change_s > first_s
    if first_s <= later_s < change_s:
        assert check_script(script, plan(), later_s) == seen


@given(SCRIPTS)
def test_a_script_comes_to_rest(script):
    at_s = max(0.0, plan().grace_s, *changes_s(script), 0.0)
    assert next_change_s(script, plan(), at_s) == math.inf


def test_lines_are_written_in_order_and_not_after_the_end():
    lines = (ScriptedLine("c", 3), ScriptedLine("a", 1), ScriptedLine("late", 9))
    assert [line.message for line in lines_said(Script(lines=lines, end=ScriptedEnd(5)))] == [
        "a",
        "c",
    ]


@given(SCRIPTS)
def test_an_image_with_a_script_survives_the_wire(script):
    image = Image("registry.local/sim:1", simulated=script)
    assert msgspec.json.decode(msgspec.json.encode(image), type=Image) == image


@pytest.mark.parametrize(
    "script",
    [{"replies": [{"status": 99}]}, {"stop_s": -1}, {"end": {"exit_code": 300}}, {"boot_s": 1}],
)
def test_a_script_that_makes_no_sense_is_refused(script):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(script, Script)
