"""Asking again until a check passes."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from pytest_sre.probes.outcome import shown_time
from pytest_sre.recording.rows import Flake
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.verdict import Inconclusive

T = TypeVar("T")


class _Failure(NamedTuple):
    text: str
    inconclusive: Inconclusive | None = None


def eventually(
    check: Callable[[], T],
    within: Duration = "30s",
    every: Duration = "250ms",
    on_flake: Callable[[Flake], None] | None = None,
) -> T:
    """Ask a check again until it passes.

    A check passes when it returns something true. A try that was begun in time counts, however
    long it takes, and there is always one try. The last try decides.

    Args:
        check: asserts, or returns whether it is so.
        within: how long to go on asking: a duration such as ``"30s"``, or seconds.
        every: the pause between two tries.
        on_flake: told about a check that failed first and passed later.

    Returns:
        What the check returned.

    Raises:
        AssertionError: it did not pass in time; the text says how the last try failed.
        Inconclusive: it did not pass in time, and the last try was inconclusive.
    """
    within_s, every_s = parse_duration_s(within), parse_duration_s(every)
    at, started = time.time(), time.monotonic()
    first: _Failure | None = None
    tries = 0
    while True:
        tries += 1
        result = _try(check)
        if not isinstance(result, _Failure):
            if first is not None and on_flake is not None:
                on_flake(_flake(check, at, tries, first))
            return result
        first = first or result
        elapsed_s = time.monotonic() - started
        if elapsed_s >= within_s:
            raise _gave_up(result, within_s, tries, elapsed_s)
        time.sleep(min(every_s, within_s - elapsed_s))


def _try(check: Callable[[], T]) -> T | _Failure:
    try:
        value = check()
        if value:
            return value
    except AssertionError as error:
        return _Failure(str(error) or "an assert without a text failed")
    except Inconclusive as error:
        return _Failure(error.reason, error)
    hint = " (a check that only asserts has to return True)" if value is None else ""
    return _Failure(f"returned {value!r}{hint}")


def _flake(check: Callable[[], object], at: float, tries: int, first: _Failure) -> Flake:
    what = getattr(check, "__qualname__", repr(check)).replace(".<locals>", "")
    return Flake(at=at, what=what, attempts=tries, first_failure=first.text)


def _gave_up(
    last: _Failure, within_s: float, tries: int, elapsed_s: float
) -> AssertionError | Inconclusive:
    counted = f"{tries} tries in {shown_time(elapsed_s)}" if tries > 1 else "1 try"
    text = f"expected to pass within {shown_time(within_s)}, failed {counted}; the last:\n"
    if last.inconclusive is None:
        return AssertionError(text + last.text)
    return Inconclusive(text + last.text, cause=last.inconclusive.cause)
