"""Access tokens for Fly: where they are found, how they are sent, how they are kept secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_sre.fly.errors import TokenMissing, Unauthorized
from pytest_sre.redaction import REDACTED, redact

TOKEN_VARIABLES = ("FLY_API_TOKEN", "FLY_ACCESS_TOKEN")

_MACAROON_PREFIXES = ("fm1r_", "fm1a_", "fm2_")
_SCHEME = re.compile(r"(?:(?:bearer|flyv1)(?:\s+|$))+", re.IGNORECASE)
_SENDABLE = re.compile(r"[\x21-\x7e]+")
# Shorter pieces would blot out ordinary words.
_SHORTEST_SECRET = 4


@dataclass(frozen=True)
class Token:
    """One or more Fly tokens, sent together.

    Attributes:
        value: the tokens joined by commas, without an authorization scheme; never shown.
        source: where the token came from, such as ``FLY_API_TOKEN``; for error messages.
    """

    value: str = field(repr=False)
    source: str = "the caller"

    @classmethod
    def parse(cls, text: str, *, source: str = "the caller") -> "Token":
        """Read a token as people paste it: with or without a scheme, several joined by commas.

        Raises:
            Unauthorized: nothing is left of it, or it holds a character no header can carry.
        """
        pieces = (_SCHEME.sub("", piece.strip(), count=1).strip() for piece in text.split(","))
        value = ",".join(piece for piece in pieces if piece)
        if not _SENDABLE.fullmatch(value):
            raise Unauthorized(
                "a Fly access token of printable ASCII characters without spaces",
                "nothing" if not value else "other characters in it (not shown)",
                source,
                "copy the token again, for instance from `fly tokens create deploy`",
            )
        return cls(value, source)

    @property
    def is_macaroon(self) -> bool:
        """Whether any of the tokens is a macaroon, which is limited to what it was made for."""
        return any(piece.startswith(_MACAROON_PREFIXES) for piece in self.value.split(","))

    @property
    def kind(self) -> str:
        """What kind of token it is, in words."""
        if self.is_macaroon:
            return "a macaroon"
        return "a user token" if self.value.startswith("fo1_") else "a token of unknown kind"

    @property
    def header(self) -> str:
        """The value of the ``authorization`` header."""
        return f"{'FlyV1' if self.is_macaroon else 'Bearer'} {self.value}"

    def hide_in(self, text: str) -> str:
        """Return ``text`` without this token, whatever its form, and without any other."""
        for piece in (self.value, *self.value.split(",")):
            if len(piece) >= _SHORTEST_SECRET:
                text = text.replace(piece, REDACTED)
        return redact(text)


NO_TOKEN = Token("", "nobody")
"""For a server that asks for none: nothing is sent."""


def token_from_environment(environment: Mapping[str, str]) -> Token:
    """Find the access token: ``FLY_API_TOKEN``, then ``FLY_ACCESS_TOKEN``.

    Raises:
        TokenMissing: neither is set.
        Unauthorized: the one that is set cannot be a token.
    """
    for name in TOKEN_VARIABLES:
        if text := environment.get(name, "").strip():
            return Token.parse(text, source=name)
    raise TokenMissing(
        "a Fly access token in FLY_API_TOKEN or FLY_ACCESS_TOKEN",
        "neither set",
        "the environment",
        "create one with `fly tokens create deploy` and export it as FLY_API_TOKEN",
    )
