"""Takes secrets out of a text: those a run knows by value, and those that look like one."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from pytest_sre.redaction.patterns import PATTERNS, REDACTED

# Shorter values would blot out ordinary words.
_SHORTEST: Final = 8
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|pwd|api_?key|private_?key|access_?key|credential|dsn|cookie|auth",
    re.IGNORECASE,
)

# Standard and URL-safe base64, possibly wrapped over lines.
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{16,}(?:\r?\n[ \t]{0,8})?){1,64}={0,2}")
_LONGEST_ENCODED: Final = 16_384


class Redactor:
    """Replaces secrets by ``[redacted]``. Texts come out no worse when redacted twice.

    Args:
        values: secrets that are known by value, whatever they look like; shorter ones than
            8 characters are not looked for.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = [value for value in values if len(value) >= _SHORTEST]
        plain = {form for value in known for form in _plain_forms(value)}
        self._plain = sorted(plain, key=lambda form: (-len(form), form))
        encoded = {form for value in known for form in _encoded_forms(value)}
        self._encoded = re.compile("|".join(sorted(encoded))) if encoded else None

    def __call__(self, text: str) -> str:
        """Give the text without secrets."""
        for form in self._plain:
            text = text.replace(form, REDACTED)
        if _BASE64.search(text):
            text = self._encoded.sub(REDACTED, text) if self._encoded else text
            text = _BASE64.sub(_without_encoded, text)
        lowered = text.lower()
        for pattern in PATTERNS:
            if pattern.hinted(lowered):
                text = pattern.regex.sub(pattern.replacement, text)
        return text


redact: Final = Redactor()
"""Takes out what looks like a secret, where no values are known."""


def secret_values(environment: Mapping[str, str]) -> frozenset[str]:
    """The values of the variables that are named like secrets.

    Args:
        environment: a process's environment.
    """
    return frozenset(
        part
        for name, value in environment.items()
        if _SECRET_NAME.search(name)
        for part in (value, *value.removeprefix("FlyV1 ").split(","))
        if len(part) >= _SHORTEST and "/" not in part[:1]
    )


def _plain_forms(value: str) -> set[str]:
    """The ways a value may be written: as it is, for a URL, in a string of a program."""
    return {value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}


def _encoded_forms(value: str) -> set[str]:
    """Patterns of the ways base64 writes a value, wherever it stands in what was encoded."""
    raw = value.encode()
    # What base64 makes of the value depends on how many bytes come before it; the characters at
    # both ends depend on its neighbours, too, and are left out.
    encoded = {
        encode(b"\0" * before + raw).decode().rstrip("=")[-(-before * 8 // 6) : -1]
        for before in range(3)
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }
    return {r"\s{0,10}".join(re.escape(c) for c in each) for each in encoded if len(each) > 9}


def _without_encoded(found: re.Match[str]) -> str:
    """What replaces a run of base64: nothing of it when what it stands for holds a secret."""
    text = found.group()
    packed = "".join(text.split())[:_LONGEST_ENCODED].translate(_URL_SAFE).rstrip("=")
    decoded = _decoded(packed)
    if decoded is None:
        return text
    lowered = decoded.lower()
    return REDACTED if any(each.is_in(decoded, lowered) for each in PATTERNS) else text


_URL_SAFE: Final = str.maketrans("-_", "+/")


def _decoded(packed: str) -> str | None:
    """What base64 stands for, when that is text."""
    whole = packed[: len(packed) // 4 * 4]
    try:
        content = base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True)
        return content.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
