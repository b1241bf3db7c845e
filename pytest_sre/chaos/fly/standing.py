"""By whom the activities of an experiment act, and what they see.

chaoslib calls activities by name, from several threads, and gives them nothing of ours: so this
is the one place of a process that knows.
"""

import threading
from collections.abc import Mapping
from typing import Protocol

import msgspec

from pytest_sre.chaos.actions import Acting, Action, kind_of
from pytest_sre.chaos.fly.sight import Sight


class Standing(Protocol):
    """Who acts for an experiment."""

    @property
    def sight(self) -> Sight:
        """What probes look at."""

    def act(self, action: Action) -> str:
        """Do it, so that it will be undone; give what was done, in words.

        Raises:
            NotInjected: it cannot be, or may not be, done; nothing of it is left.
        """

    def undo_all(self) -> str:
        """Undo all that was done, and prove it; give that in words.

        Raises:
            NotUndone: something is left.
        """


class NotUndone(Exception):  # noqa: N818 - says what is left
    """Something that was done could not be proven to be undone; says what to do by hand."""


_standing: Standing | None = None
_finding = threading.Lock()


def stand(standing: Standing | None) -> None:
    """Say who acts for the experiments of this process; None for nobody."""
    global _standing  # noqa: PLW0603 - see above
    _standing = standing


def stands() -> Standing | None:
    """Give who acts, if anybody was said to."""
    return _standing


def standing() -> Standing:
    """Give who acts; in a process that is not ours, such as that of ``chaos run``, it itself.

    Raises:
        ConfigError: there is a mistake in sre.toml.
        FlyError: there is no token.
        NotInjected: no local platform runs.
    """
    global _standing  # noqa: PLW0603 - see above
    with _finding:
        if _standing is None:
            from pytest_sre.chaos.fly.alone import Alone

            _standing = Alone.from_environment()
        return _standing


def perform(kind: type[Acting], told: Mapping[str, object]) -> str:
    """Do an action that is told in plain values.

    Raises:
        ValueError: a value is not what it can be; says which.
        NotInjected: it cannot be, or may not be, done.
    """
    return standing().act(action_of(kind, told))


def action_of(kind: type[Acting], told: Mapping[str, object]) -> Action:
    """Give an action that is told in plain values.

    Raises:
        ValueError: a value is not what it can be; says which.
    """
    action: Action = msgspec.convert({**told, "kind": kind_of(kind)}, Action)  # type: ignore[arg-type]
    return action


def which(
    app: str, group: str, region: str, ids: str, count: int, share: float
) -> dict[str, object]:
    """Say which Machines are meant, as data of an action; what is empty or zero is not said."""
    named = [each for each in ids.replace(",", " ").split() if each]
    told: dict[str, object] = {"app": app, "group": group, "region": region, "ids": named}
    told |= ({"count": count} if count else {}) | ({"share": share} if share else {})
    return {"which": told}
