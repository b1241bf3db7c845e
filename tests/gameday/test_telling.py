"""What is told of a game day: verdicts, the timeline, the closing report."""

import io
import itertools
import json
from pathlib import Path

import pytest
from rich.console import Console

from pytest_sre.gameday.closing import as_json, as_markdown, with_not_run
from pytest_sre.gameday.plan import Plan, Step
from pytest_sre.gameday.results import (
    Injected,
    Result,
    exit_code_of,
    injected_of,
    verdict_of,
)
from pytest_sre.gameday.timeline import Moment, Timeline, events_of
from pytest_sre.recording.rows import ExperimentRun, Perturbation

STEPS = tuple(Step(Path(f"chaos/{name}.yaml"), 5, {}) for name in ("one", "two", "three"))
PLAN = Plan("Autumn", "local", STEPS)
STOPPED = Injected("stop Machine 148e21 (web, ams)", 100, 103, clean=True)
LEFT = Injected("cordon Machine 9a", 100, 130, clean=False, left=("fly machine uncordon 9a",))
HELD = Result("one", "Loses one", "HELD", "", 99, 8, 1.25, (STOPPED,))


def row(**values):
    told = {"perturbation": "p1", "kind": "stop-machines", "described": "stop Machine 1"}
    return Perturbation(**{"at": 1.0, "app": "shop", "made_at": 2.0, **told, **values})


def ran(verdict, *, clean=True):
    return ExperimentRun(
        at=1, experiment="e1", name="one", title="One", verdict=verdict, ended_at=9, clean=clean
    )


def test_the_newest_row_of_a_perturbation_tells():
    nan = float("nan")
    rows = [row(), row(perturbation="p2", made_at=nan), row(undone_at=5.0, clean=True)]
    assert injected_of(rows) == (Injected("stop Machine 1", 2.0, 5.0, clean=True),)


@pytest.mark.parametrize(
    ("run", "injected", "verdict"),
    [
        (ran("HELD"), [STOPPED], "HELD"),
        (ran("DEVIATED"), [STOPPED], "DEVIATED"),
        (ran("HELD"), [STOPPED, LEFT], "NOT CLEAN"),
        (ran("HELD", clean=False), [STOPPED], "NOT CLEAN"),
        (ran("NOT INJECTED"), [], "NOT INJECTED"),
        (ran("NOT INJECTED", clean=False), [], "NOT CLEAN"),
        (None, [], "NOT RUN"),
        (None, [LEFT], "NOT CLEAN"),
    ],
)
def test_what_is_left_of_a_fault_is_worse_than_any_verdict(run, injected, verdict):
    assert verdict_of(run, injected) == verdict


@pytest.mark.parametrize(
    ("verdicts", "interrupted", "code"),
    [
        (["HELD", "HELD"], False, 0),
        (["HELD", "DEVIATED"], False, 1),
        (["NOT INJECTED", "HELD"], False, 1),
        (["HELD", "NOT RUN"], False, 1),
        (["HELD"], True, 130),
    ],
)
def test_only_when_all_held_the_exit_code_is_0(verdicts, interrupted, code):
    results = [Result("one", "", verdict, "", 0, 0) for verdict in verdicts]
    assert exit_code_of(results, interrupted=interrupted) == code


def test_the_timeline_tells_each_thing_once():
    begins = Moment((), STEPS[0], 99)
    under_fault = Moment((), STEPS[0], 99, (Injected(STOPPED.described, 100, None, clean=False),))
    undone = Moment((), STEPS[0], 99, (STOPPED,))
    over = Moment((HELD,))
    pause = Moment((HELD,), since_at=107, pause_s=5)
    moments = [Moment(()), begins, begins, under_fault, undone, undone, over, pause, pause]
    said = [events_of(a, b) for a, b in itertools.pairwise(moments)]
    assert [line for lines in said for line in lines] == [
        "00:01:39 one begins",
        "00:01:40 stop Machine 148e21 (web, ams)",
        "00:01:43 undone: stop Machine 148e21 (web, ams)",
        "00:01:47 one HELD, recovered in 1.2 s",
        "00:01:47 pause of 5 s",
    ]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_hostile_text_does_nothing_in_the_timeline(is_terminal):
    out = io.StringIO()
    hostile = Result("one", "", "DEVIATED", "\x1b[2J [red]seen[/red]\n::error::x", 99, 8)
    console = Console(file=out, force_terminal=is_terminal, color_system=None, width=120)
    with Timeline(PLAN, console) as timeline:
        timeline.show(Moment((), STEPS[0], 99))
        timeline.show(Moment((hostile,)))
    assert "one DEVIATED:" in out.getvalue()
    assert "[red]seen" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    assert "\n::error" not in out.getvalue()


def test_the_report_has_every_experiment_also_those_that_were_not_reached():
    left = Result("two", "Two", "NOT CLEAN", "not undone", 110, 40, None, (LEFT,), Path("two.log"))
    results = with_not_run(PLAN, [HELD, left], "two left something in place")
    text = as_markdown(PLAN, results)
    assert "1 of 3 experiments held on local." in text
    assert "| one | HELD | 00:01:39 | 8.0 s | 1.2 s |" in text
    assert "| three | NOT RUN | - | - | - |" in text
    assert "fly machine uncordon 9a" in text
    assert "two left something in place" in text


def test_the_report_for_programs_says_the_same():
    told = json.loads(as_json(PLAN, with_not_run(PLAN, [HELD], "ended"), 1))
    assert (told["title"], told["target"], told["exit_code"]) == ("Autumn", "local", 1)
    assert [each["verdict"] for each in told["experiments"]] == ["HELD", "NOT RUN", "NOT RUN"]
    assert told["experiments"][0]["injected"][0]["undone_at"] == 103
    assert told["experiments"][0]["recovery_s"] == 1.25
