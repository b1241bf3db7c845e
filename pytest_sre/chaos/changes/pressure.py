"""Pressure inside Machines: processors that are burnt, memory that is held.

It is executed in the Machine, on Fly.io and locally alike. Locally it burns this computer, so that
there are limits: two processors, and as much memory as the Machine has.
"""

from typing import Final

from pytest_sre.chaos.actions import CpuPressure, MemoryPressure
from pytest_sre.chaos.changes.change import Change, NotInjected
from pytest_sre.chaos.changes.inside import InsideChange, inside_fields
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.scripts import Deed, seconds
from pytest_sre.fly.models import Machine

_MOST_LOCAL_PROCESSORS: Final = 2
_MB: Final = 1024 * 1024
_USUAL_MEMORY_MB: Final = 256


class BurntProcessors(InsideChange, frozen=True, tag="burnt-processors"):
    """Keep so many processors busy."""

    processors: int = 1

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"burn {self.processors} processors in {self.label}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        burn = f"exec timeout {seconds(self.lasts_s)} sh -c 'while :; do :; done' \"$0\""
        count = f"i=0; while [ $i -lt {int(self.processors)} ]"
        return Deed(
            make=f'{count}; do hold "{_escaped(burn)}" || exit 1; i=$((i+1)); done',
            tools=("timeout",),
            needs_root=False,
        )


class HeldMemory(InsideChange, frozen=True, tag="held-memory"):
    """Hold so much memory: a line without an end, whose last lines are asked for."""

    megabytes: int = 64

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"hold {self.megabytes} MB of memory in {self.label}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        line = f"head -c {int(self.megabytes) * _MB} /dev/zero"
        return Deed(
            make=f"hold '{{ {line}; sleep {seconds(self.lasts_s)}; }} | tail'",
            tools=("head", "tail"),
            needs_root=False,
        )


def plan_cpu_pressure(action: CpuPressure, scene: Scene) -> tuple[Change, ...]:
    """Burn processors in the Machines that are meant.

    Raises:
        NotInjected: so many would be burnt on this computer that it is of no use meanwhile.
    """
    chosen = scene.choose_running(action.which)
    burnt = action.processors * len(chosen)
    if scene.local and burnt > _MOST_LOCAL_PROCESSORS:
        raise NotInjected(
            f"expected at most {_MOST_LOCAL_PROCESSORS} processors to burn on this computer,"
            f" found {burnt}"
        )
    return tuple(
        BurntProcessors(**inside_fields(action, each, scene), processors=action.processors)
        for each in chosen
    )


def plan_memory_pressure(action: MemoryPressure, scene: Scene) -> tuple[Change, ...]:
    """Hold memory in the Machines that are meant.

    Raises:
        NotInjected: more than a local Machine has would be taken from this computer.
    """
    chosen = scene.choose_running(action.which)
    for each in chosen:
        if scene.local and action.megabytes > memory_mb(each):
            raise NotInjected(
                f"expected at most the {memory_mb(each)} MB that Machine {each.id} has,"
                f" found {action.megabytes} MB"
            )
    return tuple(
        HeldMemory(**inside_fields(action, each, scene), megabytes=action.megabytes)
        for each in chosen
    )


def memory_mb(machine: Machine) -> int:
    """How much memory a Machine has."""
    guest = machine.settings.guest
    return guest.memory_mb if guest and guest.memory_mb else _USUAL_MEMORY_MB


def _escaped(text: str) -> str:
    """Let a shell hand on ``$0`` and quotes in a text between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
