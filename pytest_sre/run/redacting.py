"""Keeps secrets out of a recording: those that the run knows, and what looks like one."""

from collections.abc import Callable, Mapping

import msgspec

from pytest_sre.recording.rows import Row
from pytest_sre.redaction import Redactor, secret_values


def redactor(environment: Mapping[str, str]) -> Callable[[Row], Row]:
    """Make what takes secrets out of rows before they are recorded.

    Args:
        environment: the process's; the values of variables that are named like secrets are
            secrets, whatever they look like.
    """
    clean = Redactor(secret_values(environment))

    def redacted(row: Row) -> Row:
        found = ((name, getattr(row, name)) for name in row.__struct_fields__)
        texts = {name: value for name, value in found if isinstance(value, str) and value}
        cleaned = {name: new for name, old in texts.items() if (new := clean(old)) != old}
        return msgspec.structs.replace(row, **cleaned) if cleaned else row

    return redacted
