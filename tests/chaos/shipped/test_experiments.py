"""The experiments of this repository: what the demo shop is to survive."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import ExperimentRun, Perturbation
from pytest_sre.recording.store import recorded_runs
from pytest_sre.shipping import set_up_demo

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "chaos").glob("*.yaml"))
# One of Machines, one of what a Machine depends on, one in which acknowledged work waits.
PLAYED = ("lose-a-region", "disk-full", "worker-crash-with-queued-job")


def test_what_is_shipped() -> None:
    assert [file.stem for file in FILES] == [
        "disk-full",
        "flapping-health-check",
        "kill-during-deploy",
        "latency-spike-at-the-edge",
        "lose-a-region",
        "lose-one-machine",
        "slow-store",
        "store-outage",
        "worker-crash-with-queued-job",
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_says_what_to_do_when_it_fails(file: Path) -> None:
    experiment = read_experiment(file, ROOT)
    runbook = ROOT / "docs" / "runbooks" / experiment.terms.runbook
    text = runbook.read_text(encoding="utf-8")
    for part in ("**What it does.**", "**What a failure means.**", "**Look first**", "by hand"):
        assert part in text


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, as ``pytest-sre demo`` sets it up."""
    folder = tmp_path_factory.mktemp("demo")
    set_up_demo(folder)
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


@pytest.mark.timeout(300)
def test_the_shop_survives(demo: Path) -> None:
    files = [f"chaos/{name}.yaml" for name in PLAYED]
    verify = command("pytest", "--sre-target=local", "--sre-bake=1s", "--sre-issues=off", *files)
    ended = subprocess.run(verify, cwd=demo, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    (record,) = recorded_runs(demo)
    with Recording(record) as recording:
        verdicts = {run.name: run.verdict for run in recording.rows(ExperimentRun)}
        undone = [each.clean for each in recording.rows(Perturbation) if each.undone_at]
    assert verdicts == dict.fromkeys(PLAYED, "HELD")
    assert len(undone) == len(PLAYED)
    assert all(undone)


@pytest.mark.timeout(300)
def test_a_release_that_loses_orders_is_found_out(demo: Path) -> None:
    verify = command("pytest", "--sre-target=local", "--sre-bake=1s", "--sre-issues=off")
    verify += ["--sre-local-release=lost-update", "chaos/store-outage.yaml"]
    ended = subprocess.run(verify, cwd=demo, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stdout
    assert "DEVIATED" in ended.stdout
    assert "no acknowledged order is missing" in ended.stdout


@pytest.mark.timeout(300)
def test_a_game_day(demo: Path) -> None:
    plan = 'title = "Tuesday"\n[[experiment]]\nfile = "chaos/slow-store.yaml"\n'
    (demo / "gameday.toml").write_text(plan)
    hold = ["pytest-sre", "gameday", "gameday.toml", "--json", "--", "--sre-bake=1s"]
    ended = subprocess.run(hold, cwd=demo, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (experiment,) = json.loads(ended.stdout)["experiments"]
    assert experiment["verdict"] == "HELD"
    assert all(each["clean"] for each in experiment["injected"])
    assert "slow-store HELD" in ended.stderr
