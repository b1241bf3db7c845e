"""A change as an intent of the journal."""

from typing import Final

from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.changes.known import read_change, write_change
from pytest_sre.chaos.hands import Hands
from pytest_sre.undo.files import Journal, Kept
from pytest_sre.undo.journal import Intent

KIND: Final = "chaos"
"""The kind of the intents of changes."""

_CHANGE: Final = "change"
_PLATFORM: Final = "platform"


def intend(
    journal: Journal, change: Change, hands: Hands, *, run: str, target: str, not_after: float
) -> Kept:
    """Write a change down that is about to be made.

    Args:
        journal: where.
        change: the change.
        hands: by what it is made, and undone.
        run: which run makes it.
        target: the target's name.
        not_after: it must not be begun later, Unix seconds.

    Raises:
        OSError: it could not be written; then it must not be made.
    """
    what = {_CHANGE: write_change(change), _PLATFORM: hands.handle}
    return journal.intend(KIND, run=run, target=target, what=what, not_after=not_after)


def change_in(intent: Intent) -> Change:
    """Read the change that was about to be made.

    Raises:
        UnknownChangeError: this version does not know it.
    """
    return read_change(intent.what.get(_CHANGE, ""))


def platform_in(intent: Intent) -> str:
    """Give by what the hands are found that undo it."""
    return intent.what.get(_PLATFORM, "")
