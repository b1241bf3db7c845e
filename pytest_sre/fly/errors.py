"""Everything that can go wrong between us and Fly, as one tree.

One class for each reaction a caller may have. A text says what was expected, what was found,
where, and what to do, in at most four lines, and never holds a token.
"""

# ruff: noqa: N818 - a name says what happened; that it is an error shows where it is caught

import datetime as dt
from typing import ClassVar

from pytest_sre.redaction import quote


class FlyError(Exception):
    """A call to Fly did not do what was asked.

    Attributes:
        is_own_fault: the error says nothing about the app: our token, our network or the
            platform's API is at fault, so a run that meets it is inconclusive.
        cause: the short key that all verdicts share which it makes inconclusive.
    """

    is_own_fault: ClassVar[bool] = False
    cause: ClassVar[str] = "platform api"

    def __init__(self, expected: str, found: str, where: str, hint: str = "") -> None:
        parts = tuple(quote(part) for part in (expected, found, where, hint))
        super().__init__(*parts)
        self.expected, self.found, self.where, self.hint = parts

    def __str__(self) -> str:
        lines = [f"expected {self.expected}", f"found {self.found}", f"in {self.where}"]
        return "\n".join([*lines, self.hint] if self.hint else lines)


class NotFound(FlyError):
    """There is no such app, Machine, volume, lease or release (404)."""


class Forbidden(FlyError):
    """The token is valid and does not permit the call (403)."""

    is_own_fault = True
    cause = "own token"


class Unauthorized(Forbidden):
    """The token is not accepted (401), or cannot be a token at all."""


class TokenMissing(Unauthorized):
    """No token is set; nothing was contacted."""


class RateLimited(FlyError):
    """Fly's API asks us to slow down (429). ``retry_after_s`` is None when it did not say."""

    is_own_fault = True

    def __init__(
        self,
        expected: str,
        found: str,
        where: str,
        hint: str = "",
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(expected, found, where, hint)
        self.retry_after_s = retry_after_s


class Conflict(FlyError):
    """Somebody else holds the Machine's lease, or the name or capacity is taken (409).

    ``holder`` and ``expires_at`` describe the lease in the way; empty and None otherwise.
    """

    def __init__(
        self,
        expected: str,
        found: str,
        where: str,
        hint: str = "",
        *,
        holder: str = "",
        expires_at: dt.datetime | None = None,
    ) -> None:
        super().__init__(expected, found, where, hint)
        self.holder = holder
        self.expires_at = expires_at


class PreconditionFailed(FlyError):
    """The Machine's state, version or capacity does not allow the call (412)."""


class Invalid(FlyError):
    """Fly rejects what was asked as wrong in itself (400, 422)."""


class TimedOut(FlyError):
    """A wait or a command inside a Machine did not end in time (408)."""


class Unreachable(FlyError):
    """No complete answer came: no connection, a cut one, or the time ran out."""

    is_own_fault = True


class UnexpectedAnswer(FlyError):
    """Something answered that is not Fly's API at work: 5xx, HTML, cut or misshapen JSON."""

    is_own_fault = True
