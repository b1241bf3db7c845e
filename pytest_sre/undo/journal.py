"""What is to be undone, as values and as the text of its file."""

import re
from collections.abc import Mapping

import msgspec

_ID = re.compile(r"[a-z0-9-]{1,80}")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is about to be done to a target, and has to be undone.

    Attributes:
        id: names its file.
        kind: what it is; says who can undo it.
        at: when it was written, Unix seconds.
        run: which run it belongs to.
        target: the target's name.
        what: what is needed to undo it; no secrets.
    """

    id: str
    kind: str
    at: float
    run: str
    target: str
    what: Mapping[str, str]

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"expected an id of small letters, digits and dashes: {self.id!r}")


class BrokenIntentError(Exception):
    """A file of the journal does not hold an intent."""


def written(intent: Intent) -> bytes:
    """Give the text of its file."""
    return msgspec.json.format(msgspec.json.encode(intent)) + b"\n"


def read_intent(text: bytes) -> Intent:
    """Read the text of a file.

    Raises:
        BrokenIntentError: it is no intent.
    """
    try:
        return msgspec.json.decode(text, type=Intent)
    except msgspec.MsgspecError as error:
        raise BrokenIntentError(f"expected an intent, found {len(text)} bytes: {error}") from None
