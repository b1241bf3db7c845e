"""Does several things at once, and waits for them no longer than it has to.

In threads that end with the process: what hangs keeps nobody from leaving. Where none can be
started, as when Python 3.12 ends, things are done one after the other.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 8
"""How many calls are made at once: what the platform takes without complaint."""


class Abreast(Generic[T]):
    """Things that are done at once, from the moment this is made.

    Args:
        works: what is to be done.
        at_once: how many of them at a time.
    """

    def __init__(self, works: Sequence[Callable[[], T]], *, at_once: int = AT_ONCE) -> None:
        self._turns = threading.Semaphore(at_once)
        self._is_ending = threading.Event()
        self._results: list[list[T | Exception]] = [[] for _ in works]
        self._returned = [threading.Event() for _ in works]
        for number, work in enumerate(works):
            run = threading.Thread(target=self._run, args=(number, work), name="chaos", daemon=True)
            try:
                run.start()
            except RuntimeError:
                self._run(number, work)

    def results(self, within_s: float) -> list[T | Exception]:
        """Wait for all; give what each brought, in their order.

        Args:
            within_s: how long to wait; what has not returned by then is a TimeoutError.
        """
        self._wait(within_s)
        late = TimeoutError(f"no answer within {within_s:g} s")
        return [brought[0] if brought else late for brought in self._results]

    def end(self, within_s: float) -> bool:
        """Begin nothing more, and wait for what was begun; whether all of that has returned."""
        self._is_ending.set()
        return self._wait(within_s)

    def _wait(self, within_s: float) -> bool:
        until = time.monotonic() + within_s
        return all(each.wait(max(0.0, until - time.monotonic())) for each in self._returned)

    def _run(self, number: int, work: Callable[[], T]) -> None:
        with self._turns:
            self._results[number].append(self._brought(work))
        self._returned[number].set()

    def _brought(self, work: Callable[[], T]) -> T | Exception:
        if self._is_ending.is_set():
            return TimeoutError("it was not begun")
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whoever asks is told
            return error


def one(work: Callable[[], T], *, within_s: float) -> T:
    """Do it; give what it brought.

    Raises:
        TimeoutError: it took too long, and may be done yet.
    """
    (result,) = Abreast([work]).results(within_s)
    if isinstance(result, Exception):
        raise result
    return result
