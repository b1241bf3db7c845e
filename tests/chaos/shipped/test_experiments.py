"""The experiments of this repository: what the demo shop is to survive."""

import json
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.gameday.results import injected_of
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.notes import PROCESS
from pytest_sre.recording.rows import ExperimentRun, Perturbation
from pytest_sre.recording.store import new_run_path, recorded_runs
from pytest_sre.shipping import set_up_demo

ROOT = Path(__file__).parents[3]
# Of the environment that runs the tests, activated or not.
OURS = str(Path(sysconfig.get_path("scripts"), "pytest-sre"))
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
        injected = injected_of(recording.rows(Perturbation))
    assert verdicts == dict.fromkeys(PLAYED, "HELD")
    assert len(injected) == len(PLAYED)
    assert all(each.clean for each in injected)


@pytest.mark.timeout(300)
def test_a_game_day(demo: Path) -> None:
    plan = 'title = "Tuesday"\n[[experiment]]\nfile = "chaos/slow-store.yaml"\n'
    (demo / "gameday.toml").write_text(plan)
    hold = [OURS, "gameday", "gameday.toml", "--json", "--pytest=--sre-bake=1s"]
    ended = subprocess.run(hold, cwd=demo, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (experiment,) = json.loads(ended.stdout)["experiments"]
    assert experiment["verdict"] == "HELD"
    assert all(each["clean"] for each in experiment["injected"])
    assert "slow-store HELD" in ended.stderr


@pytest.mark.timeout(300)
def test_a_game_day_that_is_ended_by_ctrl_c_undoes_and_begins_no_more(demo: Path) -> None:
    files = ("chaos/slow-store.yaml", "chaos/store-outage.yaml")
    steps = "".join(f'[[experiment]]\nfile = "{file}"\n' for file in files)
    (demo / "ended.toml").write_text(f'title = "Thursday"\n{steps}')
    hold = [OURS, "gameday", "ended.toml", "--json", "--pytest=--sre-bake=1s"]
    pipe = subprocess.PIPE
    with subprocess.Popen(hold, cwd=demo, stdout=pipe, stderr=pipe, text=True) as day:
        assert day.stderr
        assert "slow-store begins" in day.stderr.readline()
        record_another_session(demo)
        assert "between" in day.stderr.readline()
        day.send_signal(signal.SIGINT)
        output, errors = day.communicate(timeout=200)

    assert day.returncode == 130, output + errors
    slow_store, outage = json.loads(output)["experiments"]
    assert [each["clean"] for each in slow_store["injected"]] == [True], errors
    assert slow_store["verdict"] != "HELD"
    assert outage["verdict"] == "NOT RUN"


def record_another_session(root: Path) -> None:
    """Have another session of the project begin, whose experiment holds."""
    path = new_run_path(root, "local", time.time() + 3_600)
    with Recorder(path, {PROCESS: "1"}) as recorder:
        held = ExperimentRun(
            at=1, experiment="e", name="slow-store", title="", verdict="HELD", ended_at=2
        )
        recorder.write(held)


def test_a_game_day_of_what_cannot_be_run_is_refused_before_it_begins(demo: Path) -> None:
    plan = (
        'title = "Friday"\n[[experiment]]\nfile = "chaos/slow-store.yaml"\nset = { stor = "x" }\n'
    )
    (demo / "friday.toml").write_text(plan)
    hold = [OURS, "gameday", "friday.toml"]
    ended = subprocess.run(hold, cwd=demo, capture_output=True, text=True)
    assert ended.returncode == 4
    assert "unknown parameter" in ended.stderr
    assert "store" in ended.stderr
