"""Undoes changes, many at once, and reads back that they are undone."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pytest_sre.chaos.changes.change import Change
from pytest_sre.chaos.hands import Hands, Vanished
from pytest_sre.chaos.undoing.abreast import AT_ONCE, Abreast, one
from pytest_sre.chaos.undoing.deciding import Again, Attempt, deadlines_of, decide
from pytest_sre.chaos.undoing.tags import Tag, remove_tag
from pytest_sre.fly.errors import FlyError, RateLimited
from pytest_sre.local.platform import LocalPlatformError

ATTEMPT_S: Final = 10.0
"""An attempt that hangs for longer than what it undoes takes is left alone, and made again."""
_SPARE_S: Final = 1.0


@dataclass(frozen=True)
class Open:
    """A change that has to be undone.

    Attributes:
        change: the change.
        made_at: when its act had returned, Unix seconds; None when nobody knows whether it was
            begun.
        tag: what tells of it in a Machine's metadata; None when nothing does.
    """

    change: Change
    made_at: float | None
    tag: Tag | None = None


@dataclass(frozen=True)
class Settled:
    """What came of undoing a change.

    Attributes:
        is_clean: it was read back that nothing of it is left.
        why: what was in the way, in a line; empty when it is clean.
    """

    is_clean: bool
    why: str = ""


def settle(
    opened: Sequence[Open],
    hands: Hands,
    *,
    timeout_s: float,
    proven: Callable[[int], None],
) -> list[Settled]:
    """Undo changes, all at once; give what came of each, in their order.

    Args:
        opened: the changes.
        hands: by what.
        timeout_s: how long that may take.
        proven: told the number of each that is undone, as soon as it is; in a thread. Should it
            raise, the change is not clean.
    """
    turns = threading.Semaphore(AT_ONCE)
    # Those that wait for a fence are in nobody's way.
    works = [
        partial(_settled, _Settling(each, hands, turns, timeout_s), partial(proven, number))
        for number, each in enumerate(opened)
    ]
    changes = [each.change for each in opened]
    limit_s = longest_s(changes, timeout_s=timeout_s, in_flight_s=hands.in_flight_s)
    return [
        Settled(is_clean=False, why=_in_a_line(found)) if isinstance(found, Exception) else found
        for found in Abreast(works, at_once=len(works)).results(limit_s)
    ]


def longest_s(changes: Iterable[Change], *, timeout_s: float, in_flight_s: float) -> float:
    """Say how long it takes at most to settle changes, seconds.

    Args:
        changes: the changes.
        timeout_s: how long undoing may take.
        in_flight_s: how long a call that was given up may still take effect.
    """
    takes_s = max((each.takes_s for each in changes), default=0.0)
    return timeout_s + in_flight_s + takes_s + ATTEMPT_S + _SPARE_S


def _settled(settling: "_Settling", proven: Callable[[], None]) -> Settled:
    found = settling.run()
    if found.is_clean:
        proven()
    return found


class _Settling:
    """Undoes one change.

    Args:
        opened: the change.
        hands: by what.
        turns: has to be held while the platform is asked.
        timeout_s: how long that may take.
    """

    def __init__(
        self, opened: Open, hands: Hands, turns: threading.Semaphore, timeout_s: float
    ) -> None:
        self._opened, self._hands, self._turns = opened, hands, turns
        made_at = opened.made_at
        self._deadlines = deadlines_of(
            made_s=None if made_at is None else time.time() - made_at,
            now=time.monotonic(),
            in_flight_s=hands.in_flight_s + opened.change.takes_s,
            timeout_s=timeout_s,
        )
        self._why = ""

    def run(self) -> Settled:
        """Undo it; give what came of it."""
        last: Attempt | None = None
        failures = 0
        while isinstance(step := decide(self._deadlines, last, failures, time.monotonic()), Again):
            time.sleep(max(0.0, step.at - time.monotonic()))
            try:
                last = self._attempt()
            except Vanished:
                return Settled(is_clean=True)
            failures = 0 if last.is_proven else failures + 1
        return Settled(step.is_clean, "" if step.is_clean else self._why)

    def _attempt(self) -> Attempt:
        with self._turns:
            began_at = time.monotonic()
            within_s = ATTEMPT_S + self._opened.change.takes_s
            try:
                is_proven = one(lambda: self._undo(began_at), within_s=within_s)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                if self._hands.have_vanished:
                    raise Vanished from None
                self._why = _in_a_line(error)
                return Attempt(began_at, is_proven=False, asked_pause_s=_asked_pause_s(error))
        if not is_proven:
            self._why = "it was undone, and read back that it is not"
        return Attempt(began_at, is_proven)

    def _undo(self, began_at: float) -> bool:
        change, tag = self._opened.change, self._opened.tag
        change.undo(self._hands)
        if not change.is_undone(self._hands):
            return False
        # What is told of it goes last, and only when it can no longer take effect.
        if tag and began_at >= self._deadlines.fenced_until:
            remove_tag(self._hands.fly, tag)
        return True


def _asked_pause_s(error: Exception) -> float:
    return (error.retry_after_s or 0.0) if isinstance(error, RateLimited) else 0.0


def _in_a_line(error: Exception) -> str:
    known = isinstance(error, FlyError | LocalPlatformError | TimeoutError)
    said = "; ".join(str(error).splitlines())
    return said if known else f"{type(error).__name__}: {said}"
