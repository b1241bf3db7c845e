"""Under pytest-xdist: one platform, one list of Machines, one verdict."""

import json

import pytest

from pytest_sre.recording.rows import Span, TestRun

SUITE = """
import os, psutil, pytest
from pytest_sre import Inconclusive

HERE = os.getcwd()

def platforms():
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "--state-dir" in words and any(word.startswith(HERE) for word in words):
            found.append(process.pid)
    return found

@pytest.mark.parametrize("turn", range(3))
def test_machine(fly_machine, turn, probe, record_property, worker_id):
    record_property("platforms", platforms())
    record_property("worker", worker_id)
    assert fly_machine.state == "started"

def test_bake(bake):
    assert len(bake.traffic.exchanges) > 5

@pytest.mark.sre(severity="high")
def test_fails(fly_machine, probe):
    if fly_machine.serves:
        assert probe.http(fly_machine, "/broken").ok

def test_unsure():
    raise Inconclusive("nothing to measure")
"""

PROPERTIES = """
import json

def pytest_runtest_logreport(report):
    is_controller = hasattr(report, "node")
    if is_controller and report.when == "call":
        with open("properties.jsonl", "a") as file:
            file.write(json.dumps(dict(report.user_properties)) + "\\n")
"""

DIES = """
import os

def test_passes(fly_app):
    assert fly_app.is_up("web")

def test_dies():
    os._exit(9)

def test_passes_too(fly_app):
    assert fly_app.is_up("web")
"""


@pytest.fixture(scope="module")
def ran(made_project):
    made_project.write(**{"conftest.py": PROPERTIES})
    path = made_project.suite("xdist", SUITE)
    return made_project.verify(path, "-n", "2", "--sre-bake=1s", "--junitxml=junit.xml")


def test_verdict_is_given_once(ran):
    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY")
    assert len(ran.lines_of("because")) == 1
    assert ran.lines_of("unsure") == ["nothing to measure  [1 test]"]


@pytest.mark.usefixtures("ran")
def test_workers_share_one_platform(made_project):
    lines = (made_project.root / "properties.jsonl").read_text().splitlines()
    properties = [json.loads(line) for line in lines if "platforms" in line]
    assert len({tuple(each["platforms"]) for each in properties}) == 1
    assert len(properties[0]["platforms"]) == 1
    assert {each["worker"] for each in properties} == {"gw0", "gw1"}


def test_every_test_runs_once_on_a_machine_that_all_know(ran):
    with ran.recording() as recording:
        tests = [row.test.rpartition("::")[2] for row in recording.rows(TestRun)]
    assert len(tests) == len(set(tests)) == 9 + 3 + 2
    machines = {name.split("[")[1].rstrip("]") for name in tests if "test_fails" in name}
    assert len(machines) == 3
    assert all(
        any(machine in name for machine in machines) for name in tests if "test_machine" in name
    )


def test_bake_is_one_and_read_by_all(ran):
    with ran.recording() as recording:
        assert recording.count(Span, name="bake") == 1
    assert ran.verdicts["test_bake"] == "HEALTHY"


def test_failure_shows_what_was_seen_in_the_worker(ran):
    ran.stdout.fnmatch_lines(["*- what was seen -*", "web-* GET /broken * 500 *"])


def test_worker_that_dies_makes_the_run_inconclusive(shared):
    ran = shared.verify(shared.suite("dies", DIES), "-n", "2")
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE"), ran.text
    assert "INTERNALERROR" not in ran.text
    (unsure,) = ran.lines_of("unsure")
    assert unsure.startswith("the process that ran the test died")


def test_file_that_is_skipped_whole_is_noticed(shared):
    passing = shared.suite("passes", "def test_up(fly_app): assert fly_app.is_up('web')")
    skipped = shared.suite("left_out", "import pytest\npytest.importorskip('no_such_module')")
    ran = shared.verify(passing, skipped, "-n", "2")
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE"), ran.text
    assert ran.lines_of("unsure") == ["nothing was tested in left_out: 1 skipped"]


def test_inconclusive_passes_where_the_user_wants_that(shared):
    source = "from pytest_sre import Inconclusive\ndef test_it(): raise Inconclusive('no data')"
    ran = shared.verify(shared.suite("maybe", source), "-n", "2", "-o", "sre_inconclusive=pass")
    assert (ran.ret, ran.verdict) == (0, "INCONCLUSIVE"), ran.text
    ran.assert_outcomes(skipped=1)
