"""What changes are planned from: an app's Machines as they are listed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from pytest_sre.chaos.actions import Which
from pytest_sre.chaos.choosing import choose
from pytest_sre.fly.machines import CHANGE_TIMEOUT_S
from pytest_sre.fly.models import Machine


class MachineFields(TypedDict):
    """What each change of a Machine says of it."""

    app: str
    machine: str
    group: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where an action is to be done.

    Attributes:
        app: the app's name.
        fleet: its Machines, as they were listed.
        seed: decides which of them are chosen.
        local: whether it is on the local platform.
    """

    app: str
    fleet: Sequence[Machine]
    seed: int
    local: bool

    @property
    def running(self) -> tuple[Machine, ...]:
        """The Machines that run, on hosts that answer."""
        return tuple(each for each in self.fleet if each.state == "started" and each.is_reachable)

    @property
    def slow_call_s(self) -> float:
        """How long Fly.io may take to create or update a Machine, seconds; locally no time."""
        return 0.0 if self.local else CHANGE_TIMEOUT_S

    def choose_running(self, which: Which) -> tuple[Machine, ...]:
        """Choose among those that run.

        Raises:
            NotInjected: there are not enough that fit.
        """
        return choose(which, self.running, self.seed)

    def fields_of(self, machine: Machine) -> MachineFields:
        """Give what a change of a Machine says of it."""
        return MachineFields(
            app=self.app, machine=machine.id, group=machine.group, region=machine.region
        )
