"""What each way in which a test can end means for the release. All of them in one run."""

from collections.abc import Iterator

import pytest

from pytest_sre.recording.rows import TestRun

SUITE = '''
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
    {}["missing"]

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
'''


@pytest.fixture(scope="module")
def ran(shared) -> Iterator:
    return shared.verify(shared.suite("outcomes", SUITE), "-rA")


@pytest.mark.parametrize(
    ("test", "verdict"),
    {
        "test_passes": "HEALTHY",
        "test_subtests_pass": "HEALTHY",
        "test_fails_by_comparison": "UNHEALTHY",
        "test_fails_by_call": "UNHEALTHY",
        "test_passes_unexpectedly": "UNHEALTHY",
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
