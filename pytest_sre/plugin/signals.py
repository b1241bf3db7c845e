"""Ends a session in order when the process is told to end: what was begun is undone, and judged."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

import pytest

# SIGINT is pytest's own. SIGHUP comes when a terminal is closed, SIGQUIT from its keyboard.
_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)


def end_in_order(code: int | None = None) -> Callable[[], None]:
    """From now on have these signals end the session in order.

    Those that the process ignores, as under nohup, stay ignored; so do further ones once one came.

    Args:
        code: pytest's exit code; 128 and the signal's number when None.

    Returns:
        What sets back how it was.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = {number: signal.getsignal(number) for number in _ENDING}
    ours = [n for n, handler in before.items() if handler not in (None, signal.SIG_IGN)]

    def end(number: int, _frame: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        name = signal.Signals(number).name
        pytest.exit(f"stopped by {name}", returncode=128 + number if code is None else code)

    for number in ours:
        signal.signal(number, end)

    def set_back() -> None:
        for number in ours:
            signal.signal(number, before[number])

    return set_back
