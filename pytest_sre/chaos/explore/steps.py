"""What a schedule is made of, as values: an operation begins, a fault strikes, time passes. Pure.

Times are seconds, and coarse: what matters is their order, and whether one thing overlaps another.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from pytest_sre.chaos.actions import (
    Acting,
    Action,
    KillMachines,
    LoseRegion,
    RestartMachines,
    kind_of,
)

AT_ONCE: tuple[type[Acting], ...] = (KillMachines, RestartMachines)
"""Actions that are over as soon as they are done: how long they last says nothing."""


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step"):
    pass


class Begin(_Step, frozen=True, tag="begin"):
    """A user begins an operation.

    Attributes:
        operation: its name.
        at_once: the next step comes at once, in the midst of it; otherwise when the app has kept
            the user waiting for a while, or has not. That is the same on a busy machine.
    """

    operation: str
    at_once: bool = False


class Inject(_Step, frozen=True, tag="inject"):
    """A fault strikes; it ends by itself after its ``lasts_s``."""

    fault: Action


class Wait(_Step, frozen=True, tag="wait"):
    """Nothing is begun for a while."""

    seconds: float


class Heal(_Step, frozen=True, tag="heal"):
    """All faults end."""


Step = Begin | Inject | Wait | Heal


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens, in this order."""

    steps: tuple[Step, ...] = ()

    @property
    def faults(self) -> tuple[Action, ...]:
        """The faults that strike."""
        return tuple(step.fault for step in self.steps if isinstance(step, Inject))

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that begin."""
        return tuple(step.operation for step in self.steps if isinstance(step, Begin))

    def tidied(self) -> "Schedule":
        """Leave out what changes nothing: waiting at the end, healing where no fault can be on.

        A heal at the end stays: it cuts the faults before it short. Two schedules that are the
        same then are played the same.
        """
        kept: list[Step] = []
        for step in self.steps:
            if isinstance(step, Heal) and not _may_be_on(kept):
                continue
            kept.append(step)
        while kept and isinstance(kept[-1], Wait):
            kept.pop()
        return Schedule(tuple(kept))

    @property
    def described(self) -> str:
        """What happens, in one line: ``suspend store 1.2 s while one checkout is in flight``."""
        faults = " and ".join(dict.fromkeys(map(described, self.faults)))
        begun = _counted(self.operations)
        if not faults:
            return f"{begun}, and no fault" if begun else "nothing"
        if not begun:
            return faults
        if not self._overlaps():
            return f"{faults}, then {begun}"
        return f"{faults} while {begun} {'is' if len(self.operations) == 1 else 'are'} in flight"

    def _overlaps(self) -> bool:
        """Whether an operation begins before a fault does."""
        kinds = [type(step) for step in self.steps if isinstance(step, Begin | Inject)]
        return Inject in kinds[kinds.index(Begin) :]


def described(fault: Action) -> str:
    """Say what a fault is, in a few words: ``suspend store 1.2 s``."""
    which = getattr(fault, "which", None)
    where = fault.region if isinstance(fault, LoseRegion) else ""
    if which is not None:
        where = which.group or which.region or ",".join(which.ids) or which.app
    verb = kind_of(fault).removesuffix("-machines").replace("-", " ")
    to = getattr(fault, "to", "anywhere")
    from_ = f" from {to}" if to != "anywhere" else ""
    lasts = "" if isinstance(fault, AT_ONCE) else f" {fault.lasts_s:g} s"
    return f"{verb} {where}{from_}{lasts}".replace("  ", " ").strip()


def _counted(operations: Sequence[str]) -> str:
    counts = Counter(operations)
    return " and ".join(f"one {name}" if n == 1 else f"{n} × {name}" for name, n in counts.items())


def _may_be_on(steps: Sequence[Step]) -> bool:
    for step in reversed(steps):
        if isinstance(step, Heal):
            return False
        if isinstance(step, Inject):
            return True
    return False
