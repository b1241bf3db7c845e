"""Which schedules are shorter than one that breaks something, likeliest first. Pure.

Hypothesis would shrink the choices by which a schedule was drawn. To play one takes seconds, so it
is shortened as the value it is: most often an operation and the fault behind it are enough.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from pytest_sre.chaos.explore.steps import AT_ONCE, Begin, Inject, Schedule, Step, Wait

LASTS_S: Final = (0.3, 1.2, 2.5)
"""How long a fault may last."""
WAITS_S: Final = (0.3, 1.0)
_FEW: Final = (2, 3)


def size(schedule: Schedule) -> tuple[int, float, int]:
    """Say how long a schedule is: its steps, its seconds, and how often it is a close thing."""
    lasting = sum(fault.lasts_s for fault in schedule.faults if not isinstance(fault, AT_ONCE))
    waiting = sum(step.seconds for step in schedule.steps if isinstance(step, Wait))
    hasty = sum(isinstance(step, Begin) and step.at_once for step in schedule.steps)
    return len(schedule.steps), lasting + waiting, hasty


def shorter(schedule: Schedule) -> Iterator[Schedule]:
    """Give the schedules that are made from one by leaving out or shortening; each once."""
    given = {schedule}
    for steps in _candidates(schedule.steps):
        found = Schedule(steps).tidied()
        if found.steps and found not in given and size(found) < size(schedule):
            given.add(found)
            yield found


def _candidates(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    for length in _FEW:
        windows = (steps[at : at + length] for at in range(len(steps) - length + 1))
        yield from (each for each in windows if {Begin, Inject} <= set(map(type, each)))
    length = len(steps) // 2
    while length:
        yield from (
            (*steps[:at], *steps[at + length :]) for at in range(0, len(steps) - length + 1, length)
        )
        length //= 2
    for at, step in enumerate(steps):
        yield from ((*steps[:at], easier, *steps[at + 1 :]) for easier in _easier(step))


def _easier(step: Step) -> Iterator[Step]:
    match step:
        case Begin(operation, True):
            yield Begin(operation)
        case Wait(seconds):
            yield from (Wait(less) for less in WAITS_S if less < seconds)
        case Inject(fault) if not isinstance(fault, AT_ONCE):
            for less in LASTS_S:
                if less < fault.lasts_s:
                    yield Inject(msgspec.structs.replace(fault, lasts_s=less))
        case _:
            pass
