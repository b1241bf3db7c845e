"""Without ``--sre-target`` the plugin stays out of the way."""

import json

import pytest

SUITE = """
import pytest
from pytest_sre import FlyApp

@pytest.mark.sre(severity="high", runbook="web.md")
def test_app(fly_app: FlyApp):
    raise SystemError("must not run")

def test_machine(fly_machine, probe):
    raise SystemError("must not run")

def test_journey(journey_name, journey):
    raise SystemError("must not run")

def test_of_the_bake(bake, logs, eventually):
    raise SystemError("must not run")
"""

HEAVY = ("httpx", "aiohttp", "msgspec", "sqlite3", "rich", "psutil", "starlette", "locust")

PROBE = f"""
import json, sys

def pytest_sessionfinish():
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    print("HEAVY", json.dumps(heavy))
"""


def test_suite_tests_are_skipped_with_the_reason(pytester):
    pytester.makepyfile(SUITE)
    ran = pytester.runpytest_inprocess("-rs")
    ran.assert_outcomes(skipped=4)
    assert ran.ret == 0
    ran.stdout.fnmatch_lines(
        ["SKIPPED *: needs a target: run pytest with --sre-target=local, or =prod"]
    )


def test_ordinary_tests_are_unaffected(pytester):
    pytester.makepyfile("def test_passes(): pass\ndef test_fails(): assert 1 == 2")
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(passed=1, failed=1)
    assert ran.ret == 1
    ran.stdout.no_fnmatch_line("*sre:*")
    ran.stdout.no_fnmatch_line("*verdict*")
    assert not (pytester.path / ".sre").exists()


def test_nothing_collected_keeps_the_exit_code_of_pytest(pytester):
    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_mistake_in_the_settings_does_not_trouble_other_tests(pytester):
    pytester.makefile(".toml", sre="what = is [this")
    pytester.makepyfile("def test_passes(): pass")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_plugin_can_be_left_out(pytester):
    pytester.makepyfile("def test_passes(): pass")
    ran = pytester.runpytest_subprocess("-p", "no:sre", "-p", "no:hypothesispytest")
    ran.assert_outcomes(passed=1)
    ran.stdout.no_fnmatch_line("plugins:*sre-*")
    refused = pytester.runpytest_subprocess("-p", "no:sre", "--sre-target=local")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*unrecognized arguments: --sre-target=local"])


def test_nothing_heavy_is_imported(pytester):
    pytester.makeconftest(PROBE)
    pytester.makepyfile("def test_passes(): pass")
    ran = pytester.runpytest_subprocess("-s", "-p", "no:hypothesispytest")
    ran.assert_outcomes(passed=1)
    (line,) = [line for line in ran.outlines if "HEAVY" in line]
    assert json.loads(line.partition("HEAVY")[2]) == []


def test_marker_is_known_under_strict(pytester):
    pytester.makepyfile(SUITE)
    pytester.runpytest_inprocess("--strict-markers").assert_outcomes(skipped=4)


def test_misspelt_marker_is_refused_under_strict(pytester):
    pytester.makepyfile("import pytest\n@pytest.mark.sree\ndef test_it(): pass")
    ran = pytester.runpytest_inprocess("--strict-markers")
    ran.stdout.fnmatch_lines(["*'sree' not found in `markers` configuration option*"])
    assert ran.ret != 0


def test_marker_is_described(pytester):
    ran = pytester.runpytest_inprocess("--markers")
    ran.stdout.fnmatch_lines(["@pytest.mark.sre(severity, runbook): *"])


def test_help_lists_what_there_is(pytester):
    ran = pytester.runpytest_inprocess("--help")
    options = ("target", "config", "allow", "bake", "since", "local-release")
    ran.stdout.fnmatch_lines_random([f"  --sre-{name}=*" for name in options])
    ran.stdout.fnmatch_lines_random(["  sre_suites (args):*", "  sre_inconclusive (string):*"])


def test_fixtures_are_described(pytester):
    ran = pytester.runpytest_inprocess("--fixtures")
    described = ran.stdout.str().partition("defined from pytest_sre.plugin.fixtures")[2]
    ours = described.partition("fixtures defined from")[0]
    for name in (
        "fly_app",
        "fly_machine",
        "probe",
        "journey",
        "bake",
        "logs",
        "eventually",
        "risk",
    ):
        assert f"\n{name} -- " in ours
    assert "no docstring available" not in ours
