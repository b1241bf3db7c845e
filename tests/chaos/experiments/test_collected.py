"""Experiments as tests of pytest: read without a target, run with one."""

import fnmatch
import json
import signal
import subprocess
import sys

import pytest
import yaml

from pytest_sre.recording.rows import ExperimentRun, Perturbation
from tests.chaos.experiments.conftest import (
    action,
    at_play,
    cordoned,
    experiment,
    forget_turns,
    probe,
    stated,
)
from tests.patience import until
from tests.plugin.conftest import clean_environment

HOME = {"title": "the app answers", "probes": [probe("journey_passes", name="home")]}


def tried(**changed):
    wide = stated(**{"blast-radius": {"machines": 2, "seconds": 60}, "severity": "high"})
    return experiment(
        **{
            "steady_state_hypothesis": HOME,
            "method": [action("cordon_machines", group="${group}", count="${count}")],
            "extensions": wide,
            **changed,
        }
    )


def test_without_a_target_they_are_read(pytester):
    folder = pytester.mkdir("chaos")
    (folder / "good.yaml").write_text(yaml.safe_dump(experiment()), encoding="utf-8")
    (folder / "broken.json").write_text(json.dumps(experiment(rolbacks=[])), encoding="utf-8")
    (pytester.path / "values.yaml").write_text("a: 1\n", encoding="utf-8")

    ran = pytester.runpytest_inprocess("-v")

    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(
        ['chaos/broken.json:* has an unknown key "rolbacks"', "expected one of: *"]
    )
    assert "Traceback" not in ran.stdout.str()
    ran = pytester.runpytest_inprocess("-v", "chaos/good.yaml")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["chaos/good.yaml::good PASSED *"])


def test_without_a_target_a_critical_one_without_a_runbook_is_named(pytester):
    folder = pytester.mkdir("chaos")
    for name, terms in {"quiet": {}, "gone": {"runbook": "gone.md"}, "alarm": {}}.items():
        terms = {"severity": "critical" if name == "alarm" else "high", **terms}
        made = experiment(extensions=stated(**terms))
        (folder / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")

    ran = pytester.runpytest_inprocess()

    ran.assert_outcomes(passed=3)
    told = [line for line in ran.outlines if line.startswith("sre: unactionable alert: ")]
    assert [line.removeprefix("sre: unactionable alert: ") for line in told] == [
        "chaos/alarm.json::alarm is critical and names no runbook",
        "chaos/gone.json::gone names a runbook that is not there: gone.md",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("grop=web", '*grop*did you mean "group"?*'),
        ("count", "*NAME=VALUE*"),
        ("count=two", '*count is "two"*a whole number*'),
    ],
)
def test_a_parameter_that_cannot_be_set_is_one_mistake(pytester, given, said):
    path = pytester.mkdir("chaos") / "good.yaml"
    path.write_text(yaml.safe_dump(experiment()), encoding="utf-8")

    ran = pytester.runpytest_inprocess(f"--sre-chaos-set={given}")

    assert ran.ret in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED)
    text = ran.stdout.str() + ran.stderr.str()
    assert fnmatch.fnmatch(text.replace("\n", " "), said)
    assert text.count("expected ") == 1


@pytest.fixture
def placed(shared):
    """Put an experiment into the shared project, and give its path."""

    def place(name, document):
        shared.write(**{f"experiments/{name}.json": json.dumps(document)})
        return f"experiments/{name}.json"

    yield place
    assert at_play(shared.root) == []


def test_with_a_target_it_is_run(shared, placed):
    ran = shared.verify("-v", placed("lose-one", tried()))

    assert ran.verdict == "HEALTHY", ran.text
    ran.stdout.fnmatch_lines(["experiments/lose-one.json::lose-one PASSED *"])
    with ran.recording() as recording:
        (row,) = recording.rows(ExperimentRun)
        done = recording.rows(Perturbation)
    assert (row.name, row.verdict, row.clean) == ("lose-one", "HELD", True)
    assert done[-1].clean
    assert done[-1].experiment == row.experiment


def test_what_an_app_does_not_bear_fails(shared, placed):
    ran = shared.verify("--sre-chaos-set=count=2", placed("lose-both", tried()))

    assert ran.verdict == "UNHEALTHY", ran.text
    ran.stdout.fnmatch_lines(
        ["*DEVIATED: the steady state was lost after the method: *", "*cordon_machines succeeded*"]
    )
    assert "Traceback" not in ran.text


@pytest.fixture
def paused(shared, placed, hands):
    """A pytest that has perturbed the target, and waits; with another experiment to come."""
    cordon = action("cordon_machines", group="web", count=1) | {"pauses": {"after": 240}}
    files = [placed("a-paused", tried(method=[cordon])), placed("b-other", tried())]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-v", "--sre-target=local", "--sre-bake=100ms", *files],
        cwd=shared.root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    until(lambda: cordoned(hands))
    yield process
    until(lambda: not cordoned(hands))
    until(lambda: not list((shared.root / ".sre" / "undo").glob("*.json")))
    until(lambda: not at_play(shared.root))
    forget_turns(hands)


def test_a_pytest_that_is_killed_leaves_nothing(paused):
    paused.kill()
    paused.communicate()


def test_ctrl_c_undoes_and_nothing_more_is_begun(paused, hands):
    paused.send_signal(signal.SIGINT)
    said, _ = paused.communicate(timeout=240)

    assert paused.returncode == pytest.ExitCode.INTERRUPTED, said
    assert not cordoned(hands)
    assert "ABORTED lose a web Machine: the run was ended" in said
    assert "nothing was tested in experiments: 1 interrupted" in said
    assert "b-other PASSED" not in said
    assert "b-other FAILED" not in said


def test_where_it_is_not_allowed_it_is_skipped(shared, placed):
    shared.write(**{"denied.toml": (shared.root / "sre.toml").read_text().replace(', "chaos"', "")})

    ran = shared.verify("-rs", "--sre-config=denied.toml", placed("denied", tried()))

    ran.assert_outcomes(skipped=1)
    ran.stdout.fnmatch_lines(["SKIPPED*chaos is not allowed on local*"])
