"""What an incident remembers, rebuilt from its log. Pure.

A tracker takes an edit of an issue's body without asking what the body was, so of two edits at
once one is lost; comments are only ever added. So each entry of the log carries, where nobody
sees it, what it changed, and whoever edits makes sure afterwards that the body has all of it.
Changes may be taken in twice and in any order: times are the first or the last there is, sets
grow, and of a cause the newest is known.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from pytest_sre.incidents.memory import KnownCause, Memory
from pytest_sre.issues.body import carried

# What an issue remembers has to fit into its body.
MOST_CAUSES: Final = 20
MOST_TESTS: Final = 8
_MOST_AUTHORS: Final = 20
_MOST_KEYS: Final = 30


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one event changed; see `Memory`.

    Attributes:
        key: of the event.
        at: when it happened, Unix seconds.
        causes: those that are new or no longer as they were.
    """

    key: str
    at: float
    acknowledged_at: float = 0.0
    escalated_at: float = 0.0
    resolved_at: float = 0.0
    postmortem: int = 0
    release: str = ""
    causes: tuple[KnownCause, ...] = ()
    apps: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


def packed(change: Change) -> str:
    """Write a change as a comment carries it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(change)).decode()


def changes_in(comments: Iterable[str]) -> tuple[Change, ...]:
    """Read what a log says was changed, in its order; what cannot be read is left out."""
    found = (_unpacked(carried(comment)) for comment in comments)
    return tuple(change for change in found if change)


def merged(memory: Memory, changes: Sequence[Change]) -> Memory:
    """Take changes in; what is known already, or older than what is known, changes nothing."""
    keys = [change.key for change in changes]
    others = [key for key in memory.taken if key not in keys]
    for change in changes:
        memory = _merged(memory, change)
    return replace(memory, taken=tuple(dict.fromkeys((*others, *keys)))[-_MOST_KEYS:])


def _merged(memory: Memory, change: Change) -> Memory:
    is_newer = bool(change.release) and change.at >= memory.release_at
    return replace(
        memory,
        updated_at=max(memory.updated_at, change.at),
        acknowledged_at=_first(memory.acknowledged_at, change.acknowledged_at),
        escalated_at=max(memory.escalated_at, change.escalated_at),
        resolved_at=_first(memory.resolved_at, change.resolved_at),
        postmortem=int(_first(memory.postmortem, change.postmortem)),
        release=change.release if is_newer else memory.release,
        release_at=change.at if is_newer else memory.release_at,
        causes=_with_causes(memory.causes, change.causes),
        apps=_union(memory.apps, change.apps),
        authors=_union(memory.authors, change.authors)[:_MOST_AUTHORS],
    )


def _unpacked(text: str) -> Change | None:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=Change) if text else None
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None


def _first(one: float, other: float) -> float:
    return min(one, other) if one and other else one or other


def _union(known: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *new)))


def _with_causes(known: Sequence[KnownCause], new: Sequence[KnownCause]) -> tuple[KnownCause, ...]:
    by_fingerprint = {cause.fingerprint: cause for cause in known}
    for cause in new:
        there = by_fingerprint.get(cause.fingerprint)
        by_fingerprint[cause.fingerprint] = _newer(there, cause) if there else cause
    return tuple(by_fingerprint.values())[:MOST_CAUSES]


def _newer(one: KnownCause, other: KnownCause) -> KnownCause:
    newest = max(one, other, key=lambda cause: (cause.since_at, cause.is_failing, cause.regions))
    number, tests = int(_first(one.number, other.number)), _union(one.tests, other.tests)
    return replace(newest, number=number, tests=tests[:MOST_TESTS])
