"""The tokens that the platform accepts: its own, and those it gave out for one app."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pytest_sre.local.releases import USER

_SCHEMES: Final = ("bearer ", "flyv1 ")
_MOST_GIVEN: Final = 1000
_USER: Final = USER["email"]
_OF_AN_APP: Final = re.compile(r"(?:/api)?/v1/apps/([^/]+)(?:/.*)?")
_OF_ALL_APPS: Final = re.compile(r"/v1/(apps|orgs/.*)|/_local(/.*)?")


@dataclass(frozen=True)
class Token:
    """What a token lets its holder do.

    Args:
        text: the token.
        app: the only app it is for; empty for all there is.
        expires_at: Unix seconds; None when it never ends.
        id: a name for it that is no secret.
    """

    text: str = field(repr=False)
    app: str = ""
    expires_at: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def allows(self, path: str) -> bool:
        """Whether a call to that path is within what it is for."""
        if not self.app:
            return True
        in_app = _OF_AN_APP.fullmatch(path)
        return in_app[1] == self.app if in_app else not _OF_ALL_APPS.fullmatch(path)


class Tokens:
    """All tokens of a platform.

    Args:
        own: the text of the one that is good for everything.
    """

    def __init__(self, own: str) -> None:
        self._own = Token(own)
        self._given: dict[str, Token] = {}

    def give(self, app: str, expires_at: float) -> Token:
        """A new token for one app; the oldest is forgotten when there are too many."""
        token = Token(f"fm2_{secrets.token_urlsafe(48)}", app, expires_at)
        self._given[token.id] = token
        if len(self._given) > _MOST_GIVEN:
            del self._given[next(iter(self._given))]
        return token

    def find(self, header: str, now: float) -> Token | None:
        """The token that an authorization header has; None when it has none that is good.

        Args:
            header: any scheme, or none, and tokens with commas between them.
            now: Unix seconds.
        """
        known = [self._own, *self._given.values()]
        for text in _texts(header):
            for token in known:
                if secrets.compare_digest(text.encode(), token.text.encode()):
                    return token if token.expires_at is None or now < token.expires_at else None
        return None


def _texts(header: str) -> list[str]:
    """The tokens of a header: schemes are taken off again and again, as Fly does."""
    rest = header.strip()
    while rest.lower().startswith(_SCHEMES):
        rest = rest.partition(" ")[2].strip()
    return [part.strip() for part in rest.split(",")]


def describe(token: Token, organizations: Iterable[str]) -> list[dict[str, object]]:
    """What a token is, for whoever holds it: a row for each organization that it reaches.

    Args:
        token: the token.
        organizations: their slugs.
    """
    return [
        {
            "token_id": token.id,
            "org_slug": slug,
            "organization": slug,
            "apps": [token.app] if token.app else [],
            "user": "" if token.app else _USER,
        }
        for slug in organizations
    ]
