"""What actions on Machines say alike, written once."""

import inspect
from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., str])

_SHARED = """\

Which Machines (one of the app's when nothing says how many):
    app: the app's name; the target's first when empty.
    group: only those of this process group.
    region: only those in this region; all of them without count or share.
    ids: only these, with commas between them; the beginning of an id is enough.
    count: so many of them, chosen by the run's seed.
    share: this share of them, from 0 to 1, rounded up.

And for how long:
    lasts_s: when it ends by itself at the latest, seconds; it is undone in any case.
"""


def among_machines(action: F) -> F:
    """Add to the text of an action what its arguments about Machines mean."""
    action.__doc__ = f"{inspect.cleandoc(action.__doc__ or '')}\n{_SHARED}"
    return action
