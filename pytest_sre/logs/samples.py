"""Parts of log lines that may be shown to people: short, harmless, without secrets."""

import re
from collections.abc import Iterable, Iterator

from pytest_sre.redaction import REDACTED, quote, redact

HEAD_BYTES = 64 * 2**10
"""As far as a line is shown to people; what is further on is still counted."""

_SHOWN_BEFORE = 80


def sample_of(
    text: str, secrets: Iterable[re.Pattern[bytes]], around: re.Pattern[bytes] | None = None
) -> str:
    """The part of a text around a match, or its beginning; nothing from the first secret on.

    Args:
        text: what a line says.
        secrets: what secrets look like.
        around: what is to be seen in the sample.
    """
    raw = text.encode(errors="replace")[: 2 * HEAD_BYTES]
    secret_at = min(_starts(raw, secrets), default=len(raw))
    match_at = min(_starts(raw[:HEAD_BYTES], (around,) if around else ()), default=0)
    begin = max(min(match_at, secret_at) - _SHOWN_BEFORE, 0)
    shown = raw[begin : min(secret_at, HEAD_BYTES)].decode(errors="ignore")
    hidden = REDACTED if secret_at < len(raw) else ""
    return quote(redact(f"{'…' if begin else ''}{shown}{hidden}"))


def _starts(raw: bytes, patterns: Iterable[re.Pattern[bytes]]) -> Iterator[int]:
    return (found.start() for pattern in patterns if (found := pattern.search(raw)))
