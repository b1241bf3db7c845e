"""What looks as if it were undone, and is not."""

import contextlib
from collections.abc import Iterator

import pytest
from front import PASSED, Treatment, passes_all
from perturbing import APP, MACHINES, REAL, TARGET, Fleet, new_mark

from pytest_sre.chaos.actions import Action, KillMachines, StopMachines, Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injection, Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.undo.files import Journal, undo_dir

NOT_FOUND = Treatment(is_passed=False, status=404, text='{"error": "machine not found"}')


@contextlib.contextmanager
def injected(fleet: Fleet, action: Action, undo_timeout_s: float = 1.0) -> Iterator[Injection]:
    with hands_of(str(fleet.front.folder)) as hands:
        injector = Injector(
            hands,
            Journal(undo_dir(fleet.root)),
            run=new_mark(),
            target=TARGET,
            undo_timeout_s=undo_timeout_s,
        )
        machines = hands.fly.machines(APP)
        yield injector.inject(action, changes_of(action, machines, app=APP, seed=1, local=True))


def test_a_machine_that_is_not_found_but_listed_is_not_gone(perturbed):
    with injected(perturbed, StopMachines(which=Which(group="web"))) as injection:
        path = f"/v1/apps/{APP}/machines/"
        perturbed.front.rule = lambda _, asked: NOT_FOUND if asked.startswith(path) else PASSED
        try:
            undone = injection.undo()
        finally:
            perturbed.front.rule = passes_all

        assert not undone.clean
        assert perturbed.differs()

    for path in undo_dir(perturbed.root).glob("*.json"):
        path.unlink()
    perturbed.replace_machines()


@pytest.mark.parametrize("signal", ["SIGSTOP", "stop"])
def test_a_process_is_not_frozen_by_a_signal_for_nobody_would_see_it(perturbed, signal):
    action = KillMachines(which=Which(group="worker"), signal=signal)

    with pytest.raises(NotInjected, match="suspend"), injected(perturbed, action):
        pass

    assert not perturbed.differs()


def test_a_process_that_takes_its_time_to_end_is_waited_for(perturbed):
    script = "trap 'sleep 1; kill $!; exit 0' TERM; sleep 86400 & wait"
    machine = perturbed.ask(
        "POST",
        MACHINES,
        json={
            "region": "ams",
            "config": {
                "image": REAL,
                "init": {"exec": ["sh", "-c", script]},
                "metadata": {"fly_process_group": "batch"},
                "restart": {"policy": "no"},
                "stop_config": {"timeout": "3s"},
            },
        },
    ).json()["id"]
    perturbed.before = perturbed.seen()
    try:
        assert perturbed.until(lambda: perturbed.seen().machines[machine][0] == "started")
        perturbed.before = perturbed.seen()
        action = KillMachines(which=Which(group="batch"), signal="SIGTERM")

        with injected(perturbed, action) as injection:
            assert injection.undo().clean

        ends = [
            each["type"] for each in perturbed.ask("GET", f"{MACHINES}/{machine}").json()["events"]
        ]
        assert "exit" in ends, "it had not ended when it was taken for undone"
        assert perturbed.seen().machines[machine][0] == "started"
    finally:
        perturbed.replace_machines()
