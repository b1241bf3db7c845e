"""Faults that the local platform makes itself: of its network, its names, its disks, and more.

Each has a name that is known before it is there, so that whoever undoes it finds it again, and ends
by itself.
"""

import hashlib
from typing import Final

import msgspec

from pytest_sre.chaos.actions import Acting, PlatformFault, kind_of
from pytest_sre.chaos.changes.change import Change, ChangeStruct, NotInjected
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.models import Machine
from pytest_sre.local.faults.kinds import KINDS, Capacity, Kind, kind_name
from pytest_sre.local.faults.links import LINK

Told = dict[str, str | int | float | bool | list[str]]

_DIGITS: Final = 8
_KINDS: Final[dict[str, type[Kind]]] = {kind_name(each): each for each in KINDS}


class LocalFault(ChangeStruct, frozen=True, tag="local-fault"):
    """A fault of the local platform, on for a while.

    Attributes:
        name: its id there.
        what: what it does, for people.
        fault: its ``kind`` and what that is told, as ``POST /_local/faults`` takes it.
        lasts_s: when it ends by itself, seconds.
    """

    name: str
    what: str
    fault: Told
    lasts_s: float

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return self.what

    @property
    def perturbs(self) -> str:
        """The Machine it concerns, or whose links it does; empty when it concerns the app."""
        kind, _, link_end = str(self.fault.get("from", "")).partition(":")
        return str(self.fault.get("machine", link_end if kind == "machine" else ""))

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return (f"pytest-sre local fault clear {self.name}",)

    def make(self, hands: Hands) -> None:
        """Switch it on."""
        if hands.local is None:
            raise NotInjected(f"expected the local platform, found Fly.io: {self.what}")
        hands.local.add_fault({**self.fault, "name": self.name, "for": self.lasts_s})

    def undo(self, hands: Hands) -> None:
        """Switch it off, unless it has ended."""
        if hands.local and not self.is_undone(hands):
            hands.local.remove_fault(self.name)

    def is_undone(self, hands: Hands) -> bool:
        """Whether it is no longer on."""
        return hands.local is None or all(each["id"] != self.name for each in hands.local.faults())


def local_fault(action: Acting, told: Told, what: str, place: str) -> LocalFault:
    """Make a fault out of an action.

    The same action in the same place has the same name, so that it cannot be on twice.

    Args:
        action: what is asked for.
        told: the fault's kind, and what that is told.
        what: what it does, for people.
        place: which Machine or app it concerns.
    """
    content = msgspec.json.encode([action, told, place], order="deterministic")
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return LocalFault(
        name=f"sre-{told['kind']}-{place}-{digest}",
        what=what,
        fault=told,
        lasts_s=action.lasts_s,
    )


def plan_platform_fault(action: PlatformFault, scene: Scene) -> tuple[Change, ...]:
    """Switch a fault on for the Machines that are meant; one of the APIs concerns their app.

    Raises:
        NotInjected: there is no such fault, or no local platform.
    """
    if not scene.local:
        raise NotInjected(
            f"expected the local platform for {kind_of(action)} {action.fault}, found Fly.io"
        )
    told: Told = {**action.told, "kind": action.fault}
    if action.fault == LINK:
        return (local_fault(action, told, _described(action, scene.app), scene.app),)
    kind = _KINDS.get(action.fault)
    if kind is None:
        known = ", ".join(sorted([*_KINDS, LINK]))
        raise NotInjected(f"expected a fault, found {action.fault!r}\nthere are: {known}")
    told["app"] = scene.app
    if _concerns_app(kind):
        return (local_fault(action, told, _described(action, scene.app), scene.app),)
    return tuple(
        local_fault(
            action, {**told, "machine": each.id}, _described(action, label_of(each)), each.id
        )
        for each in scene.choose_running(action.which)
    )


def label_of(machine: Machine) -> str:
    """Name a Machine for people: ``Machine 148e21 (web, ams)``."""
    return f"Machine {machine.id} ({machine.group}, {machine.region})"


def _concerns_app(kind: type[Kind]) -> bool:
    return "endpoint" in kind.scopes or "machine" not in kind.scopes or kind is Capacity


def _described(action: PlatformFault, of: str) -> str:
    stated = ", ".join(f"{name} {value}" for name, value in action.told.items())
    return f"{action.fault} ({stated}) of {of}" if stated else f"{action.fault} of {of}"
