"""Taking Fly tokens and authorization values out of a text, and making foreign text quotable."""

import re

REDACTED = "[redacted]"

_LONGEST_QUOTE = 300

_AUTHORIZATION = re.compile(r"(authorization[\"']?\s*[:=]\s*[\"']?)[^\"'\r\n]+", re.IGNORECASE)
_TOKEN = re.compile(r"(?:fm1r|fm1a|fm2|(?<![A-Za-z])fo1)_[A-Za-z0-9+/=_.~%-]+")
_SCHEME_AND_VALUE = re.compile(
    r"\b(bearer|flyv1)\s+(?!(?:tokens?|auth\w*|schemes?)\b)[A-Za-z0-9+/=_.~%,-]+", re.IGNORECASE
)


def redact(text: str) -> str:
    """Replace every Fly token and authorization value in ``text`` by ``[redacted]``."""
    text = _AUTHORIZATION.sub(rf"\1{REDACTED}", text)
    text = _TOKEN.sub(REDACTED, text)
    return _SCHEME_AND_VALUE.sub(rf"\1 {REDACTED}", text)


def quote(text: str) -> str:
    """Return foreign text as one printable line of at most 300 characters, without tokens."""
    printable = "".join(c if c.isprintable() else " " for c in redact(text))
    line = " ".join(printable.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"
