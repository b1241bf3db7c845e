"""The ``load`` fixture against real Machines, and that no load that shows nothing passes."""

import contextlib
import os
import pty
import re
import subprocess
import sys

import pytest

from pytest_sre.load.recorded import recorded_loads
from pytest_sre.recording.rows import LoadError, Span
from tests.plugin.conftest import clean_environment

SUITE = """
import time

from pytest_sre.turns.noticeboard import board_machine

def test_home_bears_it(load, slo):
    result = load.run("home", rate=40, duration="2s")
    slo.availability(0.9).check(result)
    slo.latency(p=90, below="20s").check(result)

def test_home_is_not_that_fast(load, slo):
    result = load.run("home", users=2, duration="1s", pause="100ms")
    slo.latency(p=50, below="1us").check(result)

def test_home_breaks(load, slo):
    slo.availability(0.9).check(load.run("broken", rate=20, duration="1s"))

def test_without_requests_there_are_no_good_ones(load, slo):
    slo.availability(0.9).check(load.run("idle", rate=20, duration="1s"))

def test_without_samples_it_passes(load):
    load.run("crash", rate=20, duration="1s")

def test_another_load_is_heeded(load, sre_run):
    fly, first = sre_run.platform.fly, board_machine(sre_run.apps["tiny"].live)
    assert not any(key.startswith("sre-load-") for key in fly.metadata("tiny", first))
    fly.set_metadata("tiny", first, "sre-load-x", f"{time.time() + 600:.0f} run-x")
    try:
        load.run("home", rate=1, duration="1s")
    finally:
        fly.delete_metadata("tiny", first, "sre-load-x")

def test_half_of_the_arrivals_are_dropped(load, slo):
    result = load.run("slow", rate=2000, duration="1s", timeout="1s")
    assert result.runs().dropped > 0.3 * result.runs().planned
    assert result.requests("GET /").percentile_s(95) < 60
"""
JOURNEYS = """
import random
import time
from pytest_sre import journey

@journey("home")
def home(client):
    assert client.get("/").status_code == 200

@journey("idle")
def idle(client):
    "Ask nothing."

@journey("broken")
def broken(client):
    client.get("/broken")

@journey("crash")
def crash(client):
    raise KeyError("the journey's own mistake")

@journey("slow")
def slow(client):
    # The app is a small one.
    if random.random() < 0.05:
        client.get("/")
    time.sleep(30)
"""
DENIED = """
[targets.local]
platform = "local"
apps = ["fly.toml"]
allow = ["observe"]
"""
LIMITED = """
journeys = ["load_journeys.py"]

[targets.local]
platform = "local"
apps = ["fly.toml"]
limits = { load-rate = 45 }
"""


# Tests share the processors: where the generator begins late, it says so, and nothing passes.
STARVED = "the load generator could not keep up"


def is_borne(done, test: str) -> bool:
    """Whether a load that the app bears passed, or could not be made on this busy machine."""
    verdict = done.verdicts[test]
    return verdict == "HEALTHY" or (verdict == "INCONCLUSIVE" and STARVED in done.text)


@pytest.fixture(scope="module")
def ran(shared):
    settings = LIMITED.replace("45", "3000")
    shared.write(**{"load.toml": settings, "load_journeys.py": JOURNEYS})
    return shared.verify("--sre-config=load.toml", shared.suite("load", SUITE))


def test_a_load_that_the_app_bears_passes_and_is_recorded(ran):
    assert is_borne(ran, "test_home_bears_it"), ran.text
    with ran.recording() as recording:
        loads = {row.test.rpartition("::")[2]: made for row, made in recorded_loads(recording)}
    made = loads["test_home_bears_it"]
    assert made.runs().done == 80


def test_one_that_it_does_not_fails_and_is_shown_as_a_table(ran):
    assert ran.verdicts["test_home_is_not_that_fast"] == "UNHEALTHY", ran.text
    ran.stdout.fnmatch_lines(
        [
            "E *latency-p50: BREACHED: *",
            "load of home: 2 users for 1 s, complete",
            "what * begun *p50 * p99 * failed *",
            "GET / *",
        ]
    )
    assert "LoadResult(" not in ran.text


def test_what_failed_under_load_is_evidence(ran):
    assert ran.verdicts["test_home_breaks"] == "UNHEALTHY", ran.text
    with ran.recording() as recording:
        failed = recording.rows(LoadError)
    assert {(one.method, one.status) for one in failed} == {("GET", 500)}
    assert {one.test.rpartition("::")[2] for one in failed} == {"test_home_breaks"}
    ran.stdout.fnmatch_lines(["Machine * request *", "* GET /broken * 500 *"])


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("test_without_requests_there_are_no_good_ones", "nothing was measured"),
        ("test_without_samples_it_passes", "the load has no samples"),
        (
            "test_another_load_is_heeded",
            "expected no other load on local, found that of the run run-x",
        ),
        ("test_half_of_the_arrivals_are_dropped", "the planned rate was not reached"),
    ],
)
def test_a_load_that_shows_nothing_never_passes(ran, test, told):
    """However fine it looks: no samples, no requests, half of the arrivals dropped."""
    assert ran.verdicts[test] == "INCONCLUSIVE", ran.text
    assert told in ran.text


def test_where_load_is_not_allowed_it_is_not_asked_for(shared):
    shared.write(**{"denied.toml": DENIED})
    suite = shared.suite("denied", "def test_it(load):\n    load.run('home', rate=1, duration=1)")

    done = shared.verify("--sre-config=denied.toml", suite, "-rs")

    assert done.verdicts["test_it"] == "SKIPPED", done.text
    assert 'put allow = ["observe", "load"] into [targets.local]' in done.text


ASKED = (
    LIMITED
    + """
[load]
rate = 30
duration = "2s"

[bake]
error-ratio = 0.1
latency-p95 = "20s"
"""
)


def in_terminal(project, *arguments: str) -> str:
    """What a person sees in a terminal who runs pytest in a project."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--sre-target=local", *arguments],
        cwd=project.root,
        env={**clean_environment(), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    # The terminal ends with an error once nobody writes to it any more.
    with process, contextlib.suppress(OSError):
        while data := os.read(leader, 4096):
            seen += data
    os.close(leader)
    return seen.decode("utf-8", "replace")


def test_where_a_project_asks_for_load_each_journey_gets_it_as_a_suite(shared):
    only_home = JOURNEYS.partition('@journey("idle")')[0]
    asked = ASKED.replace("load_journeys.py", "asked_journeys.py")
    shared.write(**{"asked.toml": asked, "asked_journeys.py": only_home})

    text = in_terminal(
        shared, "--sre-config=asked.toml", "-o", "sre_suites=release", "--sre-bake=100ms"
    )

    assert re.search(r"tested .*load 1/1", text) or STARVED in text, text
    # A line tells how it goes while it is made.
    assert re.search(r"load \d of 2 s", text), text


def test_loads_of_two_workers_take_turns_and_keep_to_the_limits(shared):
    shared.write(**{"limited.toml": LIMITED, "load_journeys.py": JOURNEYS})
    tests = "\n".join(
        f"def test_{n}(load):\n    load.run('home', rate={rate}, duration='1s')"
        for n, rate in enumerate((40, 40, 46))
    )

    done = shared.verify(
        "--sre-config=limited.toml", shared.suite("two", tests), "-n2", "--sre-bake=1s"
    )

    assert is_borne(done, "test_0"), done.text
    assert is_borne(done, "test_1"), done.text
    assert done.verdicts["test_2"] == "INCONCLUSIVE", done.text
    assert "at most 45 arrivals a second on local, found a plan of 46" in done.text
    with done.recording() as recording:
        first, second = (made for _, made in recorded_loads(recording))
        [bake] = recording.rows(Span, name="bake")
    assert first.started_at >= bake.ended_at
    assert second.started_at >= first.ended_at
