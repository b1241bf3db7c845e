"""The verdict, from what was seen: nothing that was not seen passes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos.experiments.experiment import Terms
from pytest_sre.chaos.experiments.judging import conclude, failed_rollbacks, recovery_s
from pytest_sre.chaos.experiments.result import ExperimentResult, Outcome, Seen
from pytest_sre.chaos.experiments.seeing import acted, state_seen
from pytest_sre.chaos.experiments.words import Acted, ProbeSeen, StateSeen
from pytest_sre.chaos.injecting import NotClean
from pytest_sre.verdict import Inconclusive

STEADY = ("met", "off", "unknown")


def state(phase, steady="met", at=0.0):
    return StateSeen(at=at, phase=phase, probes=(ProbeSeen(name="p", steady=steady, said="it"),))


def act(status="succeeded", phase="method", kind="action", name="a"):
    return Acted(at=1, phase=phase, name=name, kind=kind, status=status, said="it", took_s=1)


GOOD = Seen(
    states=(state("before"), state("method"), state("after"), state("recovery", at=12)),
    activities=(act(), act(phase="rollbacks")),
    begun=1,
    injected=1,
    undone_at=10.0,
)


def concluded(seen, *, acts=True, **terms):
    return conclude(seen, Terms(**terms), acts=acts)


def result_of(seen, **terms):
    found = concluded(seen, **terms)
    return ExperimentResult(
        name="it",
        title="t",
        began_at=0,
        ended_at=20,
        outcome=found.outcome,
        why=found.why,
        decides=found.decides,
        recovery_s=recovery_s(seen),
        seen=seen,
    )


def test_what_was_steady_all_along_held():
    result_of(GOOD).require()
    assert recovery_s(GOOD) == 2.0


states = st.lists(
    st.builds(
        state, st.sampled_from(["before", "method", "after", "recovery"]), st.sampled_from(STEADY)
    ),
    max_size=6,
)
activities = st.lists(
    st.builds(
        act,
        st.sampled_from(["succeeded", "failed"]),
        st.sampled_from(["method", "rollbacks"]),
        st.sampled_from(["action", "probe"]),
    ),
    max_size=4,
)
seens = st.builds(
    Seen,
    states=states.map(tuple),
    activities=activities.map(tuple),
    begun=st.integers(0, 3),
    broke=st.sampled_from(["", "broke"]),
    tripped=st.sampled_from(["", "tripped"]),
    stopped=st.sampled_from(["", "stopped"]),
    undone_at=st.sampled_from([math.nan, 10.0]),
    left=st.sampled_from([(), ("fly machine start 1",)]),
    injected=st.integers(0, 2),
)


@given(seens, st.booleans(), st.booleans())
def test_only_what_was_seen_to_be_well_passes(seen, acts, may_deviate):
    found = concluded(seen, acts=acts, may_deviate=may_deviate)

    by_phase = {phase: [s.steady for s in seen.states if s.phase == phase] for phase in PHASES}
    is_well = (
        by_phase["before"] != []
        and set(by_phase["before"]) == {"met"}
        and by_phase["after"] != []
        and by_phase["recovery"] != []
        and by_phase["recovery"][-1] == "met"
        and (may_deviate or set(by_phase["method"] + by_phase["after"]) == {"met"})
        and all(one.status == "succeeded" for one in seen.activities if one.phase == "method")
        and (not acts or any((o.phase, o.kind) == ("method", "action") for o in seen.activities))
        and not (seen.broke or seen.tripped or seen.stopped)
    )
    assert (found.outcome is Outcome.HELD) == is_well
    assert found.decides or found.outcome in (Outcome.NOT_INJECTED, Outcome.ABORTED)
    if found.outcome is Outcome.DEVIATED:
        assert "off" in {s.steady for s in seen.states}


PHASES = ("before", "method", "after", "recovery")


@given(seens)
def test_what_is_left_is_louder_than_any_verdict(seen):
    result = result_of(seen)

    if seen.left:
        with pytest.raises(NotClean, match="NOT CLEAN"):
            result.require()
    elif result.outcome is Outcome.HELD:
        result.require()
    else:
        with pytest.raises(AssertionError if result.decides else Inconclusive):
            result.require()
    assert isinstance(result.table(), str)
    assert result.row("id", "test").verdict == result.outcome


@pytest.mark.parametrize(
    ("name", "run", "status"),
    [
        ("an action that raised", {"status": "failed", "exception": ["x\n", "E: no"]}, "failed"),
        ("one that broke off", {"output": None}, "failed"),
        ("a command that failed", {"status": "succeeded", "output": {"status": 1}}, "failed"),
        ("a command", {"status": "succeeded", "output": {"status": 0}}, "succeeded"),
    ],
)
def test_what_chaoslib_calls_a_success_need_not_be_one(name, run, status):
    activity = {"name": name, "type": "action", "provider": {"type": "process"}}

    assert acted("method", activity, run).status == status


@pytest.mark.parametrize(("code", "status"), [(200, "succeeded"), (404, "failed"), (500, "failed")])
def test_a_rollback_that_is_answered_500_proves_nothing(code, status):
    """chaoslib: succeeded, and the experiment completed."""
    activity = {"name": "undo", "type": "action", "provider": {"type": "http"}}
    run = {"status": "succeeded", "output": {"status": code, "body": ""}}

    seen = acted("rollbacks", activity, run)

    assert seen.status == status
    assert bool(failed_rollbacks([seen])) == (status == "failed")


def test_a_rollback_that_broke_the_app_is_seen_after_it():
    """chaoslib looks at the steady state before the rollbacks only."""
    broken = Seen(
        states=(*GOOD.states[:-1], state("recovery", "off", at=40)),
        activities=GOOD.activities,
        begun=1,
        undone_at=10.0,
    )

    found = concluded(broken)

    assert found.outcome is Outcome.DEVIATED
    assert "did not come back within 30 s of the undo" in found.why


def _report(func, status="succeeded", met=True):
    provider = {"module": f"pytest_sre.chaos.fly.{func}"} if func else {"type": "http"}
    run = {"activity": {"name": "p", "provider": provider}, "status": status, "output": 1}
    return {"probes": [run | {"tolerance_met": met}]}


@pytest.mark.parametrize(
    ("report", "steady"),
    [
        (_report("probes"), "met"),
        (_report("probes", met=False), "off"),
        (_report("probes", "failed", met=False), "unknown"),
        (_report("", "failed", met=False), "off"),
        ({"probes": []}, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_probe_of_ours_that_raises_could_not_see(report, steady):
    assert state_seen("after", report).steady == steady
