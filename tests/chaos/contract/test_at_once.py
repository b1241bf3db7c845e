"""What is done to a target is undone at once, whatever else hangs or fails meanwhile."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
from front import PASSED, Treatment, passes_all
from perturbing import APP, MACHINES, TARGET, Fleet, new_mark

from pytest_sre.chaos.actions import CordonMachines, StopMachines, Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.undo.files import Journal, undo_dir

LONG_S = 240.0


class Perturbing:
    """Does things to the fleet."""

    def __init__(self, fleet: Fleet, injector: Injector, hands) -> None:
        self.fleet, self.injector, self._hands = fleet, injector, hands

    def do(self, action):
        machines = self._hands.fly.machines(APP)
        changes = changes_of(action, machines, app=APP, seed=1, local=True)
        return self.injector.inject(action, changes)

    def state(self, machine: str) -> str:
        return self.fleet.seen().machines[machine][0]

    def is_cordoned(self, machine: str) -> bool:
        return self.fleet.seen().machines[machine][1]


@pytest.fixture
def perturbing(perturbed) -> Iterator[Perturbing]:
    with hands_of(str(perturbed.front.folder)) as hands:
        journal = Journal(undo_dir(perturbed.root))
        injector = Injector(
            hands, journal, run=new_mark(), target=TARGET, undo_timeout_s=LONG_S / 2
        )
        yield Perturbing(perturbed, injector, hands)
        perturbed.front.rule = passes_all
        assert all(undone.clean for undone in injector.undo_all())
        assert not perturbed.differs()


def in_a_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_what_is_made_does_not_wait_for_what_hangs(perturbing):
    fleet = perturbing.fleet
    one, other = sorted(fleet.seen().machines)[:2]
    comes, goes_on = threading.Event(), threading.Event()

    def rule(_method: str, path: str) -> Treatment:
        if path == f"{MACHINES}/{other}/stop":
            comes.set()
            goes_on.wait(LONG_S)
        return PASSED

    def stop() -> None:
        with contextlib.suppress(NotInjected):
            perturbing.do(StopMachines(which=Which(ids=(one, other)), lasts_s=LONG_S))

    fleet.front.rule = rule
    stopping = in_a_thread(stop)
    assert comes.wait(LONG_S)
    assert fleet.until(lambda: perturbing.state(one) == "stopped")

    undoing = in_a_thread(perturbing.injector.undo_all)
    assert fleet.until(lambda: perturbing.state(one) == "started")
    assert undoing.is_alive()

    goes_on.set()
    undoing.join(LONG_S)
    stopping.join(LONG_S)
    assert not fleet.differs()


def test_what_cannot_be_undone_keeps_nothing_else_from_it(perturbing):
    fleet = perturbing.fleet
    one, other = sorted(fleet.seen().machines)[:2]
    perturbing.do(CordonMachines(which=Which(ids=(one,)), lasts_s=LONG_S))
    perturbing.do(StopMachines(which=Which(ids=(other,)), lasts_s=LONG_S))
    refused = Treatment(is_passed=False, status=500)
    fleet.front.rule = lambda _, path: refused if path == f"{MACHINES}/{other}/start" else PASSED

    undoing = in_a_thread(perturbing.injector.undo_all)
    assert fleet.until(lambda: not perturbing.is_cordoned(one))
    assert undoing.is_alive()
    assert perturbing.state(other) == "stopped"

    fleet.front.rule = passes_all
    undoing.join(LONG_S)
    assert not fleet.differs()
