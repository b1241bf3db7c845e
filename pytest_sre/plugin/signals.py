"""Ends a session in order when the process is told to end: what was begun is undone, and judged."""

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

import pytest

# SIGHUP comes when a terminal is closed, SIGQUIT from its keyboard.
_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)
# Of Ctrl-C pressed twice, or held down, the second one is not meant for what the first began.
_ONE_PRESS_S: Final = 1.0

_Handler = Callable[[int, FrameType | None], None]


def end_in_order(code: int | None = None) -> Callable[[], None]:
    """From now on have signals end the session in order; Ctrl-C in pytest's own way.

    Those that the process ignores, as under nohup, stay ignored; so do further ones once one came,
    and for a second a further Ctrl-C.

    Args:
        code: pytest's exit code; 128 and the signal's number when None.

    Returns:
        What sets back how it was.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    handlers: dict[int, _Handler] = dict.fromkeys(_ENDING, _ending(code))
    handlers[signal.SIGINT] = _interrupting()
    before = {number: signal.getsignal(number) for number in handlers}
    ours = [n for n, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    for number in ours:
        signal.signal(number, handlers[number])

    def set_back() -> None:
        for number in ours:
            signal.signal(number, before[number])

    return set_back


def _ending(code: int | None) -> _Handler:
    def end(number: int, _frame: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        name = signal.Signals(number).name
        pytest.exit(f"stopped by {name}", returncode=128 + number if code is None else code)

    return end


def _interrupting() -> _Handler:
    pressed_at = -math.inf

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal pressed_at
        now = time.monotonic()
        if now - pressed_at < _ONE_PRESS_S:
            return
        pressed_at = now
        signal.default_int_handler(number, frame)

    return interrupt
