"""Which changes an action becomes, and what of them survives being written down."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.chaos import actions
from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.changes import known, machines
from pytest_sre.chaos.changes.change import MachineChange, NotInjected
from pytest_sre.chaos.changes.known import UnknownChangeError, read_change, write_change
from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.planning import app_of, changes_of
from pytest_sre.fly.machines import CHANGE_TIMEOUT_S
from pytest_sre.fly.models import Machine

STATES = ["started", "stopped", "suspended", "starting", "destroyed"]
MACHINE_ACTIONS = [
    actions.StopMachines(which=Which(count=2)),
    actions.KillMachines(which=Which(share=0.5), signal="SIGTERM"),
    actions.RestartMachines(),
    actions.RestartLoop(),
    actions.SuspendMachines(which=Which(region="ams")),
    actions.CordonMachines(),
    actions.LoseRegion(region="ams"),
    actions.Scale(group="web", count=1),
    actions.Scale(group="web", count=7),
]


def machine(
    number: int, *, group="web", region="ams", state="started", cordoned=False, stops_in=None
) -> Machine:
    told = {
        "id": f"m{number}",
        "name": f"name-{number}",
        "region": region,
        "state": state,
        "cordoned": cordoned,
        "config": {
            "metadata": {"fly_process_group": group},
            "stop_config": {"timeout": stops_in} if stops_in else None,
        },
    }
    return msgspec.convert(told, Machine)


def planned(action, fleet, *, local=True):
    return changes_of(action, fleet, app="shop", seed=7, local=local)


def kinds(changes):
    return sorted((change.told()["kind"], change.machine) for change in changes)


def test_all_of_a_region_are_stopped_and_cordoned_and_none_elsewhere():
    fleet = [
        machine(1),
        machine(2, state="stopped"),
        machine(3, cordoned=True),
        machine(4, region="fra"),
        machine(5, state="destroyed"),
    ]

    changes = planned(actions.LoseRegion(region="ams"), fleet)

    assert kinds(changes) == [
        ("cordon-machine", "m1"),
        ("cordon-machine", "m2"),
        ("stop-machine", "m1"),
        ("stop-machine", "m3"),
    ]


def test_a_region_where_nothing_runs_cannot_be_lost():
    with pytest.raises(NotInjected, match="expected Machines that run in fra, found web-ams-m1"):
        planned(actions.LoseRegion(region="fra"), [machine(1), machine(2, region="fra", state="?")])


def test_fewer_of_a_group_are_taken_away_and_more_are_clones_with_names_that_are_free():
    fleet = [machine(1), machine(2), machine(3, group="worker")]

    (cordon, stop) = planned(actions.Scale(group="web", count=1), fleet)
    assert cordon.machine == stop.machine
    assert cordon.machine in ("m1", "m2")

    taken = [*fleet, msgspec.structs.replace(machine(9, group="worker"), name="sre-clone-1")]
    clones = planned(actions.Scale(group="web", count=4), taken)
    assert [clone.name for clone in clones] == ["sre-clone-2", "sre-clone-3"]

    with pytest.raises(NotInjected, match="another number of Machines than 2"):
        planned(actions.Scale(group="web", count=2), fleet)


def test_what_does_not_run_is_not_stopped_and_what_is_cordoned_not_cordoned():
    fleet = [machine(1, state="stopped"), machine(2, cordoned=True)]

    assert kinds(planned(actions.StopMachines(), fleet)) == [("stop-machine", "m2")]
    with pytest.raises(NotInjected):
        planned(actions.CordonMachines(), fleet)


ENDING = [
    actions.StopMachines(which=Which(count=2)),
    actions.RestartMachines(which=Which(count=2)),
    actions.KillMachines(which=Which(count=2), signal="SIGTERM"),
    actions.LoseRegion(region="ams"),
    actions.Scale(group="web", count=0),
]


@pytest.mark.parametrize("action", ENDING, ids=actions.kind_of)
def test_a_machine_that_may_take_its_time_to_end_is_given_it(action):
    slow = [machine(1, stops_in="1m0s"), machine(2, stops_in="45s")]

    ends = [c for c in planned(action, slow) if not isinstance(c, machines.CordonMachine)]

    assert {each.machine: each.takes_s for each in ends} == {"m1": 60, "m2": 45}


@pytest.mark.parametrize("stops_in", [None, "5s", "200ms"])
def test_a_stop_that_takes_no_longer_than_usual_is_not_waited_for(stops_in):
    """Its Machine shows that it is stopping; that of a signal does not."""
    fleet = [machine(1, stops_in=stops_in)]

    assert [each.takes_s for each in planned(actions.StopMachines(), fleet)] == [0]
    assert [each.takes_s for each in planned(actions.KillMachines(), fleet)] == [0]
    (kill,) = planned(actions.KillMachines(signal="SIGTERM"), fleet)
    assert kill.takes_s == (0.2 if stops_in == "200ms" else 5)


@pytest.mark.parametrize(
    "action",
    [
        actions.Scale(group="web", count=3),
        actions.BadSecret(name="TOKEN", restore_from="RIGHT"),
        actions.DeployRelease(image="shop:2"),
    ],
    ids=actions.kind_of,
)
def test_a_call_that_is_given_long_may_take_effect_as_long(action):
    fleet = [machine(1)]

    for change in planned(action, fleet, local=False):
        again = read_change(write_change(change))
        assert Hands(None).in_flight_s + again.takes_s >= CHANGE_TIMEOUT_S
    assert {change.takes_s for change in planned(action, fleet)} == {0}


@given(
    fleet=st.lists(
        st.builds(
            machine,
            st.integers(1, 99),
            group=st.sampled_from(["web", "worker"]),
            region=st.sampled_from(["ams", "fra"]),
            state=st.sampled_from(STATES),
            cordoned=st.booleans(),
        ),
        unique_by=lambda each: each.id,
        max_size=8,
    ),
    action=st.sampled_from(MACHINE_ACTIONS),
)
def test_a_plan_is_empty_handed_or_undoes_to_what_was_there(fleet, action):
    try:
        changes = planned(action, fleet)
    except NotInjected:
        return
    assert changes
    there = {each.id: each for each in fleet}
    for change in changes:
        assert isinstance(change, MachineChange)
        before = there[change.machine]
        match change:
            case machines.CordonMachine():
                assert not before.cordoned
            case _:
                assert before.state == "started"
        assert read_change(write_change(change)) == change
        assert change.carrier == ("shop", change.machine)
        assert change.described
        assert all(before.id in line or "sre-clone" in line for line in change.by_hand[:1])
    assert planned(action, fleet) == changes


def test_the_app_is_what_an_action_names_or_the_one_that_is_meant():
    assert app_of(actions.StopMachines(which=Which(app="store")), "shop") == "store"
    assert app_of(actions.StopMachines(), "shop") == "shop"
    assert app_of(actions.LoseRegion(region="ams", app="store"), "shop") == "store"
    assert app_of(actions.LoseRegion(region="ams"), "shop") == "shop"


@given(st.one_of(st.text(), st.binary(), st.just('{"kind":"stop-machine"}'), st.just("[" * 10_000)))
def test_a_text_that_is_no_change_is_said_to_be_none(text):
    with pytest.raises(UnknownChangeError, match="expected a change"):
        read_change(text)


def test_only_a_change_that_can_be_read_again_is_written():
    class Foreign(MachineChange, frozen=True, tag="foreign"):
        pass

    with pytest.raises(TypeError, match="Foreign"):
        known.write_change(Foreign(app="a", machine="m"))
