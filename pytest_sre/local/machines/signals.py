"""Signals by name and number, as the API accepts them."""

import signal
from typing import Final

_KNOWN: Final = {
    "ABRT",
    "ALRM",
    "FPE",
    "HUP",
    "ILL",
    "INT",
    "KILL",
    "PIPE",
    "QUIT",
    "SEGV",
    "TERM",
    "TRAP",
} | {"USR1", "USR2", "CONT", "STOP"}


def signal_number(given: str | int) -> int:
    """The number of a signal such as ``SIGTERM``, ``TERM`` or 15.

    Raises:
        ValueError: no such signal.
    """
    try:
        number = (
            signal.Signals(given)
            if isinstance(given, int)
            else signal.Signals[f"SIG{given.upper().removeprefix('SIG')}"]
        )
    except (ValueError, KeyError):
        raise ValueError(f"invalid signal: {given!r}") from None
    if number.name.removeprefix("SIG") not in _KNOWN:
        raise ValueError(f"invalid signal: {given!r}")
    return int(number)
