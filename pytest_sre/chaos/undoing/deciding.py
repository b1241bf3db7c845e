"""When a change is tried to be undone again, is undone, or is given up. Pure.

An act that was given up, or whose process was killed, may still be on its way: it is undone at
once, and again when it can no longer take effect. That is the fence.
"""

from dataclasses import dataclass
from typing import Final

_FIRST_PAUSE_S: Final = 0.03
_GROWTH: Final = 1.5
_LONGEST_PAUSE_S: Final = 1.0
# However short the time is that undoing is given: so much of it is after the fence.
_LEAST_S: Final = 2.0


@dataclass(frozen=True)
class Deadlines:
    """Within which times a change is undone, seconds of one clock.

    Attributes:
        fenced_until: the act may take effect as late as that.
        give_up_at: from then on it is not tried any more.
    """

    fenced_until: float
    give_up_at: float


@dataclass(frozen=True)
class Attempt:
    """How undoing it went once, seconds of the same clock.

    Attributes:
        began_at: when it was begun.
        is_proven: whether it was read back then that nothing of the change is left.
        asked_pause_s: how long the platform asks to wait before it is asked again.
    """

    began_at: float
    is_proven: bool
    asked_pause_s: float = 0.0


@dataclass(frozen=True)
class Again:
    """Try it at this time."""

    at: float


@dataclass(frozen=True)
class Over:
    """Do nothing more: it is undone, or that could not be done in time."""

    is_clean: bool


def deadlines_of(
    *, made_s: float | None, now: float, in_flight_s: float, timeout_s: float
) -> Deadlines:
    """Say within which times a change is undone.

    Args:
        made_s: how long ago its act had returned; None when nobody knows whether it was begun.
        now: when undoing begins.
        in_flight_s: how long a call that was given up may still take effect.
        timeout_s: how long undoing may take.
    """
    # It was written down by another clock, which may have been set since.
    ago_s = 0.0 if made_s is None else min(max(made_s, 0.0), in_flight_s)
    fenced_until = now + in_flight_s - ago_s
    return Deadlines(fenced_until, max(now + timeout_s, fenced_until + _LEAST_S))


def decide(deadlines: Deadlines, last: Attempt | None, failures: int, now: float) -> Again | Over:
    """Say what to do next.

    Args:
        deadlines: within which times.
        last: how it went the last time; None before the first.
        failures: how many attempts in a row proved nothing.
        now: the clock.
    """
    if last is None:
        return Again(now)
    if last.is_proven and last.began_at >= deadlines.fenced_until:
        return Over(is_clean=True)
    if now >= deadlines.give_up_at:
        return Over(is_clean=False)
    if last.is_proven:
        return Again(max(now, deadlines.fenced_until))
    pause_s = max(pause_after_s(failures), last.asked_pause_s)
    # However long it was asked to wait, it is tried once more before it is given up.
    return Again(max(now, min(now + pause_s, deadlines.give_up_at)))


def pause_after_s(failures: int) -> float:
    """How long to wait after so many failures in a row, seconds: from 0.03 to 1."""
    return min(_FIRST_PAUSE_S * _GROWTH ** min(failures, 20), _LONGEST_PAUSE_S)
