"""What each way in which a test can end means for the release. All of them in one run."""

import pytest

from pytest_sre.recording.rows import TestRun

SUITE = """
import pytest
from pytest_sre import Inconclusive, NotAsked

pytestmark = pytest.mark.sre(severity="medium")

def test_passes(fly_app):
    assert fly_app.is_up("web")

@pytest.mark.sre(severity="critical", runbook="broken.md")
def test_fails(fly_machine, probe):
    if fly_machine.group != "web":
        raise NotAsked("only web can be broken")
    assert probe.http(fly_machine, "/broken").ok

def test_fails_by_comparison(fly_app):
    assert fly_app.release.images == {"registry.local/other:1"}

def test_fails_by_call():
    pytest.fail("the release is not what was asked for")

def test_is_unsure():
    raise Inconclusive("there is nothing to measure")

def test_crashes():
    {}['missing']

def test_exits():
    raise SystemExit(3)

def test_does_not_apply():
    raise NotAsked("no TLS on this target")

@pytest.mark.skip(reason="not today")
def test_is_skipped():
    pass

@pytest.mark.xfail(reason="known since April")
def test_fails_as_expected():
    assert not "known"

@pytest.mark.xfail(reason="known since April", strict=True)
def test_passes_unexpectedly():
    pass

@pytest.fixture
def crashing_setup():
    raise OSError("no such disk")

def test_setup_crashes(crashing_setup):
    pass

@pytest.fixture
def failing_setup():
    assert "started" == "stopped"

def test_setup_fails(failing_setup):
    pass

@pytest.fixture
def crashing_teardown():
    yield
    raise RuntimeError("could not tidy up")

def test_teardown_crashes(crashing_teardown):
    pass

def test_subtest_fails(subtests):
    for region in ("iad", "ams"):
        with subtests.test(region=region):
            assert region == "iad"

def test_subtest_is_unsure(subtests):
    with subtests.test("measuring"):
        raise Inconclusive("nothing to measure in here")

def test_subtests_pass(subtests):
    with subtests.test("fine"):
        pass
"""


@pytest.fixture(scope="module")
def ran(shared):
    return shared.verify(shared.suite("outcomes", SUITE), "-rA")


@pytest.mark.parametrize(
    ("test", "verdict"),
    {
        "test_passes": "HEALTHY",
        "test_subtests_pass": "HEALTHY",
        "test_fails_by_comparison": "UNHEALTHY",
        "test_fails_by_call": "UNHEALTHY",
        "test_passes_unexpectedly": "INCONCLUSIVE",
        "test_setup_fails": "UNHEALTHY",
        "test_subtest_fails": "UNHEALTHY",
        "test_is_unsure": "INCONCLUSIVE",
        "test_crashes": "INCONCLUSIVE",
        "test_exits": "INCONCLUSIVE",
        "test_setup_crashes": "INCONCLUSIVE",
        "test_teardown_crashes": "INCONCLUSIVE",
        "test_subtest_is_unsure": "INCONCLUSIVE",
        "test_does_not_apply": "SKIPPED",
        "test_is_skipped": "SKIPPED",
        "test_fails_as_expected": "SKIPPED",
    }.items(),
)
def test_verdict_of_each_way_to_end(ran, test, verdict):
    assert ran.verdicts[test] == verdict


def test_run_as_a_whole_is_unhealthy(ran):
    assert ran.ret == 1
    assert ran.verdict == "UNHEALTHY"


def test_what_failed_is_said_before_what_is_not_known(ran):
    words = [line.split()[0] for line in ran.block if line.split()[0] in ("because", "unsure")]
    assert words == sorted(words)
    assert {"because", "unsure"} == set(words)


def test_gravest_failure_comes_first_and_counts_its_machines_once(ran):
    assert ran.lines_of("because")[0].endswith("[2 tests, critical]")


def test_crash_is_named_as_the_fault_of_the_test(ran):
    assert any(
        "the test itself failed with KeyError: 'missing'" in u for u in ran.lines_of("unsure")
    )


def test_test_that_could_not_decide_is_shown_as_such_and_not_as_failed(ran):
    ran.stdout.fnmatch_lines(
        [
            "INCONCLUSIVE: there is nothing to measure",
            "INCONCLUSIVE *::test_is_unsure *",
            "INCONCLUSIVE *::test_crashes *",
        ]
    )
    assert "FAILED own/outcomes/test_outcomes.py::test_crashes" not in ran.text


def test_crash_shows_where_and_nothing_from_inside_the_plugin(ran):
    ran.stdout.fnmatch_lines(
        [">       {}?'missing'?", "E       KeyError: 'missing'", "own/outcomes/test_outcomes.py:*"]
    )
    assert "INTERNALERROR" not in ran.text
    assert "pytest_sre/" not in ran.text


def test_reasons_of_what_was_not_tested_are_shown(ran):
    ran.stdout.fnmatch_lines(
        ["SKIPPED * no TLS on this target", "SKIPPED * not today", "XFAIL * known since April"]
    )


def test_failure_shows_each_answer_and_the_log_of_its_machine(ran):
    ran.stdout.fnmatch_lines(
        [
            "*_ test_fails?web-ams-*_*",
            "*- what was seen -*",
            "Machine * region * request * status * time * what came",
            "web-ams-* ams * GET /broken * 500 * ms * {*",
            "log of web-ams-* during the test (UTC):",
            "*:*:* info * no answer for /broken",
        ]
    )


def test_failed_comparison_is_shown_as_a_table_of_machines(ran):
    ran.stdout.fnmatch_lines(
        [
            "E *expected every Machine to show registry.local/other:1, found 3 that do not",
            "E * Machine * shows",
            "E * web-ams-* registry.local/tiny:local",
        ]
    )


def test_every_test_that_ran_is_counted(ran):
    (tested,) = ran.lines_of("tested")
    assert tested == "outcomes 2/15 (4 not asked of this target)"


def test_recording_holds_each_test_with_what_it_said(ran):
    with ran.recording() as recording:
        (row,) = recording.rows(TestRun, verdict="INCONCLUSIVE", severity="medium")[:1]
        failed = recording.rows(TestRun, severity="critical", verdict="UNHEALTHY")
        machines = {row.machines for row in failed}
        meta = recording.meta()
    assert row.message == "there is nothing to measure"
    assert len(machines) == 2
    assert meta["target"] == "local"
