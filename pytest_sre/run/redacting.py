"""Keeps secrets out of a recording: Fly tokens, authorization values, and what the run knows."""

import re
from collections.abc import Callable, Mapping

import msgspec

from pytest_sre.fly.redaction import REDACTED, redact
from pytest_sre.recording.rows import Row

_SECRET_NAME = re.compile(r"token|secret|passw|api_?key|private_?key|credential", re.IGNORECASE)
# Shorter values would blot out ordinary words.
_SHORTEST = 8


def redactor(environment: Mapping[str, str]) -> Callable[[Row], Row]:
    """Make what takes secrets out of rows before they are recorded.

    Args:
        environment: the process's; the values of variables that are named like secrets are
            secrets, whatever they look like.
    """
    values = sorted(
        {
            value
            for name, value in environment.items()
            if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
        },
        key=len,
        reverse=True,
    )

    def clean(text: str) -> str:
        for value in values:
            text = text.replace(value, REDACTED)
        return redact(text)

    def redacted(row: Row) -> Row:
        found = {name: getattr(row, name) for name in row.__struct_fields__}
        cleaned = {
            name: clean(value)
            for name, value in found.items()
            if isinstance(value, str) and value and clean(value) != value
        }
        return msgspec.structs.replace(row, **cleaned) if cleaned else row

    return redacted
