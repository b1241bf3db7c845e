"""Lists in parts: how many at once, and the cursor of the next part."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from starlette.requests import Request

T = TypeVar("T")

_LONGEST_NUMBER: Final = 10


def page_of(
    items: Iterable[T],
    request: Request,
    key: Callable[[T], str],
    *,
    default: int,
    most: int,
) -> tuple[list[T], str]:
    """The part of a list that ``limit`` and ``cursor`` ask for.

    A cursor names the last item that was shown, so that what comes and goes between two calls
    is neither shown twice nor hides anything.

    Args:
        items: all of them.
        request: its query says which part.
        key: an item's place in the list, as text that sorts; no two have the same.
        default: how many when no limit is given.
        most: how many at most.

    Returns:
        The items, in order, and the cursor of the next part; empty when this is the last.

    Raises:
        ValueError: the limit is not a number in its range, or the cursor none of ours.
    """
    after = _read_cursor(request.query_params.get("cursor", ""))
    limit = limit_of(request, default, most)
    rest = sorted((item for item in items if key(item) > after), key=key)
    shown = rest[:limit]
    return shown, _cursor(key(shown[-1])) if len(rest) > limit else ""


def limit_of(request: Request, default: int, most: int) -> int:
    """How many items the query asks for.

    Raises:
        ValueError: not a number from 1 to ``most``.
    """
    text = request.query_params.get("limit", "")
    if not text:
        return default
    # Longer numbers are out of range anyway, and Python refuses to read very long ones.
    readable = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER
    if not readable or not 1 <= int(text) <= most:
        raise ValueError(f"invalid limit {text[:20]!r}: expected a number from 1 to {most}")
    return int(text)


def by_age(created_at: float, identity: str) -> str:
    """The place of an item in a list from oldest to newest, for ``page_of``."""
    return f"{created_at:020.6f} {identity}"


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read_cursor(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise ValueError(f"invalid cursor {cursor[:40]!r}") from None
