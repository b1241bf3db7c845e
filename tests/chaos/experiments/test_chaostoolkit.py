"""The same files under chaostoolkit itself: ``chaos validate``, ``discover`` and ``run``."""

import inspect
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from chaoslib.experiment import ensure_experiment_is_valid, load_experiment

from pytest_sre.chaos.actions import ACTIONS, kind_of
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.chaos.fly import actions, probes
from tests.chaos.experiments.conftest import (
    action,
    cordoned,
    experiment,
    forget_turns,
    probe,
)
from tests.patience import until
from tests.plugin.conftest import clean_environment

HOME = {"title": "the app answers", "probes": [probe("journey_passes", name="home")]}
ONE = action("cordon_machines", group="web", count=1)


def chaos(folder, *arguments, env=None, log="chaos.log"):
    """Run chaostoolkit's own command in a folder."""
    command = [sys.executable, "-m", "chaostoolkit", "--no-version-check"]
    return subprocess.Popen(
        [*command, "--log-file", log, *arguments],
        cwd=folder,
        env={**clean_environment(), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process):
    said, _ = process.communicate(timeout=240)
    return process.returncode, said


def test_each_action_is_a_function_that_says_what_it_takes():
    named = {name.replace("_", "-") for name in actions.__all__}

    assert {kind_of(kind) for kind in ACTIONS} <= named
    for module in (actions, probes):
        for name in module.__all__:
            function = getattr(module, name)
            for parameter in inspect.signature(function).parameters.values():
                assert parameter.annotation in (str, int, float, bool), name
                assert parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                assert f"{parameter.name}:" in inspect.getdoc(function), name


SHIPPED = sorted((Path(__file__).parents[3] / "chaos").glob("*.yaml"))


def test_chaos_validate_takes_what_is_shipped():
    root = SHIPPED[0].parents[1]
    for path in SHIPPED:
        assert read_experiment(path, root).terms.radius
        assert ensure_experiment_is_valid(load_experiment(str(path))) is None
    code, said = ended(chaos(root, "validate", str(SHIPPED[0]), log=os.devnull))
    assert code == 0, said


def test_chaos_discover_finds_them(tmp_path):
    code, said = ended(chaos(tmp_path, "discover", "--no-install", "pytest-sre"))

    assert code == 0, said
    found = json.loads((tmp_path / "discovery.json").read_text())
    names = {(one["type"], one["name"]) for one in found["activities"]}
    assert names == {("action", name) for name in actions.__all__} | {
        ("probe", name) for name in probes.__all__
    }


@pytest.fixture
def tried(stage):
    """Run an experiment by ``chaos run`` on the shared project's platform; give its journal."""

    def begin(document, **env):
        path = stage.root / "experiments" / "tried.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        journal = stage.root / "journal.json"
        journal.unlink(missing_ok=True)
        (stage.root / "chaos.log").write_text("")
        return chaos(stage.root, "run", "--journal-path", str(journal), str(path), env=env)

    return begin


def test_chaos_run_plays_a_file_and_its_rollbacks_undo(stage, tried):
    document = experiment(steady_state_hypothesis=HOME, method=[ONE])

    code, said = ended(tried(document))

    assert code == 0, said
    journal = json.loads((stage.root / "journal.json").read_text())
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    (undone,) = journal["rollbacks"]
    assert (undone["status"], undone["output"]) == ("succeeded", "1 undone")


def test_a_file_without_rollbacks_is_undone_by_the_end_of_the_process(stage, tried):
    process = tried(experiment(steady_state_hypothesis=HOME, method=[ONE], rollbacks=[]))

    code, said = ended(process)

    assert code == 0, said
    assert "1 undone" in said
    assert cordoned(stage.hands) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_chaos_run_that_is_told_to_end_undoes_and_proves_it(stage, tried, number):
    pausing = ONE | {"pauses": {"after": 120}}
    process = tried(experiment(steady_state_hypothesis=HOME, method=[pausing], rollbacks=[]))
    until(lambda: "Pausing after" in (stage.root / "chaos.log").read_text())
    assert cordoned(stage.hands)

    process.send_signal(number)
    _, said = ended(process)

    assert "1 undone" in said
    assert cordoned(stage.hands) == []


def test_chaos_run_that_is_killed_is_undone_by_its_guardian(stage, tried):
    pausing = ONE | {"pauses": {"after": 120}}
    process = tried(experiment(steady_state_hypothesis=HOME, method=[pausing]))
    until(lambda: cordoned(stage.hands))

    process.kill()
    ended(process)

    until(lambda: not cordoned(stage.hands))
    until(lambda: not list(stage.ground.journal.folder.glob("*.json")))
    forget_turns(stage.hands)


def test_chaos_run_keeps_to_what_sre_toml_allows(stage, tried):
    denied = stage.root / "sre.toml"
    text = denied.read_text()
    denied.write_text(text.replace(', "chaos"', ""))
    try:
        code, said = ended(tried(experiment(steady_state_hypothesis=HOME, method=[ONE])))
    finally:
        denied.write_text(text)

    assert "chaos is not allowed on local" in said
    assert code == 0, "chaostoolkit takes an action that was refused for done"
