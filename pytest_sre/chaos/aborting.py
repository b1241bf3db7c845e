"""Ends chaos early: asks conditions several times a second, and acts once on the first that trips.

On doubt it trips: a condition that raises, or that does not answer, cannot say that all is well.
Each is asked in a thread of its own, so that a slow one keeps no other from being heard.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

Ask = Callable[[], str]
"""Says why all chaos has to end now; empty while it need not."""

_EVERY_S: Final = 0.1
_LONGEST_S: Final = 30.0
_LEAVE_S: Final = 1.0


@dataclass(frozen=True)
class Condition:
    """When to end.

    Attributes:
        name: what it looks at, for people: ``the stop button``.
        ask: says why to end.
        every_s: how long to wait between two questions, seconds.
        answers_within_s: an answer that takes longer is none.
    """

    name: str
    ask: Ask
    every_s: float = _EVERY_S
    answers_within_s: float = _LONGEST_S


def overdue(lasts_s: float, *, clock: Callable[[], float] = time.monotonic) -> Condition:
    """Make a condition that ends it after so many seconds from now."""
    ends_at = clock() + lasts_s
    return Condition(
        "the time", lambda: f"its {lasts_s:g} s are over" if clock() >= ends_at else ""
    )


class AbortWatch:
    """Watches conditions while something is perturbed. A context manager.

    Leaving it waits until what the trip began has ended, and raises what that raised.

    Args:
        trip: told why, once, in another thread, as soon as a condition says so: undoes all.
    """

    def __init__(self, trip: Callable[[str], None]) -> None:
        self._trip = trip
        self._why = ""
        self._is_in_doubt = False
        self._error: BaseException | None = None
        self._is_on = False
        self._asked: list[_Asked] = []
        self._lock = threading.Lock()
        self._ends, self._noticed = threading.Event(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="sre-abort", daemon=True)

    @property
    def why(self) -> str:
        """Why it tripped; empty when it has not."""
        return self._why

    @property
    def is_in_doubt(self) -> bool:
        """Whether it tripped on doubt: the condition could not be asked, and says nothing."""
        return self._is_in_doubt

    def add(self, condition: Condition) -> None:
        """Watch a condition, too, from now on, or from when the watch is entered."""
        asked = _Asked(condition, self._ends, self._noticed)
        with self._lock:
            self._asked.append(asked)
            is_on = self._is_on
        if is_on:
            asked.begin()

    def __enter__(self) -> Self:
        with self._lock:
            self._is_on, before = True, list(self._asked)
        for asked in before:
            asked.begin()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._noticed.set()
        self._watcher.join()
        for asked in self._asked:
            asked.leave(_LEAVE_S)
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        while not self._ends.is_set():
            self._noticed.wait(_EVERY_S)
            self._noticed.clear()
            with self._lock:
                asked = list(self._asked)
            heard = [(each.why(), each.is_in_doubt) for each in asked]
            if tripped := next((each for each in heard if each[0]), None):
                self._is_in_doubt = tripped[1]
                self._why = tripped[0]
                self._act(self._why)
                return

    def _act(self, why: str) -> None:
        try:
            self._trip(why)
        except BaseException as error:  # noqa: BLE001 - raised again where the watch is left
            self._error = error


class _Asked:
    """A condition that is being asked."""

    def __init__(
        self, condition: Condition, ends: threading.Event, noticed: threading.Event
    ) -> None:
        self._condition, self._ends, self._noticed = condition, ends, noticed
        self._said = ""
        self._failed = False
        self._answered_s = time.monotonic()
        self._thread = threading.Thread(
            target=self._keep_asking, name=f"sre-abort: {condition.name}", daemon=True
        )

    def begin(self) -> None:
        """Ask from now on."""
        self._answered_s = time.monotonic()
        self._thread.start()

    def leave(self, within_s: float) -> None:
        """Wait until it is asked no more; one that hangs is left to itself."""
        self._thread.join(within_s)

    def why(self) -> str:
        """Say why to end, if the condition does, or if it says nothing any more."""
        condition, silent_s = self._condition, time.monotonic() - self._answered_s
        if not self._said and silent_s > condition.every_s + condition.answers_within_s:
            return f"{condition.name} has not answered for {silent_s:.0f} s"
        return self._said

    @property
    def is_in_doubt(self) -> bool:
        """Whether what is said is not the condition's own word."""
        return self._failed or not self._said

    def _keep_asking(self) -> None:
        while not self._said:
            self._said = self._ask()
            self._answered_s = time.monotonic()
            if self._said or self._ends.wait(self._condition.every_s):
                break
        self._noticed.set()

    def _ask(self) -> str:
        try:
            return self._condition.ask()
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody watches any more
            self._failed = True
            return f"{self._condition.name} cannot be asked: {type(error).__name__}: {error}"
