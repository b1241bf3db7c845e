"""When a call to Fly may be made again: only when nothing can happen twice by it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_sre.fly.answers import Answer

LONGEST_PAUSES_S = 15.0
"""How long all pauses of one call may be together, seconds."""

_PAUSES_S = (0.25, 0.75)
# A second or more: what Fly's limits count in.
_LIMITED_FACTOR = 5
_BROKEN_STATUSES = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Cut:
    """No complete answer: why, whether the request may have arrived, and whether time ran out."""

    reason: str
    was_sent: bool = True
    was_slow: bool = False


def planned_pauses_s() -> Iterator[float]:
    """Give the pause before each further try, so spread that many callers do not come at once."""
    for pause_s in _PAUSES_S:
        yield pause_s * random.uniform(0.5, 1.5)  # noqa: S311 - no secret depends on it


def pause_before_retry_s(method: str, outcome: Answer | Cut, planned_s: float) -> float | None:
    """Return how long to wait before the same call is made again; None when it must not be.

    Only a GET is repeated, and a call that found no connection or was refused as one too many.
    A try that used up its time is not: the next would, too.
    """
    if isinstance(outcome, Cut):
        is_safe = method == "GET" or not outcome.was_sent
        return planned_s if is_safe and not outcome.was_slow else None
    if outcome.status == 429:
        stated_s = outcome.retry_after_s
        return planned_s * _LIMITED_FACTOR if stated_s is None else max(planned_s, stated_s)
    return planned_s if method == "GET" and outcome.status in _BROKEN_STATUSES else None
