"""What every change can do."""

from typing import Any, Protocol, runtime_checkable

import msgspec

from pytest_sre.chaos.hands import Hands


@runtime_checkable
class Change(Protocol):
    """One act on a target.

    All three may be called by a process that has only read the change. Undoing is idempotent, also
    for a change that was never made; a target that is gone has nothing left to undo.
    """

    @property
    def described(self) -> str:
        """What it does, in a few words: ``stop Machine 148e21 (web, ams)``."""

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The commands by which a person undoes it, exactly."""

    @property
    def carrier(self) -> tuple[str, str] | None:
        """The app and the id of the Machine whose metadata tells of it; None when none can."""

    @property
    def takes_s(self) -> float:
        """How long it may still take effect when its call has returned or was given up, seconds.

        That is in addition to what holds for any call: ``Hands.in_flight_s``.
        """

    def make(self, hands: Hands) -> None:
        """Do it.

        Raises:
            FlyError: the platform refuses, or nobody knows whether it was done.
            LocalPlatformError: the same, of the local platform.
            NotInjected: it cannot be done there, for instance since a tool is missing.
        """

    def undo(self, hands: Hands) -> None:
        """Bring the target back to what was observed before.

        Raises:
            FlyError: the platform does not say whether that was done.
            LocalPlatformError: the same, of the local platform.
        """

    def is_undone(self, hands: Hands) -> bool:
        """Read back whether nothing of it is left.

        Raises:
            FlyError: the platform does not say.
            LocalPlatformError: the same, of the local platform.
        """


class NotInjected(Exception):  # noqa: N818 - a refusal
    """An action could not be done; nothing of it is left."""


class ChangeStruct(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True
):
    """A change as data: written to ``.sre/undo`` and into a Machine's metadata, read back equal.

    Attributes:
        takes_s: how long it may still take effect when its call has returned or was given up,
            seconds, in addition to ``Hands.in_flight_s``.
    """

    takes_s: float = 0.0

    @property
    def carrier(self) -> tuple[str, str] | None:
        """The app and the id of the Machine whose metadata tells of it; None when none can."""
        return None

    @property
    def perturbs(self) -> str:
        """The id of the Machine that it perturbs; empty when that may be any of its app."""
        return ""

    def told(self) -> dict[str, Any]:
        """Give it as plain data, with its ``kind``."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class MachineChange(ChangeStruct, frozen=True, kw_only=True):
    """An act on one Machine.

    Attributes:
        app: the app's name.
        machine: the Machine's id.
        group: its process group, for people.
        region: where it is, for people.
    """

    app: str
    machine: str
    group: str = ""
    region: str = ""

    @property
    def carrier(self) -> tuple[str, str] | None:
        """Itself."""
        return self.app, self.machine

    @property
    def perturbs(self) -> str:
        """Itself."""
        return self.machine

    @property
    def label(self) -> str:
        """The Machine, for people: ``Machine 148e21 (web, ams)``."""
        place = ", ".join(filter(None, (self.group, self.region)))
        return f"Machine {self.machine} ({place})" if place else f"Machine {self.machine}"
