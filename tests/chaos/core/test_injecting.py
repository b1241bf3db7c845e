"""What is injected is there, is undone however its block ends, and leaves nothing."""

import signal
import threading

import pytest

from pytest_sre.chaos import actions
from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.injecting import NotClean
from tests.patience import until

ACTIONS = [
    actions.StopMachines(which=Which(count=2)),
    actions.KillMachines(),
    actions.RestartMachines(),
    actions.SuspendMachines(which=Which(region="ams")),
    actions.CordonMachines(which=Which(share=0.5)),
    actions.LoseRegion(region="ams"),
    actions.Scale(group="web", count=1),
    actions.Scale(group="web", count=5),
]


def kind(action) -> str:
    return f"{actions.kind_of(action)}-{getattr(action, 'count', '')}"


@pytest.mark.parametrize("action", ACTIONS, ids=kind)
def test_what_is_done_is_undone_and_nothing_of_it_is_left(fleet, action):
    before = {machine.id for machine in fleet.machines()}

    with fleet.inject(action) as injection:
        held = [intent for intent in fleet.files() if intent.suffix == ".json"]
        assert len(held) == len(injection.changes)
        # Nobody else takes what a process that runs holds.
        assert fleet.journal.left() == ()
        tags = [key for machine in fleet.machines() for key in fleet.tags(machine)]
        assert {f"sre-undo-{each}" for each in injection.ids} <= set(tags)

    assert fleet.wrong() == []
    assert {machine.id for machine in fleet.machines()} == before
    undone = injection.undo()
    assert (undone.clean, undone.left) == (True, ())


def test_it_is_what_was_asked_for(fleet):
    with fleet.inject(actions.LoseRegion(region="ams")):
        lost = [machine for machine in fleet.machines() if machine.region == "ams"]
        assert len(lost) == 3
        assert all(machine.cordoned for machine in lost)
        for machine in lost:
            fleet.fly.wait("shop", machine.id, "stopped")
        (other,) = [machine for machine in fleet.machines() if machine.region == "fra"]
        assert (other.state, other.cordoned) == ("started", False)


def test_more_machines_are_there_only_meanwhile(fleet):
    with fleet.inject(actions.Scale(group="worker", count=3)):
        workers = [machine for machine in fleet.machines() if machine.group == "worker"]
        assert len(workers) == 3


def test_a_restart_loop_kills_again_and_again_and_ends_with_its_block(fleet):
    action = actions.RestartLoop(which=Which(group="worker"), every_s=0.05)
    (machine,) = [each for each in fleet.machines() if each.group == "worker"]

    def exits() -> int:
        events = fleet.fly.events("shop", machine.id, limit=50)
        return sum(event.is_unasked_exit for event in events)

    before = exits()
    with fleet.inject(action):
        from_now = threading.Event()
        for _ in range(600):
            if exits() >= before + 2:
                break
            from_now.wait(0.1)
        assert exits() >= before + 2


def test_what_cannot_be_done_in_part_is_undone_as_a_whole(fleet, platform):
    stopped, other = [each for each in fleet.machines() if each.region == "ams"][:2]
    platform.add_fault({"kind": "lease-conflict", "machine": other.id, "for": "1h", "count": 1})
    action = actions.StopMachines(which=Which(ids=(stopped.id, other.id)))

    with pytest.raises(NotInjected, match=f"could not stop Machine {other.id}") as caught:
        fleet.inject(action)

    assert len(str(caught.value).splitlines()) <= 4
    assert fleet.wrong() == []


def test_where_nothing_can_be_written_down_nothing_is_done(fleet):
    fleet.journal.folder.write_text("a file")
    try:
        before = [machine.updated_at for machine in fleet.machines()]
        with pytest.raises(NotInjected, match="nothing was done"):
            fleet.inject(actions.StopMachines())
        assert [machine.updated_at for machine in fleet.machines()] == before
    finally:
        fleet.journal.folder.unlink()


def test_it_ends_by_itself_when_its_time_is_over(fleet):
    injection = fleet.inject(actions.CordonMachines(lasts_s=0.1))

    until(lambda: injection.undone_at is not None)

    assert fleet.wrong() == []
    assert injection.undo().clean


def test_what_nobody_was_given_is_undone_with_all_else(fleet):
    injector = fleet.injector()
    cordon, stop = actions.CordonMachines(), actions.StopMachines()
    injector.inject(cordon, fleet.changes(cordon)).undo()
    injector.inject(stop, fleet.changes(stop))

    assert [undone.clean for undone in injector.undo_all()] == [True]

    assert fleet.wrong() == []
    assert injector.undo_all() == ()


def test_what_cannot_be_undone_is_said_loudly_and_stays_on_record(fleet, platform):
    injection = fleet.inject(actions.CordonMachines(), undo_timeout_s=0.2)
    machine = injection.changes[0].machine
    broken = platform.add_fault(
        {"kind": "api-5xx", "machine": machine, "endpoint": "POST */uncordon", "for": "1h"}
    )

    with pytest.raises(NotClean, match="NOT CLEAN") as caught, injection:
        pass

    undone = caught.value.undone
    assert not undone.clean
    assert undone.by_hand == (f"fly machine uncordon {machine} --app shop",)
    assert undone.by_hand[0] in str(caught.value)
    (intent,) = fleet.journal.left()
    assert intent.id == injection.ids[0]
    assert [key for m in fleet.machines() for key in fleet.tags(m)] == [f"sre-undo-{intent.id}"]

    platform.remove_fault(broken["id"])
    from pytest_sre.chaos.undoing.leftovers import undo_left

    (recovered,) = undo_left(fleet.journal, timeout_s=30)
    assert recovered.is_clean


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM])
def test_no_signal_cuts_undoing_short_and_it_takes_effect_afterwards(fleet, number):
    class Told(BaseException):
        pass

    def tell(*_):
        raise Told

    before = signal.signal(number, tell)
    try:
        injection = fleet.inject(actions.StopMachines(), tell=lambda _: signal.raise_signal(number))
        with pytest.raises(Told), injection:
            pass
    finally:
        signal.signal(number, before)

    assert fleet.wrong() == []
    assert signal.getsignal(number) is before


def test_on_a_bad_day_of_the_platform_all_is_undone_or_said(fleet, platform):
    machines = {m.id for m in fleet.machines() if m.region == "ams"}
    one, two, three = sorted(machines)
    with fleet.inject(actions.StopMachines(which=Which(ids=(one, two, three)))):
        for machine, fault in (
            (one, {"kind": "api-5xx", "status": 500}),
            (two, {"kind": "api-429", "retry_after_s": 0}),
            (three, {"kind": "lease-conflict"}),
        ):
            platform.add_fault({**fault, "machine": machine, "for": "1h", "count": 4})

    assert fleet.wrong() == []


def test_a_machine_that_was_replaced_meanwhile_has_nothing_left_to_undo(fleet):
    (old,) = [m for m in fleet.machines() if m.region == "fra"]
    with fleet.inject(actions.LoseRegion(region="fra")) as injection:
        fleet.fly.destroy_machine("shop", old.id, force=True)
        fleet.fly.wait("shop", old.id, "destroyed")
        new = fleet.create("web", "fra")

    assert injection.undo().clean
    assert fleet.wrong() == []
    assert new.id in {machine.id for machine in fleet.machines()}
