"""Experiments as they run: chaoslib in a process of its own, real Machines, always undone."""

import signal
import threading
import time
from dataclasses import replace

import pytest

from pytest_sre.chaos.experiments import running
from pytest_sre.chaos.experiments.result import Outcome
from pytest_sre.chaos.experiments.running import Running
from pytest_sre.chaos.faults import Faults
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.injecting import NotClean
from pytest_sre.recording.rows import ExperimentRun
from pytest_sre.verdict import Inconclusive
from tests.chaos.experiments.conftest import action, at_play, experiment, probe, stated
from tests.patience import until

HOME = {"title": "the app answers", "probes": [probe("journey_passes", name="home")]}
STOP_ONE = action("stop_machines", group="web", count=1)


def tried(**changed):
    return experiment(
        **{
            "steady_state_hypothesis": HOME,
            "method": [STOP_ONE],
            "extensions": stated(**{"blast-radius": {"machines": 1, "seconds": 60}}),
            **changed,
        }
    )


def test_an_app_that_bears_it_holds(stage):
    result = stage.run(tried())

    result.require()
    assert result.outcome is Outcome.HELD
    assert [state.phase for state in result.seen.states] == ["before", "after", "recovery"]
    assert [one.name for one in result.seen.activities] == ["stop_machines", "undo_all"]
    (row,) = stage.perturbations
    assert (row.kind, row.clean) == ("stop-machines", True)
    recorded = stage.rows[-1]
    assert isinstance(recorded, ExperimentRun)
    assert (recorded.name, recorded.verdict, recorded.clean) == ("it", "HELD", True)
    assert recorded.experiment == row.experiment
    assert stage.asked_s == [60]
    assert list((stage.root / ".sre" / "chaos").glob("*-it.json"))


def test_a_file_that_only_states_what_is_steady_holds(stage):
    result = stage.run(tried(method=[]))

    result.require()
    assert [state.phase for state in result.seen.states] == ["before", "after", "recovery"]
    assert stage.perturbations == []


# Stopped ones would be started by the proxy.
BOTH = action("cordon_machines", group="web", share=1.0)
WIDE = {"blast-radius": {"seconds": 60}}


def test_an_app_that_does_not_deviates(stage):
    result = stage.run(tried(method=[BOTH], extensions=stated(**WIDE)))

    assert result.outcome is Outcome.DEVIATED
    with pytest.raises(AssertionError, match="DEVIATED: the steady state was lost") as failed:
        result.require()
    assert "action cordon_machines succeeded" in str(failed.value)


def test_an_app_may_be_away_meanwhile_if_it_comes_back(stage):
    result = stage.run(
        tried(
            method=[BOTH],
            extensions=stated(**WIDE, **{"may-deviate": True, "recovers-within": "60s"}),
        )
    )

    result.require()
    assert 0 <= result.recovery_s < 60
    assert "came back" in result.why


def test_nothing_is_done_where_the_steady_state_is_not_met_first(stage):
    off = {"title": "t", "probes": [probe("http_status", 200, path="/broken")]}

    result = stage.run(tried(steady_state_hypothesis=off))

    assert result.outcome is Outcome.NOT_INJECTED
    assert stage.perturbations == []
    with pytest.raises(Inconclusive, match="not met before anything was done"):
        result.require()


def test_a_probe_that_cannot_see_is_no_outage(stage):
    blind = {"title": "t", "probes": [probe("objective_met", name="nowhere")]}

    result = stage.run(tried(steady_state_hypothesis=blind))

    with pytest.raises(Inconclusive, match="there is no objective 'nowhere'; stated: none"):
        result.require()


def looking(func, **arguments):
    """A probe of the method; chaostoolkit compares its value with nothing."""
    return {k: v for k, v in probe(func, **arguments).items() if k != "tolerance"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"method": [STOP_ONE, looking("customers", journey="hom")]},
            "there is no journey 'hom'; registered: .*home.*\ndid you mean \"home\"",
        ),
        (
            {
                "configuration": {"user": "nobody"},
                "method": [looking("customer_begins", journey="${user}"), STOP_ONE],
            },
            "there is no journey 'nobody'; registered: .*home",
        ),
        ({"abort": [{"journey": "hom", "fails-for": "10s"}]}, "no journey 'hom'; registered: "),
        (
            {"abort": [{"group": "wob", "healthy-below": 1}]},
            "there is no process group 'wob' in tiny; there are: .*web.*\ndid you mean \"web\"",
        ),
        ({"abort": [{"group": "web", "app": "tinny", "healthy-below": 1}]}, "tinny"),
    ],
)
def test_a_name_that_nobody_has_is_found_before_anything_is_done(stage, changed, said):
    radius, abort = {"machines": 1, "seconds": 60}, changed.get("abort", [])
    extensions = stated(**{"blast-radius": radius, "abort": abort})
    parts = {name: value for name, value in changed.items() if name != "abort"}

    result = stage.run(tried(extensions=extensions, **parts))

    assert (result.outcome, result.decides) == (Outcome.NOT_INJECTED, False)
    assert stage.perturbations == []
    assert result.seen.states == ()
    with pytest.raises(Inconclusive, match=said):
        result.require()
    assert stage.rows[-1].verdict == "NOT INJECTED"


def test_an_action_that_is_not_done_is_not_injected(stage):
    nobody = action("stop_machines", group="nobody")

    result = stage.run(tried(method=[nobody]))

    with pytest.raises(Inconclusive, match="NOT INJECTED: stop_machines was not done"):
        result.require()


def test_no_more_than_its_blast_radius(stage):
    result = stage.run(tried(method=[action("stop_machines", group="web", share=1.0)]))

    with pytest.raises(Inconclusive, match="at most 1 Machine perturbed at once"):
        result.require()
    assert stage.perturbations == []


def test_its_time_is_up(stage):
    slow = STOP_ONE | {"pauses": {"after": 120}}
    extension = stated(**{"blast-radius": {"machines": 1, "seconds": 1}})

    result = stage.run(tried(method=[slow], extensions=extension))

    assert result.outcome is Outcome.ABORTED
    with pytest.raises(AssertionError, match="its 1 s are over"):
        result.require()


def test_a_condition_of_the_file_ends_it(stage):
    both = BOTH | {"pauses": {"after": 120}}
    abort = [{"journey": "home", "fails-for": "100ms"}]

    result = stage.run(tried(method=[both], extensions=stated(**WIDE, abort=abort)))

    assert (result.outcome, result.decides) == (Outcome.ABORTED, True)
    assert "journey home fails for 0.1 s" in result.why


def test_a_condition_that_cannot_be_asked_is_no_verdict_on_the_app(stage, monkeypatch):
    seen = Sight.machines

    def machines(sight, *which):
        if stage.perturbations:
            raise Inconclusive("the platform is silent", cause="platform api")
        return seen(sight, *which)

    monkeypatch.setattr(Sight, "machines", machines)
    slow = STOP_ONE | {"pauses": {"after": 120}}
    few = [{"group": "web", "healthy-below": 1}]
    extensions = stated(**{"blast-radius": {"machines": 1, "seconds": 60}}, abort=few)

    result = stage.run(tried(method=[slow], extensions=extensions))

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    with pytest.raises(Inconclusive, match="cannot be asked: Inconclusive: the platform is silent"):
        result.require()


def when_done(stage, act):
    """Act once a perturbation is on record."""

    def watch():
        until(lambda: stage.perturbations)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_the_stop_button_undoes_and_decides_nothing(stage):
    def press():
        stage.stop = "chaos is stopped by hand"

    pressed = when_done(stage, press)
    result = stage.run(tried(method=[STOP_ONE | {"pauses": {"after": 120}}]))
    pressed.join()

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    with pytest.raises(Inconclusive, match="stopped by hand"):
        result.require()


def test_what_does_not_end_in_time_is_told_so(stage, monkeypatch):
    """The stop button is asked on and on, and says nothing."""
    monkeypatch.setattr(running, "LONGEST_S", -60.0)

    result = stage.run(tried())

    assert result.why == "it did not end in time"
    assert not result.decides


def test_a_run_that_is_ended_is_told_so(stage, monkeypatch):
    """The stop button is asked on and on while all is being undone, and says nothing."""
    end_all, asked, looked = Faults.end_all, [], []

    def stopped():
        asked.append(time.monotonic())
        return ""

    def tells(line):
        if "steady state" in line:
            looked.append(line)
            if len(looked) == 2:
                raise KeyboardInterrupt

    def ends(faults):
        end_all(faults)
        before = len(asked)
        until(lambda: len(asked) > before + 1)

    monkeypatch.setattr(Faults, "end_all", ends)
    stage.ground = replace(stage.ground, stopped=stopped, tell=tells)
    with pytest.raises(KeyboardInterrupt):
        stage.run(tried())

    row = stage.rows[-1]
    assert (row.verdict, row.detail, row.clean) == ("ABORTED", "the run was ended", True)


def test_what_is_done_while_it_is_being_ended_is_undone_at_once(stage, monkeypatch):
    begin, end_all, ended = Faults.begin, Faults.end_all, threading.Event()
    left = []

    def ends(faults):
        end_all(faults)
        ended.set()

    def begins(faults, action):
        stage.stop = "chaos is stopped by hand"
        assert ended.wait(120)
        return begin(faults, action)

    def hears(running, word, take=Running._take):
        take(running, word)
        left.append(not stage.is_clean())

    monkeypatch.setattr(Faults, "begin", begins)
    monkeypatch.setattr(Faults, "end_all", ends)
    monkeypatch.setattr(Running, "_take", hears)
    result = stage.run(tried())

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    assert not any(left)
    (row,) = stage.perturbations
    assert row.clean


def test_a_child_that_is_killed_leaves_nothing(stage):
    def kill():
        for process in at_play():
            process.send_signal(signal.SIGKILL)

    killed = when_done(stage, kill)
    result = stage.run(tried(method=[STOP_ONE | {"pauses": {"after": 120}}]))
    killed.join()

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    assert "was ended by SIGKILL" in result.why


def test_a_child_that_is_told_to_end_does(stage):
    def end():
        for process in at_play():
            process.send_signal(signal.SIGTERM)

    told = when_done(stage, end)
    result = stage.run(tried(method=[STOP_ONE | {"pauses": {"after": 120}}, STOP_ONE]))
    told.join()

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    assert result.why == "stopped by SIGTERM"
    assert len(stage.perturbations) == 1


SWALLOWS = """
import os, signal, time

def retry():
    for _ in range(3):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except Exception:
            continue
"""


def test_an_action_that_swallows_every_exception_is_ended_too(stage):
    """With chaoslib 1.44 the next action would run, and all be completed."""
    (stage.root / "swallows.py").write_text(SWALLOWS, encoding="utf-8")
    undoes = {"type": "action", "name": "undo", "provider": {"type": "process", "path": "true"}}
    method = [action("retry", module="swallows"), STOP_ONE]

    result = stage.run(tried(method=method, rollbacks=[undoes]))

    assert (result.outcome, result.why) == (Outcome.ABORTED, "stopped by SIGTERM")
    assert stage.perturbations == []
    assert result.seen.is_clean


def test_a_parameter_of_the_command_line(stage):
    result = stage.run(
        tried(
            configuration={"group": "nobody"},
            method=[action("stop_machines", group="${group}", count=1)],
        ),
        group="web",
    )

    assert result.outcome is Outcome.HELD


FAILING = {"type": "process", "path": "false"}


def test_a_rollback_that_failed_proves_nothing(stage):
    """chaoslib calls it succeeded; and so it does with an action that failed."""
    acts = {"type": "action", "name": "acts", "provider": {"type": "process", "path": "true"}}
    fails = {"type": "action", "name": "put it back", "provider": FAILING}

    result = stage.run(tried(method=[acts], rollbacks=[fails]))

    with pytest.raises(NotClean, match="NOT CLEAN") as failed:
        result.require()
    assert "put it back" in str(failed.value)


def test_an_action_that_failed_is_none(stage):
    fails = {"type": "action", "name": "acts", "provider": FAILING}
    undoes = {"type": "action", "name": "undo", "provider": {"type": "process", "path": "true"}}

    result = stage.run(tried(method=[fails], rollbacks=[undoes]))

    assert result.outcome is Outcome.NOT_INJECTED


def test_a_tolerance_that_raises_ends_it_with_its_rollbacks(stage):
    """A list of numbers does not compare with a text: chaoslib ends, and plays no rollbacks."""
    mark = stage.root / "experiments" / "undone"
    undoes = {
        "type": "action",
        "name": "undo",
        "provider": {"type": "process", "path": "touch", "arguments": [str(mark)]},
    }
    acts = {"type": "action", "name": "acts", "provider": {"type": "process", "path": "true"}}
    flips = {
        "title": "t",
        "probes": [probe("flips", [0, 1], module="flips")],
    }
    flip = "told = [0, 'a text']\ndef flips():\n    return told.pop(0)\n"
    (stage.root / "flips.py").write_text(flip, encoding="utf-8")

    result = stage.run(tried(method=[acts], rollbacks=[undoes], steady_state_hypothesis=flips))

    assert (result.outcome, result.decides) == (Outcome.ABORTED, False)
    assert mark.exists()
    assert result.seen.is_clean


def test_no_secret_is_in_its_journal(stage, monkeypatch):
    token = "FlyV1 fm2_lJPECAAAAAAAAb7xxBDTbJ3RbGVtyNBvQnNvbWV0aGluZwAAAAAAAAAAAA"
    told = {"type": "process", "path": "echo", "arguments": [token, "${own}"]}
    monkeypatch.setenv("SHOP_API_TOKEN", "kept-by-nobody-3141592653")
    tells = {"type": "probe", "name": "tells", "provider": told}
    own = {"type": "env", "key": "SHOP_API_TOKEN"}

    stage.run(tried(method=[tells], configuration={"own": own}))

    journal = max((stage.root / ".sre" / "chaos").glob("*-it.json")).read_text()
    assert "tells" in journal
    assert "fm2_lJPE" not in journal
    assert "3141592653" not in journal
