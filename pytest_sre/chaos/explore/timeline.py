"""When each part of a schedule is due, for those who take its steps one by one. Pure.

That an operation comes to be in flight takes no time by this clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.explore.steps import AT_ONCE, Begin, Heal, Inject, Schedule, Wait


@dataclass(frozen=True)
class Begun:
    """An operation is to begin."""

    at_s: float
    operation: str


@dataclass(frozen=True)
class Struck:
    """A fault is to strike.

    Attributes:
        number: which of the schedule's faults, from 0.
    """

    at_s: float
    number: int
    fault: Action


@dataclass(frozen=True)
class Healed:
    """A fault is to end."""

    at_s: float
    number: int


Due = Begun | Struck | Healed


def due(schedule: Schedule) -> tuple[Due, ...]:
    """Say what is due when, seconds from the beginning, in order of time.

    Each fault that strikes is healed once: when it has lasted as long as it says, or at the next
    `Heal`. What is over at once is healed at once, in case it is not.
    """
    return tuple(sorted(_due(schedule), key=lambda each: each.at_s))


def _due(schedule: Schedule) -> Iterator[Due]:
    at_s, number = 0.0, 0
    on: dict[int, float] = {}
    for step in schedule.steps:
        match step:
            case Begin(operation):
                yield Begun(at_s, operation)
            case Inject(fault):
                yield Struck(at_s, number, fault)
                on[number] = at_s + (0.0 if isinstance(fault, AT_ONCE) else fault.lasts_s)
                number += 1
            case Wait(seconds):
                at_s += seconds
            case Heal():
                yield from (Healed(min(ends_s, at_s), which) for which, ends_s in on.items())
                on.clear()
    yield from (Healed(ends_s, which) for which, ends_s in on.items())
