"""The verdict on the release as a whole: its block, its exit code, and what it rests on."""

import fnmatch
import re

import pytest

from pytest_sre.plugin.options import SHIPPED_SUITES
from pytest_sre.recording.rows import (
    Exchange,
    JourneyRun,
    LogLine,
    MachineSeen,
    Reason,
    Span,
    TestRun,
)

UNSURE = """
from pytest_sre import Inconclusive

def test_is_unsure():
    raise Inconclusive("there is nothing to measure")
"""

PASSES = """
def test_web_is_up(fly_app):
    assert fly_app.is_up("web")
"""


@pytest.fixture(scope="module")
def healthy(shared):
    """Run the shipped suites, as a user does who has none."""
    return shared.verify("--sre-bake=6s")


def test_good_release_is_healthy(healthy):
    assert healthy.ret == 0, healthy.text
    assert healthy.verdict == "HEALTHY"
    assert healthy.errlines == []


def test_block_says_what_was_verified_and_where(healthy):
    assert (
        healthy.block[0]
        == "HEALTHY  tiny v1 (registry.local/tiny:local) on local, 3 Machines in ams, iad"
    )


def test_block_says_what_the_verdict_rests_on(healthy):
    (tested,), (seen,) = healthy.lines_of("tested"), healthy.lines_of("seen")
    counts = re.findall(r"(\w+) (\d+)/(\d+)", tested)
    assert {name for name, _, _ in counts} == set(SHIPPED_SUITES)
    assert all(passed == judged != "0" for _, passed, judged in counts)
    assert "0 failed (0.0%)" in seen
    assert "bake of 6" in seen


def test_block_says_where_the_evidence_is(healthy, shared):
    (evidence,) = healthy.lines_of("evidence")
    assert shared.root / evidence == healthy.path


def test_verdict_is_the_last_that_is_printed(healthy):
    assert healthy.outlines[-1].strip().startswith("evidence ")


def test_recording_holds_all_that_was_seen(healthy):
    with healthy.recording() as recording:
        bake = recording.count(Exchange, source="bake")
        (span,) = recording.rows(Span, name="bake")
        assert {row.verdict for row in recording.rows(TestRun)} == {"HEALTHY", "SKIPPED"}
        assert {row.group for row in recording.rows(MachineSeen)} == {"web", "worker"}
        assert {row.journey for row in recording.rows(JourneyRun, source="bake")} == {"home"}
        assert any(row.message == "listening" for row in recording.rows(LogLine))
    assert bake >= 73
    assert 6 <= span.ended_at - span.at < 60


def test_inconclusive_run_fails(shared):
    ran = shared.verify(shared.suite("unsure", UNSURE))
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE")
    assert ran.lines_of("unsure") == ["there is nothing to measure  [1 test]"]


def test_why_a_run_came_to_its_verdict_is_recorded(shared):
    ran = shared.verify(shared.suite("unsure", UNSURE))

    with ran.recording() as recording:
        [reason] = recording.rows(Reason)
        [test] = recording.rows(TestRun)
    assert (reason.title, reason.verdict) == ("there is nothing to measure", "INCONCLUSIVE")
    assert reason.tests == test.test
    assert test.suite == "unsure"


def test_inconclusive_run_passes_where_the_user_wants_that(shared):
    ran = shared.verify(shared.suite("unsure", UNSURE), "-o", "sre_inconclusive=pass", "-rs")
    assert (ran.ret, ran.verdict) == (0, "INCONCLUSIVE")
    ran.assert_outcomes(skipped=1)
    ran.stdout.fnmatch_lines(["SKIPPED * inconclusive: there is nothing to measure"])


def test_unhealthy_run_fails_even_where_inconclusive_passes(shared):
    source = f"{UNSURE}\ndef test_fails(fly_app):\n    assert fly_app.is_up('nobody')\n"
    ran = shared.verify(shared.suite("both", source), "-o", "sre_inconclusive=pass")
    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "no test came to a verdict"),
        (
            "import pytest\n@pytest.mark.skip\ndef test_one(): pass\n",
            "nothing was tested in nothing: 1 skipped",
        ),
        (
            "from pytest_sre import NotAsked\ndef test_one(): raise NotAsked('no')\n",
            "no test came to a verdict",
        ),
        (
            "import pytest\n@pytest.mark.xfail\ndef test_one(): assert not 'fine'\n",
            "nothing was tested in nothing: 1 skipped",
        ),
    ],
    ids=["nothing is collected", "all is skipped", "nothing applies", "all fails as expected"],
)
def test_run_that_tests_nothing_is_inconclusive(shared, source, reason):
    ran = shared.verify(shared.suite("nothing", source))
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE")
    assert ran.lines_of("unsure") == [reason]


def test_suite_that_tests_nothing_makes_the_run_inconclusive(shared):
    passing = shared.suite("passing", PASSES)
    skipped = shared.suite("skipped", "import pytest\npytest.skip('no', allow_module_level=True)")
    ran = shared.verify(passing, skipped)
    assert (ran.ret, ran.verdict) == (1, "INCONCLUSIVE")
    assert ran.lines_of("unsure") == ["nothing was tested in skipped: 1 skipped"]


def test_suite_that_cannot_be_imported_is_not_healthy(shared):
    passing = shared.suite("passing", PASSES)
    broken = shared.suite("unimportable", "import no_such_module_anywhere\n")
    ran = shared.verify(passing, broken)
    assert ran.ret != 0
    assert ran.verdict == "INCONCLUSIVE"
    ran.stdout.fnmatch_lines(["*No module named 'no_such_module_anywhere'"])


RAISES = """
try:
    {}["region"]
except KeyError as error:
    raise ValueError("no region is set\\n\\nexpected one") from error
"""
REFUSES = """
import pytest
raise pytest.Collector.CollectError("the region is \\"mars\\"\\nexpected one of ours")
"""


def test_why_a_suite_cannot_be_collected_is_said_in_a_line(shared):
    why = {
        shared.suite("missing", "import no_such_module_anywhere\n"): "ModuleNotFoundError: *",
        shared.suite("unwritten", "def test_it(\n"): "SyntaxError: *",
        shared.suite("raises", RAISES): "ValueError: no region is set",
        shared.suite("refuses", REFUSES): 'the region is "mars"',
    }

    ran = shared.verify(*why)

    said = [line.partition(" could not be collected: ")[2] for line in ran.lines_of("unsure")]
    wanted = [f"{line}  [[]1 test]" for line in why.values()]
    assert len([line for line in said if line]) == len(wanted), ran.text
    assert all(any(fnmatch.fnmatch(line, one) for line in said) for one in wanted), said


def test_a_platform_that_runs_is_used_and_that_is_said(shared):
    ran = shared.verify(shared.suite("passing", PASSES))

    assert ran.outlines[0] == "sre: using the local platform that runs here"


def test_run_that_is_broken_off_is_not_healthy(shared):
    source = f"{PASSES}\nimport pytest\ndef test_then(): pytest.exit('enough', returncode=7)\n"
    ran = shared.verify(shared.suite("cut", source))
    assert (ran.ret, ran.verdict) == (7, "INCONCLUSIVE")
    assert "the run was stopped before its end" in ran.lines_of("unsure")


CUT = """
import pytest

@pytest.fixture
def slow():
    raise KeyboardInterrupt

@pytest.mark.skip
def test_left_out(): pass
"""


@pytest.mark.parametrize(
    "cut",
    ["def test_cut(fly_app): raise KeyboardInterrupt", "def test_cut(slow): pass"],
    ids=["in a test", "before a test"],
)
def test_what_was_interrupted_is_not_told_as_skipped(shared, cut):
    passing = shared.suite("passing", PASSES)
    ran = shared.verify(passing, shared.suite("cut", f"{CUT}\n{cut}\ndef test_never(): pass\n"))

    assert (ran.ret, ran.verdict) == (pytest.ExitCode.INTERRUPTED, "INCONCLUSIVE")
    assert ran.lines_of("unsure") == [
        "the run was stopped before its end",
        "nothing was tested in cut: 1 skipped, 1 interrupted",
    ]
    [tested] = ran.lines_of("tested")
    assert re.fullmatch(r"passing (\d+)/\1 \(1 not asked of this target, 1 interrupted\)", tested)


def test_machine_that_is_gone_does_not_pass_for_healthy(project):
    """Kill a Machine under a platform of the test's own: named once, whatever fails by it."""
    project.by_hand("up")
    try:
        victim = next(p for p in project.processes if "web.py" in p.cmdline())
        victim.kill()
        ran = project.verify("-o", "sre_suites=health release", "--sre-bake=1s")
    finally:
        project.by_hand("down")
    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY"), ran.text
    assert len(ran.lines_of("because")) == 1, ran.text


def test_a_run_that_never_looked_at_the_target_is_not_healthy(project):
    path = project.suite("sums", "def test_sums():\n    assert 1 + 1 == 2\n")
    outcome = project.verify(path)
    assert outcome.verdict == "INCONCLUSIVE"
    assert "no test that passed looked at the target" in outcome.text
