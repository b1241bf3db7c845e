"""Makes changes of an action, from the listing of an app's Machines. Pure."""

from collections.abc import Sequence

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.changes.known import plan
from pytest_sre.chaos.changes.scene import Scene
from pytest_sre.fly.models import Machine


def app_of(action: Action, default: str) -> str:
    """Name the app that an action is about.

    Args:
        action: what is asked for.
        default: the app that is meant when it names none.
    """
    which = getattr(action, "which", None)
    named = which.app if which else getattr(action, "app", "")
    return named or default


def changes_of(
    action: Action, fleet: Sequence[Machine], *, app: str, seed: int, local: bool
) -> tuple[Change, ...]:
    """Say which changes an action is, in the order in which they are begun.

    Args:
        action: what is asked for.
        fleet: the Machines of its app, as they are listed now.
        app: its app's name.
        seed: decides which Machines are chosen, where not all are meant.
        local: whether that is on the local platform.

    Raises:
        NotInjected: it cannot be done there.
    """
    return plan(action, Scene(app=app, fleet=fleet, seed=seed, local=local))
