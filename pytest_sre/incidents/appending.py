"""How others add to the log of what goes wrong: by a word in the outbox, told when it is due."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_sre.issues.events import IncidentEntry
from pytest_sre.issues.outbox import Outbox
from pytest_sre.redaction import markdown

_LONGEST: Final = 20_000


def append(
    outbox: Outbox, tracker: str, target: str, text: str, *, at: float, clean: Callable[[str], str]
) -> Path:
    """Add to the logs of a target's open incidents; nothing happens when there is none.

    Whoever does something to a target says so here: it is on disk when this returns, and told
    with the next delivery.

    Args:
        outbox: where it waits.
        tracker: who is to be told, as in the settings.
        target: the target's name.
        text: what was done, or found, in Markdown; made inert.
        at: when, Unix seconds.
        clean: takes secrets out of a text.

    Raises:
        OSError: it could not be written.
    """
    said = written(text, clean)
    return outbox.put(IncidentEntry(new_key(), tracker, at, "note", said, target=target))


def written(text: str, clean: Callable[[str], str]) -> str:
    """Give what is said to a log: inert Markdown without secrets, of at most 20,000 characters."""
    said = markdown(clean(text)).strip()
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}… (cut)"


def new_key() -> str:
    """A key that no other event has."""
    return secrets.token_hex(8)
