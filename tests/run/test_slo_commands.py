"""``pytest-sre slo``: where objectives stand, from the ledger and from a local platform."""

import json
import time
from dataclasses import replace

import pytest

from pytest_sre.cli import main
from pytest_sre.recording.ledger import DayCounts, Ledger, ledger_path
from pytest_sre.slo.measuring.days import day_at, definition_of
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.targets import load_settings
from pytest_sre.verdict import Inconclusive

FLY_TOML = 'app = "shop"\n'
SRE_TOML = """
[[slo]]
name = "home"
path = "/"
objective = 99
window = "28d"

[[slo]]
name = "edge"
source = "edge"
objective = 99
window = "28d"
"""
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    (tmp_path / "fly.toml").write_text(FLY_TOML, encoding="utf-8")
    (tmp_path / "sre.toml").write_text(SRE_TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def observed(root, bad, total, *, back=0, run="run-1", name="home"):
    """Keep what a run of some days ago observed."""
    [objective] = [each for each in load_settings(root, "local").objectives if each.name == name]
    at = time.time() - back * DAY_S
    counts = DayCounts(
        "local", name, definition_of(objective), "runs", str(day_at(at)), run, at, bad, total
    )
    with Ledger(ledger_path(root)) as ledger:
        ledger.put([counts])
    return counts


def stands(capsys):
    code = main(["slo", "status", "--target", "local", "--json"])
    found = json.loads(capsys.readouterr().out)
    return code, {each["objective"]: each for each in found["objectives"]}


def test_what_runs_observed_is_shown_with_its_budget(root, capsys):
    observed(root, 1, 300, back=2)
    observed(root, 2, 700, run="run-2")

    _, found = stands(capsys)

    assert found["home"]["verdict"] == "MET"
    assert (found["home"]["bad"], found["home"]["total"]) == (3, 1000)
    assert found["home"]["remaining"] == pytest.approx(0.7)
    assert found["home"]["told_by"] == "2 runs"


def test_metrics_that_cannot_be_asked_are_no_verdict(capsys):
    code, found = stands(capsys)

    assert code == 1
    assert found["edge"]["verdict"] == "INCONCLUSIVE"
    assert "pytest-sre local up" in found["edge"]["why"]
    assert found["home"]["verdict"] == "INCONCLUSIVE"
    assert "nothing was measured" in found["home"]["why"]


def test_people_get_a_table(root, capsys):
    observed(root, 0, 1000)

    assert main(["slo", "status", "--target", "local"]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["objective", "verdict", "bad"]
    assert lines[1].split()[:6] == ["home", "MET", "0", "1,000", "100.0", "%"]
    assert not any("Traceback" in line for line in lines)


def test_a_snapshot_that_cannot_be_made_says_so(capsys, monkeypatch):
    monkeypatch.delenv("FLY_API_TOKEN", raising=False)
    monkeypatch.delenv("FLY_ACCESS_TOKEN", raising=False)

    assert main(["slo", "snapshot", "--target", "prod"]) == 1

    said = capsys.readouterr().err
    assert "home: each run keeps what it observed" in said
    assert "edge: not kept: expected" in said
    assert "FLY_API_TOKEN" in said


def test_an_unknown_target_is_a_mistake(capsys):
    assert main(["slo", "status", "--target", "prodd"]) == 4
    assert "prod" in capsys.readouterr().err


def windows(root):
    def none():
        raise Inconclusive("nobody is asked")

    return Windows(load_settings(root, "local"), none)


def test_a_run_that_goes_on_counts_once_with_what_the_ledger_has(root):
    kept = observed(root, 1, 100)
    asks = windows(root)
    [home, _] = asks.settings.objectives

    measured = asks.measure(home, this_run=replace(kept, bad=2, total=200))
    assert (measured.counts.bad, measured.counts.total) == (2, 200)

    budget = asks.budget(home, since_at=time.time() - 60, this_run=replace(kept, run="run-2"))
    assert budget.remaining == pytest.approx(0.0)
    assert budget.spent_in_release == pytest.approx(1.0)


def test_a_release_is_not_charged_with_what_was_before_it(root):
    observed(root, 5, 500, back=3, run="before")
    kept = observed(root, 0, 500, run="after")

    budget = windows(root).budget(windows(root).settings.objectives[0], since_at=kept.at - 60)

    assert budget.spent_in_release == 0
    assert budget.remaining == pytest.approx(0.5)


def test_runs_of_before_the_window_do_not_count(root):
    observed(root, 100, 100, back=40, run="old")
    observed(root, 0, 100, run="new")

    found = windows(root).measure(windows(root).settings.objectives[0])

    assert (found.counts.bad, found.counts.total) == (0, 100)


def test_an_incident_spent_what_was_bad_in_its_time(root):
    observed(root, 3, 500, back=5, run="before")
    during = observed(root, 2, 500, run="during")
    asks = windows(root)
    [home, edge] = asks.settings.objectives
    now = time.time()

    assert asks.spent(home, during.at - 60, now) == pytest.approx(0.2)
    assert asks.spent(home, during.at - 3600, during.at - 1800) is None
    assert asks.spent(edge, 0, now) is None


def test_a_changed_definition_begins_anew(root):
    observed(root, 9, 100)
    text = SRE_TOML.replace('path = "/"', 'path = "/home"')
    (root / "sre.toml").write_text(text, encoding="utf-8")

    found = windows(root).measure(windows(root).settings.objectives[0])

    assert found.counts.total == 0
