"""What the report says of what was done to the target on purpose."""

import json

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.load.recorded import run_of, seconds_of
from pytest_sre.load.result import LoadResult
from pytest_sre.recording.rows import ExperimentRun, Perturbation

AT = 1_769_860_800.0


def perturbation(name: str, **changes) -> Perturbation:
    usual = {
        "at": AT + 2,
        "perturbation": name,
        "kind": "stop-machines",
        "described": f"stop Machine {name} (web, ams)",
        "app": "shop",
        "machines": json.dumps([name]),
        "made_at": AT + 2.1,
    }
    return Perturbation(**usual | changes)


def test_each_perturbation_is_told_as_it_is_known_last(tmp_path, recorded, page_of):
    rows = [
        perturbation("148e21"),
        perturbation("9185ab"),
        perturbation("148e21", undone_at=AT + 4, clean=True),
        perturbation("9185ab", undone_at=AT + 34, left="fly machine start 9185ab --app shop"),
    ]

    _, page = page_of(recorded(tmp_path / "run.sqlite", rows))

    told = {row[0]: row[1:5] for row in page.tables["What was done"]}
    day = "2026-01-31 12:00:"
    assert told == {
        "stop Machine 148e21 (web, ams)": ["148e21", f"{day}02", f"{day}04", "undone"],
        "stop Machine 9185ab (web, ams)": ["9185ab", f"{day}02", f"{day}34", "NOT CLEAN"],
    }
    assert "by hand: fly machine start 9185ab --app shop" in page.text


def test_an_experiment_is_told_with_its_activities(tmp_path, recorded, page_of):
    activities = [{"activity": "stop one", "status": "failed", "said": "no such Machine"}]
    run = ExperimentRun(
        at=AT,
        experiment="e1",
        name="lose-one-machine",
        title="Lose one Machine",
        verdict="NOT INJECTED",
        detail="no such Machine",
        ended_at=AT + 5,
        clean=True,
        activities=json.dumps(activities),
        steady_states="broken",
        recovery_s=1.25,
    )

    _, page = page_of(recorded(tmp_path / "run.sqlite", [run]))

    assert "Lose one Machine" in page.text
    assert "steady again 1.2 s after" in page.text
    assert page.tables["Activities"] == [["stop one", "failed", "no such Machine"]]


def test_a_load_is_shaded_while_something_was_done(tmp_path, recorded, page_of):
    made = [Tally(second=n, journey="checkout", started=1, done=1) for n in range(10)]
    plan = LoadPlan(workload=constant(1, 10), mix={"checkout": 1.0})
    result = LoadResult(
        plan=plan,
        base_url="http://shop.example",
        started_at=AT,
        ended_at=AT + 10,
        reason="complete",
        tallies=tuple(made),
    )
    rows = [
        *seconds_of(Frame(elapsed_s=0.0, tallies=made), "id-1", AT),
        run_of(result, "id-1", name="checkout", test="", fleet={}),
        perturbation("148e21", made_at=AT + 2, undone_at=AT + 7, clean=True),
        perturbation("before", made_at=AT - 9, undone_at=AT - 7, clean=True),
    ]

    _, page = page_of(recorded(tmp_path / "run.sqlite", rows))

    shaded = [one.attributes for one in page.elements if "fill-opacity" in one.attributes]
    [span] = [one for one in shaded if one.get("fill-opacity") == "0.25"]
    assert abs(float(span["width"]) / (780 - 116 - 16) - 0.5) < 0.06
    assert "shaded: 1 times something was done to the target" in page.text
