"""Waits for what comes about by itself, as long as a busy machine may need for it."""

import time
from collections.abc import Callable
from typing import TypeVar

WITHIN_S = 120.0
_LOOK_AGAIN_S = 0.02

Found = TypeVar("Found")


def until(condition: Callable[[], Found], describe: Callable[[], str] | None = None) -> Found:
    """Ask again and again until the answer is truthy; that answer.

    Args:
        condition: what is asked.
        describe: says what is the matter, when it does not come about in time.
    """
    deadline = time.monotonic() + WITHIN_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(
                describe() if describe else f"not within {WITHIN_S:.0f} s, last: {found!r}"
            )
        time.sleep(_LOOK_AGAIN_S)
    return found
