"""Keeps a client's calls within the platform's rate limits."""

import threading
import time
from collections.abc import Callable

from pytest_sre.fly.limits import action_of

_MOST_REMEMBERED = 4096


class Throttle:
    """Tells each call how long to wait, so that Fly need not refuse it.

    One for all that share a token. Safe to use from several threads.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rested_at: dict[tuple[str, str], float] = {}

    def wait_s(self, method: str, path: str) -> float:
        """Count a call, and say how many seconds it has to wait before it is made."""
        action = action_of(method, path)
        if action is None:
            return 0.0
        key = (action.name, action.subject)
        with self._lock:
            now = self._clock()
            self._forget(now)
            rested_at = self._rested_at.get(key, now)
            wait_s, self._rested_at[key] = action.limit.admit(rested_at, now)
        return wait_s

    def _forget(self, now: float) -> None:
        if len(self._rested_at) > _MOST_REMEMBERED:
            self._rested_at = {key: at for key, at in self._rested_at.items() if at > now}
