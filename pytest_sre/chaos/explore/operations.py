"""What users do while a schedule is played."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class Refused(Exception):  # noqa: N818 - what a user is told
    """The app refused an operation, so that it certainly has not happened."""


def copies_of(client: "httpx.Client", item: str) -> int:
    """Read back what was acknowledged as a path: one when it is there, none when it is not.

    Raises:
        httpx.HTTPError: the app does not say.
    """
    answer = client.get(item)
    if answer.status_code in _GONE:
        return 0
    return int(bool(answer.raise_for_status()))


@dataclass(frozen=True)
class Operation:
    """What one user does, over an HTTP client of the app's address.

    A journey is one, too: it acknowledges by the path that it returns.

    Attributes:
        name: such as ``checkout``.
        act: does it; returns by which name the app has acknowledged an item, or None when there
            is nothing to read back. It raises `Refused` when it certainly was not done; any other
            exception leaves open whether it was.
        copies: says how often the item of that name is there: none when it is lost, more than one
            when it is there twice. It raises when the app does not say.
    """

    name: str
    act: Callable[["httpx.Client"], str | None]
    copies: Callable[["httpx.Client", str], int] = copies_of
