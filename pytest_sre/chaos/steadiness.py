"""Whether a target is in its steady state, and how long it takes to come back to it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.verdict import Inconclusive

POLL_S: Final = 0.1


@dataclass(frozen=True)
class Seen:
    """One condition of the steady state, as it was seen.

    Attributes:
        name: what is looked at, such as ``journey checkout``.
        holds: whether it is as it should be; None when that could not be seen from here.
        said: what was found instead.
    """

    name: str
    holds: bool | None
    said: str = ""

    def __str__(self) -> str:
        words = {True: "holds", False: "does not hold", None: "could not be seen"}
        return f"{self.name} {words[self.holds]}{f': {self.said}' if self.said else ''}"


Look = Callable[[], Sequence[Seen]]
"""Looks at all conditions of the steady state once."""


def wait_until_steady(
    look: Look,
    *,
    within_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Wait until all conditions hold at once.

    Args:
        look: looks at them.
        within_s: how long that may take.
        clock: seconds of some clock.
        sleep: waits.

    Returns:
        How long it took, seconds.

    Raises:
        AssertionError: some condition still does not hold.
        Inconclusive: none is known not to hold, and some could not be seen.
    """
    began = clock()
    while True:
        looked = clock()
        found = look()
        if all(condition.holds for condition in found):
            return looked - began
        if clock() - began >= within_s:
            raise _unsteady(found, within_s)
        sleep(POLL_S)


def _unsteady(found: Sequence[Seen], within_s: float) -> AssertionError | Inconclusive:
    lines = "\n".join(f"  {condition}" for condition in sorted(found, key=_gravity))
    broken = sum(condition.holds is False for condition in found)
    if not broken:
        unseen = sum(condition.holds is None for condition in found)
        return Inconclusive(
            f"whether the steady state holds again could not be seen within {within_s:g} s: "
            f"{unseen} of {len(found)} conditions\n{lines}",
            cause="own network",
        )
    return AssertionError(
        f"the steady state does not hold again within {within_s:g} s: "
        f"{broken} of {len(found)} conditions\n{lines}"
    )


def _gravity(condition: Seen) -> int:
    return (False, None, True).index(condition.holds)
