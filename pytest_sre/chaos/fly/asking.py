"""What a function of the extension would ask for, without its being done."""

import threading
from collections.abc import Callable, Mapping

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.chaos.fly.standing import stand, stands

_turn = threading.Lock()


class _Asked:
    """Takes in what is asked for, and does nothing."""

    def __init__(self) -> None:
        self.action: Action | None = None

    @property
    def sight(self) -> Sight:
        raise LookupError("nothing is looked at")

    def act(self, action: Action) -> str:
        self.action = action
        return ""

    def undo_all(self) -> str:
        return ""


def asked_of(function: Callable[..., object], arguments: Mapping[str, object]) -> Action | None:
    """Give the action that a function of ``actions`` asks for with these arguments.

    Raises:
        ValueError: a value is not what it can be; says which.
    """
    asked = _Asked()
    with _turn:
        before = stands()
        stand(asked)
        try:
            function(**arguments)
        finally:
            stand(before)
    return asked.action
