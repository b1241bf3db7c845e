"""Clocks that are off: on Fly.io a Machine's own, locally what libfaketime tells its processes."""

from pytest_sre.chaos.actions import SkewClock
from pytest_sre.chaos.changes.change import Change, MachineChange, NotInjected
from pytest_sre.chaos.changes.inside import InsideChange, inside_fields
from pytest_sre.chaos.changes.local_faults import LocalFault, label_of, local_fault
from pytest_sre.chaos.changes.machines import find_machine
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.chaos.changes.scripts import Deed
from pytest_sre.chaos.hands import Hands

_START_TIMEOUT_S = 20.0


class SkewedClock(InsideChange, frozen=True, tag="skewed-clock"):
    """Set the clock of a Machine on Fly.io off, and back to within two seconds of right."""

    by_s: int

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return f"clock off by {self.by_s} s in {self.label}"

    @property
    def deed(self) -> Deed:
        """What is executed."""
        return skewed(self.by_s, self.mark)


def skewed(by_s: int, mark: str) -> Deed:
    """Set a clock off. A file has what the time was when the Machine booted, by the right clock.

    Args:
        by_s: how far, whole seconds; behind when negative.
        mark: makes the file's name.
    """
    file = f"/tmp/.{mark}"  # noqa: S108 - in a Machine, where nobody else is
    uptime = "read -r up rest </proc/uptime && up=${up%%.*}"
    back = '[ -n "$booted" ] && date -s "@$((booted + up))" >/dev/null 2>&1'
    return Deed(
        tools=("date", "rm", "id"),
        make=(
            f'now=$(date +%s) && {uptime} && echo "$((now - up))" >{file}'
            f' && date -s "@$((now + {int(by_s)}))" >/dev/null'
        ),
        # An empty one was written by nobody who got to set the clock.
        undo=(
            f"if [ -s {file} ]; then read -r booted <{file} && {uptime} && {back} && rm -f {file};"
            f" else rm -f {file}; fi"
        ),
        left=f"[ ! -e {file} ] || echo there",
    )


class RestartedWithSkew(MachineChange, frozen=True, tag="restarted-with-skew"):
    """Have a local Machine's clock be off, for which its process is started anew.

    Attributes:
        fault: what makes it be off; it is right again as soon as that ends.
    """

    fault: LocalFault

    @property
    def described(self) -> str:
        """What it does, in a few words."""
        return self.fault.what

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""
        return self.fault.by_hand

    def make(self, hands: Hands) -> None:
        """Switch the fault on, restart the Machine, and wait until it runs.

        Raises:
            LocalPlatformError: there is no libfaketime that works.
        """
        self.fault.make(hands)
        hands.fly.restart(self.app, self.machine)
        hands.fly.wait(self.app, self.machine, "started", timeout_s=_START_TIMEOUT_S)

    def undo(self, hands: Hands) -> None:
        """Switch the fault off."""
        self.fault.undo(hands)

    def is_undone(self, hands: Hands) -> bool:
        """Whether the fault is off, and the Machine runs or is gone."""
        found = find_machine(hands, self.app, self.machine)
        return self.fault.is_undone(hands) and (found is None or found.state == "started")


def plan_skew(action: SkewClock, scene: Scene) -> tuple[Change, ...]:
    """Set the clocks of the Machines that are meant off.

    Raises:
        NotInjected: it is by less than a second.
    """
    by_s = round(action.by_s)
    if not by_s:
        raise NotInjected(f"expected a skew of at least a second, found {action.by_s:g} s")
    chosen = scene.choose_running(action.which)
    if not scene.local:
        return tuple(
            SkewedClock(**inside_fields(action, each, scene), by_s=by_s) for each in chosen
        )
    return tuple(
        RestartedWithSkew(
            **scene.fields_of(each),
            fault=local_fault(
                action,
                {"kind": "clock-skew", "machine": each.id, "by_s": by_s},
                f"clock off by {by_s} s in {label_of(each)}",
                each.id,
            ),
        )
        for each in chosen
    )
