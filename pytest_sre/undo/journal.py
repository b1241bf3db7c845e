"""What is to be undone, as values and as the text of its file.

A file begins with the intent, as one JSON object. Behind it, a line is added when the act has
returned. What was not written to its end says nothing: an intent that is cut is broken, a line
that is cut was never there.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

import msgspec

_ID = re.compile(r"[a-z0-9-]{1,80}")


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is about to be done to a target, and has to be undone.

    Attributes:
        id: names its file: small letters, digits and dashes.
        kind: what it is; says who can undo it.
        at: when it was written, Unix seconds.
        run: which run it belongs to.
        target: the target's name.
        what: what is needed to undo it; no secrets.
        not_after: the act must not begin later, Unix seconds; whenever when None.
        pid: the process whose it is.
    """

    id: str
    kind: str
    at: float
    run: str
    target: str
    what: Mapping[str, str]
    not_after: float | None = None
    pid: int = 0


class Entry(msgspec.Struct, frozen=True):
    """What a file says.

    Attributes:
        intent: what was about to be done.
        made_at: when the act had returned, Unix seconds; None when nobody knows whether it was
            begun.
    """

    intent: Intent
    made_at: float | None = None


class _Made(msgspec.Struct, frozen=True):
    made_at: float


# Made once, and here: two threads that did so at once would crash.
_INTENT: Final = msgspec.json.Decoder(Intent)
_MADE: Final = msgspec.json.Decoder(_Made)


class BrokenIntentError(Exception):
    """A file of the journal does not hold an intent."""


def written(intent: Intent) -> bytes:
    """Give the text of its file.

    Raises:
        ValueError: its id cannot name a file.
    """
    if not _ID.fullmatch(intent.id):
        raise ValueError(f"expected an id of small letters, digits and dashes: {intent.id!r}")
    return msgspec.json.format(msgspec.json.encode(intent)) + b"\n"


def made_line(made_at: float) -> bytes:
    """Give the line that says when the act had returned, Unix seconds."""
    # Begun anew, should something that was cut stand before it.
    return b"\n" + msgspec.json.encode(_Made(made_at)) + b"\n"


def read_entry(text: bytes) -> Entry:
    """Read the text of a file; what stands behind the intent and cannot be read counts for nothing.

    Raises:
        BrokenIntentError: it begins with no intent.
    """
    content = text.decode("utf-8", "surrogateescape")
    try:
        _, end = json.JSONDecoder().raw_decode(content)
        # Behind it anything may stand; in it, nothing that was not written so.
        intent = _INTENT.decode(content[:end].encode())
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise BrokenIntentError(f"expected an intent, found {len(text)} bytes: {error}") from None
    if not _ID.fullmatch(intent.id):
        raise BrokenIntentError(f"expected the id of an intent, found {intent.id[:80]!r}")
    made = [*filter(None, map(_read_made, content[end:].splitlines()))]
    return Entry(intent, made[-1].made_at if made else None)


def _read_made(line: str) -> _Made | None:
    try:
        return _MADE.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
