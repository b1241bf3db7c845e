"""Changes of what a Machine is doing: stopped, killed, restarted, suspended, cordoned, cloned.

Only a Machine that runs is stopped, killed, restarted or suspended, so undoing that is to have it
run; only one that is not cordoned is cordoned. A Machine that was destroyed meanwhile, for instance
by a deploy, has nothing left to undo.
"""

from collections.abc import Iterable
from itertools import count
from typing import Final

from pytest_sre.chaos.actions import (
    CordonMachines,
    KillMachines,
    LoseRegion,
    RestartLoop,
    RestartMachines,
    Scale,
    StopMachines,
    SuspendMachines,
    Which,
)
from pytest_sre.chaos.changes.change import Change, MachineChange, NotInjected
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.choosing import choose, labels_of
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.errors import NotFound
from pytest_sre.fly.models import Machine

CLONE: Final = "sre-clone-"
"""Begins the names of Machines that were cloned to have more of them."""

# What a process is given to end in order, where its Machine does not say: Fly's default.
_USUAL_END_S: Final = 5.0


class _OfRunning(MachineChange, frozen=True, kw_only=True):
    """An act on a Machine that runs, and is to run again."""

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return (f"fly machine start {self.machine} --app {self.app}",)

    def undo(self, hands: Hands) -> None:
        """Start it, unless it runs or is about to."""
        found = find_machine(hands, self.app, self.machine)
        if found and found.is_at_rest:
            hands.fly.start(self.app, self.machine)

    def is_undone(self, hands: Hands) -> bool:
        """Whether it runs; also when it is gone."""
        found = find_machine(hands, self.app, self.machine)
        return found is None or found.state == "started"


class StopMachine(_OfRunning, frozen=True, tag="stop-machine"):
    """Stop a Machine in order."""

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"stop {self.label}"

    def make(self, hands: Hands) -> None:
        """Stop it."""
        hands.fly.stop(self.app, self.machine)


class KillMachine(_OfRunning, frozen=True, tag="kill-machine"):
    """Send a Machine's main process a signal; its restart policy decides what then happens.

    Attributes:
        signal: its name.
    """

    signal: str = "SIGKILL"

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"send {self.signal} to {self.label}"

    def make(self, hands: Hands) -> None:
        """Send the signal."""
        hands.fly.signal(self.app, self.machine, self.signal)


class RestartMachine(_OfRunning, frozen=True, tag="restart-machine"):
    """Restart a Machine once."""

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"restart {self.label}"

    def make(self, hands: Hands) -> None:
        """Restart it."""
        hands.fly.restart(self.app, self.machine)


class SuspendMachine(_OfRunning, frozen=True, tag="suspend-machine"):
    """Freeze a Machine with its memory."""

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"suspend {self.label}"

    def make(self, hands: Hands) -> None:
        """Suspend it."""
        hands.fly.suspend(self.app, self.machine)


class CordonMachine(MachineChange, frozen=True, tag="cordon-machine"):
    """Take a Machine out of the proxy's routing."""

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"cordon {self.label}"

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return (f"fly machine uncordon {self.machine} --app {self.app}",)

    def make(self, hands: Hands) -> None:
        """Cordon it."""
        hands.fly.cordon(self.app, self.machine)

    def undo(self, hands: Hands) -> None:
        """Uncordon it, unless it is not cordoned."""
        if not self.is_undone(hands):
            hands.fly.uncordon(self.app, self.machine)

    def is_undone(self, hands: Hands) -> bool:
        """Whether it is not cordoned; also when it is gone."""
        found = find_machine(hands, self.app, self.machine)
        return found is None or not found.cordoned


class CloneMachine(MachineChange, frozen=True, tag="clone-machine"):
    """Create a Machine like another one, under a name by which it is found to be removed.

    Attributes:
        name: nobody else's in the app.
    """

    name: str

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"clone {self.label} as {self.name}"

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return (
            f"fly machine list --app {self.app}   # find the id of {self.name}",
            f"fly machine destroy --force ID --app {self.app}",
        )

    def make(self, hands: Hands) -> None:
        """Create it."""
        hands.fly.clone_machine(self.app, self.machine, region=self.region, name=self.name)

    def undo(self, hands: Hands) -> None:
        """Destroy it, wherever it is in its life."""
        for machine in self._clones(hands):
            if not machine.is_gone:
                hands.fly.destroy_machine(self.app, machine.id, force=True)

    def is_undone(self, hands: Hands) -> bool:
        """Whether there is no Machine of the name."""
        return all(machine.state == "destroyed" for machine in self._clones(hands))

    def _clones(self, hands: Hands) -> list[Machine]:
        if not self.name.startswith(CLONE):
            raise ValueError(f"expected a name {CLONE}…, found {self.name!r}: it is not removed")
        try:
            return [each for each in hands.fly.machines(self.app) if each.name == self.name]
        except NotFound:
            return []


def find_machine(hands: Hands, app: str, machine_id: str) -> Machine | None:
    """Read a Machine back; None when it, or its app, is gone.

    Raises:
        FlyError: the platform does not say.
    """
    try:
        machine: Machine | None = hands.fly.machine(app, machine_id)
    except NotFound:
        machine = _listed(hands, app, machine_id)
    return None if machine is None or machine.is_gone else machine


def _listed(hands: Hands, app: str, machine_id: str) -> Machine | None:
    """Look for one in the list that is not found alone: only when both say so is it gone."""
    try:
        return next((each for each in hands.fly.machines(app) if each.id == machine_id), None)
    except NotFound:
        return None


def plan_stop(action: StopMachines, scene: Scene) -> tuple[Change, ...]:
    """Stop the Machines that are meant."""
    return _stops(scene, scene.choose_running(action.which))


def plan_kill(action: KillMachines, scene: Scene) -> tuple[Change, ...]:
    """Send the Machines that are meant the signal.

    Raises:
        NotInjected: the signal ends nothing, and nobody would see that it is to be undone.
    """
    if action.signal.upper().removeprefix("SIG") == "STOP":
        raise NotInjected(
            f"expected a signal that ends a process, found {action.signal}\n"
            "to freeze Machines, suspend them"
        )
    return _kills(scene, action.which, action.signal)


def plan_restart(action: RestartMachines, scene: Scene) -> tuple[Change, ...]:
    """Restart the Machines that are meant."""
    chosen = scene.choose_running(action.which)
    return tuple(
        RestartMachine(**scene.fields_of(each), takes_s=_stops_within_s(each)) for each in chosen
    )


def plan_restart_loop(action: RestartLoop, scene: Scene) -> tuple[Change, ...]:
    """Kill the Machines that are meant; it is made again and again while it lasts."""
    return _kills(scene, action.which, "SIGKILL")


def plan_suspend(action: SuspendMachines, scene: Scene) -> tuple[Change, ...]:
    """Suspend the Machines that are meant."""
    chosen = scene.choose_running(action.which)
    return tuple(SuspendMachine(**scene.fields_of(each)) for each in chosen)


def plan_cordon(action: CordonMachines, scene: Scene) -> tuple[Change, ...]:
    """Cordon the Machines that are meant."""
    routed = [each for each in scene.running if not each.cordoned]
    return _cordons(scene, choose(action.which, routed, scene.seed))


def plan_lose_region(action: LoseRegion, scene: Scene) -> tuple[Change, ...]:
    """Stop and cordon all of a region's Machines; the proxy shall not start them again.

    Raises:
        NotInjected: there is none in the region.
    """
    there = [each for each in scene.fleet if each.region == action.region]
    there = [each for each in there if not each.is_gone and each.is_reachable]
    if not any(each.state == "started" for each in there):
        found = labels_of(scene.running) or "none"
        raise NotInjected(f"expected Machines that run in {action.region}, found {found}")
    return _taken_away(scene, there)


def plan_scale(action: Scale, scene: Scene) -> tuple[Change, ...]:
    """Stop and cordon Machines of a group that are too many, or clone those that are too few.

    Raises:
        NotInjected: the group has just as many, or none to clone.
    """
    there = [each for each in scene.running if each.group == action.group]
    more = action.count - len(there)
    if not there or more == 0:
        raise NotInjected(
            f"expected a group {action.group} of another number of Machines than {action.count}, "
            f"found {len(there)} that run"
        )
    if more < 0:
        surplus = choose(Which(group=action.group, count=-more), there, scene.seed)
        return _taken_away(scene, surplus)
    (model,) = choose(Which(group=action.group), there, scene.seed)
    taken = {each.name for each in scene.fleet}
    free = (name for name in (f"{CLONE}{n}" for n in count(1)) if name not in taken)
    return tuple(
        CloneMachine(**scene.fields_of(model), name=name, takes_s=scene.slow_call_s)
        for name, _ in zip(free, range(more), strict=False)
    )


def _kills(scene: Scene, which: Which, signal: str) -> tuple[Change, ...]:
    chosen = scene.choose_running(which)
    return tuple(
        KillMachine(**scene.fields_of(each), signal=signal, takes_s=_dies_within_s(each, signal))
        for each in chosen
    )


def _dies_within_s(machine: Machine, signal: str) -> float:
    """Until then a Machine that is to die, and is not started again, may look as if it were not."""
    return 0.0 if signal.upper().removeprefix("SIG") == "KILL" else _ends_within_s(machine)


def _stops_within_s(machine: Machine) -> float:
    """Until then a Machine that is to stop can't be started again, if that is long.

    It is seen to be stopping, so the usual time is within that which undoing is given anyway.
    """
    ends_within_s = _ends_within_s(machine)
    return ends_within_s if ends_within_s > _USUAL_END_S else 0.0


def _ends_within_s(machine: Machine) -> float:
    stop = machine.settings.stop_config
    stated_s = stop.timeout_s if stop else None
    return _USUAL_END_S if stated_s is None else stated_s


def _stops(scene: Scene, machines: Iterable[Machine]) -> tuple[Change, ...]:
    return tuple(
        StopMachine(**scene.fields_of(each), takes_s=_stops_within_s(each)) for each in machines
    )


def _cordons(scene: Scene, machines: Iterable[Machine]) -> tuple[Change, ...]:
    return tuple(CordonMachine(**scene.fields_of(each)) for each in machines)


def _taken_away(scene: Scene, machines: Iterable[Machine]) -> tuple[Change, ...]:
    machines = tuple(machines)
    routed = [each for each in machines if not each.cordoned]
    running = [each for each in machines if each.state == "started"]
    return (*_cordons(scene, routed), *_stops(scene, running))
