"""Each objective is a test of its own, as a user meets it: chosen, run, judged, kept."""

import contextlib
import shutil
import sqlite3

import pytest

from pytest_sre.recording.ledger import ledger_path
from pytest_sre.recording.rows import ObjectiveSeen

# Five requests that are well show 50 %; a busy machine makes so many, too.
BAKE = "--sre-bake=2s"
TARGET = """
[targets.local]
platform = "local"
apps = ["fly.toml"]
"""
MET = """
[[slo]]
name = "home-availability"
path = "/healthz"
objective = 50
window = "28d"
severity = "critical"
runbook = "https://example.test/runbook"
"""
BREACHED = """
[[slo]]
name = "home-latency"
path = "/healthz"
percentile = 50
below = "1us"
window = "28d"
"""
UNDECIDED = """
[[slo]]
name = "home-strict"
path = "/healthz"
objective = 99.99
window = "28d"
"""
FROZEN = BREACHED.replace("home-latency", "home-frozen") + "freeze-below = 0.1\n"
EDGE = """
[[slo]]
name = "home-edge"
source = "edge"
objective = 99
window = "1h"
"""


@pytest.fixture
def verify(shared, request):
    """Run the objectives of one settings' file against the platform that is up."""

    def run(slos, *arguments, **options):
        name = f"{request.node.name.partition('[')[0]}.toml"
        shared.write(**{name: TARGET + slos})
        return shared.verify(f"--sre-config={name}", BAKE, *arguments, **options)

    return run


def test_what_the_unit_tests_import_need_not_be_installed_for_objectives(project):
    files = {"tests/conftest.py": "import a_module_that_is_not_there\n", "slo.toml": TARGET + MET}
    project.write(**files)

    done = project.verify("-o", "testpaths=tests", "--sre-config=slo.toml", "--co", "-q", "slo")

    assert done.ret == 0, done.text
    assert "slo::home-availability" in done.text


def test_an_objective_is_a_test_by_its_name_and_what_it_saw_is_kept_once(verify, shared):
    done = verify(MET + BREACHED, "slo::home-availability")

    assert done.verdict == "HEALTHY", done.text
    assert done.verdicts == {"home-availability": "HEALTHY"}
    assert "collected 1 item" in done.text
    [told] = [line for line in done.lines_of("slo") if "home-availability" in line]
    assert told.startswith("home-availability MET, 100.0 % of its error budget left")
    with contextlib.closing(sqlite3.connect(ledger_path(shared.root))) as ledger:
        query = "SELECT objective, source, bad, total FROM days WHERE run = ? ORDER BY objective"
        [well, slow] = ledger.execute(query, [done.path.stem]).fetchall()
    assert well[:3] == ("home-availability", "runs", 0)
    assert slow == ("home-latency", "runs", well[3], well[3])


def test_all_of_them_are_judged_with_what_was_seen(verify):
    done = verify(MET + BREACHED + UNDECIDED, "slo", "-n2", "-v")

    assert done.verdicts == {
        "home-availability": "HEALTHY",
        "home-latency": "UNHEALTHY",
        "home-strict": "INCONCLUSIVE",
    }
    assert done.verdict == "UNHEALTHY"
    assert "home-latency: BREACHED: " in done.text
    assert "told by requests of this run" in done.text
    assert "more good ones would settle it" in done.text
    assert "Traceback" not in done.text
    with done.recording() as recording:
        seen = {row.objective: row for row in recording.rows(ObjectiveSeen)}
    late = seen["home-latency"]
    assert {name: row.verdict for name, row in seen.items()} == {
        "home-availability": "MET",
        "home-latency": "BREACHED",
        "home-strict": "INCONCLUSIVE",
    }
    assert late.bad == late.total > 0
    assert late.allowed_ratio == 0.5 < late.lower_ratio <= late.upper_ratio == 1
    assert late.remaining_ratio <= -1
    assert seen["home-strict"].remaining_ratio == 1
    assert late.told_by == "requests of this run"


def test_they_are_chosen_as_other_tests_are(verify):
    chosen = verify(MET + BREACHED, "slo", "--co", "-q", "-k", "latency", "-m", "sre")

    assert "slo::home-latency" in chosen.outlines
    assert "slo::home-availability" not in chosen.outlines


def test_only_those_that_failed_last_are_run_again_and_the_first_failure_ends_a_run(verify):
    first = verify(BREACHED + MET, "slo", "-x")
    assert first.verdicts == {"home-latency": "UNHEALTHY"}

    again = verify(BREACHED + MET, "slo", "--lf", "--co", "-q")
    assert "slo::home-latency" in again.outlines
    assert "slo::home-availability" not in again.outlines


def test_paths_that_name_no_objective_run_none(verify, shared):
    suite = shared.suite("plain", "def test_plain(fly_app):\n    assert fly_app.name\n")

    done = verify(MET, suite)

    assert done.verdicts == {"test_plain": "HEALTHY"}


def test_a_name_that_is_none_is_a_mistake(verify):
    done = verify(MET, "slo::home-availabilty")

    assert done.ret == 4
    assert '"home-availability"' in done.text
    assert "Traceback" not in done.text


def test_a_spent_budget_freezes_releases_unless_a_reason_lifts_it(verify):
    frozen = verify(FROZEN, "slo::home-frozen[budget]")

    assert frozen.verdict == "UNHEALTHY"
    assert "below 10 % releases are frozen" in frozen.text
    assert "--sre-override-freeze" in frozen.text

    lifted = verify(FROZEN, "slo::home-frozen[budget]", "--sre-override-freeze=fixes the outage")

    assert lifted.verdict == "HEALTHY", lifted.text
    assert any("lifted: fixes the outage" in line for line in lifted.lines_of("override"))
    with lifted.recording() as recording:
        assert "fixes the outage" in recording.meta()["freeze lifted: home-frozen"]


def test_a_freeze_is_not_lifted_without_a_reason(verify):
    done = verify(FROZEN, "slo", "--sre-override-freeze= ")

    assert done.ret == 4
    assert "--sre-override-freeze is empty" in done.text


def test_a_written_test_states_its_own(verify, shared):
    source = """
        import pytest

        def test_availability(bake, slo):
            assert slo.availability(0.5).check(bake).total >= 5

        def test_latency(bake, slo):
            slo.latency(p=50, below="1us").check(bake)

        def test_named(slo):
            slo.objective("home-availability").check()
            assert slo.budget("home-availability").remaining == 1
    """
    lines = (line.removeprefix("        ") for line in source.splitlines())

    done = verify(MET, shared.suite("written", "\n".join(lines)))

    assert done.verdicts == {
        "test_availability": "HEALTHY",
        "test_latency": "UNHEALTHY",
        "test_named": "HEALTHY",
    }


@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs prometheus on the PATH")
def test_what_the_edge_counted_is_asked_of_a_real_prometheus(verify):
    # It reads metrics once a second, and needs two of them; on a busy machine later.
    for _ in range(8):
        done = verify(EDGE.replace("99", "50"), "slo")
        if done.verdict == "HEALTHY":
            return
        assert "know nothing of the last 1h" in done.text or "more good ones" in done.text

    raise AssertionError(done.text)


def test_metrics_of_a_platform_without_prometheus_decide_nothing(project):
    """The stand-in says what to install, and the verdict says it on."""
    project.write(**{"sre.toml": TARGET + EDGE})
    empty = project.root / "bin"
    empty.mkdir()

    done = project.verify("slo", "--sre-bake=1s", env={"PATH": str(empty)})

    assert done.verdicts == {"home-edge": "INCONCLUSIVE"}
    assert "expected a program named prometheus" in done.text
    assert "Traceback" not in done.text
