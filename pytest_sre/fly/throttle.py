"""Keeps a client's calls within the platform's rate limits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pytest_sre.fly.limits import Action, action_of

_MOST_REMEMBERED = 4096


@dataclass(frozen=True)
class Turn:
    """A call that was counted.

    Args:
        wait_s: how long it has to wait before it is made, seconds.
        action: what it counts as; None when nothing limits it.
        number: how many calls were counted with it so far, itself among them.
    """

    wait_s: float = 0.0
    action: Action | None = None
    number: int = 0


@dataclass(frozen=True)
class _Counted:
    """The calls of one action.

    Args:
        number: how many they were.
        rested_at: when they will be made up for.
    """

    number: int
    rested_at: float


class Throttle:
    """Tells each call how long to wait, so that Fly need not refuse it.

    Fly counts a call when it arrives. A call that was long on its way arrives closer to those
    after it than it was sent, so its answer counts, too: by then at the latest it had arrived.

    One for all that share a token. Safe to use from several threads.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[Action, _Counted] = {}

    def take(self, method: str, path: str) -> Turn:
        """Count a call, and say how many seconds it has to wait before it is made."""
        action = action_of(method, path)
        if action is None:
            return Turn()
        with self._lock:
            now = self._clock()
            self._forget(now)
            so_far = self._counted.get(action, _Counted(0, now))
            wait_s, rested_at = action.limit.admit(so_far.rested_at, now)
            self._counted[action] = _Counted(so_far.number + 1, rested_at)
        return Turn(wait_s, action, so_far.number + 1)

    def answered(self, turn: Turn) -> None:
        """Count a call from now on that had its turn, and those that were counted after it."""
        if turn.action is None:
            return
        with self._lock:
            so_far = self._counted.get(turn.action)
            if so_far is None:
                return
            since = so_far.number - turn.number + 1
            rested_at = self._clock() + since / turn.action.limit.per_s
            latest_at = max(so_far.rested_at, rested_at)
            self._counted[turn.action] = _Counted(so_far.number, latest_at)

    def _forget(self, now: float) -> None:
        if len(self._counted) > _MOST_REMEMBERED:
            self._counted = {key: one for key, one in self._counted.items() if one.rested_at > now}
