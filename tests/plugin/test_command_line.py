"""pytest's own options, and ours, in a run against a target."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pytest_sre.recording.rows import Exchange, TestRun

SUITE = """
import pytest

@pytest.mark.sre(severity="high")
def test_machine(fly_machine):
    assert fly_machine.state == "started"

@pytest.mark.slow
def test_app(fly_app, record_property):
    record_property("release", fly_app.release.image)
    assert fly_app.name == "tiny"

def test_first_failure(fly_app):
    assert fly_app.is_up("nobody")

def test_second_failure(fly_app):
    assert fly_app.is_up("nobody else")

def test_unsure():
    from pytest_sre import Inconclusive
    raise Inconclusive("nothing to measure & <nothing> to see")
"""


@pytest.fixture(scope="module")
def suite(shared):
    return shared.suite("options", SUITE)


def test_tests_are_chosen_by_name(shared, suite):
    ran = shared.verify(suite, "-k", "web-ams or test_app")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY")
    assert {name.partition("[")[0] for name in ran.verdicts} == {"test_machine", "test_app"}
    assert len(ran.verdicts) == 2


def test_tests_are_chosen_by_mark(shared, suite):
    ran = shared.verify(suite, "-m", "sre", "-W", "ignore")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY")
    assert len(ran.verdicts) == 3


def test_first_failure_stops_the_run_where_that_is_wanted(shared, suite):
    ran = shared.verify(suite, "-x", "-W", "ignore")
    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY")
    assert "test_first_failure" in ran.verdicts
    assert "test_second_failure" not in ran.verdicts


def test_last_failures_are_run_again(shared, suite):
    shared.verify(suite, "-W", "ignore")
    ran = shared.verify(suite, "--lf", "-W", "ignore")
    assert set(ran.verdicts) == {"test_first_failure", "test_second_failure", "test_unsure"}
    assert ran.verdict == "UNHEALTHY"


def test_quiet_run_still_ends_with_the_verdict(shared, suite):
    ran = shared.verify(suite, "-q", "-k", "test_app", "-W", "ignore")
    assert ran.outlines[0].startswith(".")
    assert ran.verdict == "HEALTHY"


def test_without_a_terminal_there_is_no_progress_line(shared):
    source = "def test_steady(bake): assert bake.window_s > 0"
    ran = shared.verify(shared.suite("waiting", source), "--sre-bake=700ms")
    assert ran.ret == 0
    assert not re.search(r"bake \d+ of", ran.text)
    assert "\r" not in ran.text


def test_run_without_pytests_own_terminal(shared, suite):
    ran = shared.verify(suite, "-p", "no:terminal", "-W", "ignore")
    assert ran.ret == 1
    assert ran.verdicts["test_app"] == "HEALTHY"
    assert "Traceback" not in ran.text


def test_collecting_only_shows_the_machines_and_looks_at_nothing(shared, suite):
    ran = shared.verify(suite, "--co", "-q", "-W", "ignore")
    machines = sorted(re.findall(r"test_machine\[(.*)\]", ran.text))
    assert ran.ret == 0
    assert [re.sub(r"[0-9a-f]{6}$", "#", machine) for machine in machines] == [
        "web-ams-#",
        "web-iad-#",
        "worker-iad-#",
    ]
    assert "release verdict" not in ran.text
    with ran.recording() as recording:
        assert recording.count(Exchange) == 0
        assert recording.count(TestRun) == 0


def test_collecting_only_leaves_nothing_running(project):
    """Without a platform that is up already one is started for it, and stopped."""
    ran = project.verify("--co", "-q")
    assert ran.ret == 0
    assert "test_bake.py::test_traffic_was_steady" in ran.text
    assert project.processes == []
    assert not list((project.root / ".sre" / "local").glob("run-*"))


@pytest.fixture(scope="module")
def cases(shared, suite):
    """The test cases of a JUnit report, by name."""
    path = shared.root / "junit.xml"
    shared.verify(suite, f"--junitxml={path}", "-W", "ignore")
    (report,) = ET.parse(path).getroot().iter("testsuite")
    found = {case.get("name"): case for case in report.iter("testcase")}
    return report, found


def test_junit_report_counts_as_the_run_does(cases):
    report, found = cases
    assert (report.get("tests"), len(found)) == ("7", 7)
    failed = [name for name, case in found.items() if case.find("failure") is not None]
    assert failed == ["test_first_failure", "test_second_failure", "test_unsure"]
    assert report.get("failures") == "3"
    assert report.get("errors") == "0"


def test_junit_report_says_what_could_not_be_decided(cases):
    _, found = cases
    failure = found["test_unsure"].find("failure")
    said = f"{failure.get('message')} {failure.text}"
    assert "INCONCLUSIVE: nothing to measure & <nothing> to see" in said


def test_junit_report_keeps_the_properties_of_tests(cases):
    _, found = cases
    (kept,) = found["test_app"].iter("property")
    assert kept.attrib == {"name": "release", "value": "registry.local/tiny:local"}


LOGS = """
def test_lines(fly_app, logs):
    lines = logs.since_deploy(fly_app).lines
    assert "listening" in [line.message for line in lines]
"""

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "verdict"),
    [
        ("1h", "HEALTHY"),
        (AN_HOUR_AGO.replace(tzinfo=None).isoformat(), "HEALTHY"),
        (AN_HOUR_AGO.astimezone(timezone(timedelta(hours=9))).isoformat(), "HEALTHY"),
        ("0s", "INCONCLUSIVE"),
    ],
    ids=["age", "no-offset", "tokyo", "now"],
)
def test_log_is_judged_from_the_time_that_is_said(shared, since, verdict):
    ran = shared.verify(shared.suite("since", LOGS), f"--sre-since={since}")
    assert ran.verdict == verdict, ran.text


def test_command_line_wins_over_the_file_for_the_bake(shared):
    sre_toml = (shared.root / "sre.toml").read_text("utf-8")
    shared.write(**{"long.toml": sre_toml.replace("[bake]", "[bake]\nwindow = '1h'")})
    source = "def test_window(bake): assert 0.25 <= bake.window_s < 100, bake.window_s"
    suite = shared.suite("window", source)
    ran = shared.verify(suite, "--sre-config=long.toml", "--sre-bake=300ms")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text


def test_settings_can_be_elsewhere(shared):
    """Paths in the file are meant from its own folder."""
    shared.write(
        **{
            "deep/settings.toml": "[targets.local]\nmachines = {}\napps = ['../fly.toml']",
        }
    )
    source = "def test_app(fly_app): assert fly_app.name == 'tiny'"
    shared.suite("elsewhere", source)
    ran = shared.verify("own/elsewhere", "--sre-config=deep/settings.toml")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text


def test_own_suites_are_run_beside_the_shipped_ones_and_replace_their_namesakes(project):
    project.write(
        **{
            "suites/shop/test_shop.py": "def test_shop(fly_app): assert fly_app.name == 'tiny'",
            "suites/edge/test_edge.py": "def test_mine(fly_app): assert fly_app.name == 'tiny'",
            "tests/test_unit.py": "def test_unit(): raise SystemError('not in this run')",
        }
    )
    ran = project.verify("-o", "sre_suites=edge dependencies")
    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    (tested,) = ran.lines_of("tested")
    assert re.findall(r"\w+ \d+/\d+", tested) == ["dependencies 1/1", "edge 1/1", "shop 1/1"]


def test_what_the_unit_tests_import_need_not_be_installed(project):
    """The release is verified where only the plugin is installed."""
    project.write(
        **{
            "tests/conftest.py": "import a_module_that_is_not_there\n",
            "conftest.py": "def pytest_addoption(parser):\n    parser.addoption('--mine')\n",
        }
    )
    outcome = project.verify("-o", "testpaths=tests", "--co", "-q", "--mine=1")
    assert outcome.ret == 0, outcome.text
    assert "test_deploy_is_complete" in outcome.text


PRESSED = """
import os
import signal

def test_is_interrupted(fly_app):
    os.kill(os.getpid(), signal.SIGINT)
"""
PRESSED_AGAIN = """
import math
import os
import signal
import pytest
from pytest_sre.plugin import signals

signals._ONE_PRESS_S = math.inf  # on a slow machine, too

@pytest.hookimpl(trylast=True)
def pytest_keyboard_interrupt():
    # While pytest is about to say that it was interrupted.
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_ctrl_c_that_is_pressed_twice_ends_the_run_in_order(shared):
    suite = shared.suite("pressed", PRESSED)
    shared.write(**{f"{suite}/conftest.py": PRESSED_AGAIN})

    ran = shared.verify(suite)

    assert (ran.ret, ran.verdict) == (pytest.ExitCode.INTERRUPTED, "INCONCLUSIVE")
