"""Keeps signals away while something is undone, and has them take effect afterwards."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

# SIGALRM is how a test's time limit interrupts it.
_KEPT_AWAY: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM")
    if hasattr(signal, name)
)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal end what is done within; the first that came takes effect at its end.

    Signals interrupt the main thread only, so nothing is to be done in another one. A process that
    ignores a signal goes on ignoring it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.getsignal(number) for number in _KEPT_AWAY}
    # One that was not set from Python could not be set back.
    ours = [n for n, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    try:
        for number in ours:
            signal.signal(number, keep)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
        if came:
            signal.raise_signal(came[0])
