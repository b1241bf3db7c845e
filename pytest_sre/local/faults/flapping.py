"""Has the checks of Machines flap while a fault says so, whatever their interval."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from pytest_sre.local.faults.kinds import CheckFlap
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.machines.lifecycle import Lifecycle

_PERIOD_S: Final = 0.1


async def flap_checks(faults: Faults, machines: Callable[[], Iterable[Lifecycle]]) -> None:
    """Tell ten times a second what checks that flap say now, until cancelled."""
    flapping: set[str] = set()
    while True:
        await asyncio.sleep(_PERIOD_S)
        if faults.is_quiet and not flapping:
            continue
        flapping = _told_again(faults, machines(), flapping)


def _told_again(faults: Faults, machines: Iterable[Lifecycle], before: set[str]) -> set[str]:
    """Tell it of each Machine whose checks flap or did; the ids of those that do."""
    now = set()
    for lifecycle in machines:
        record = lifecycle.record
        if record.state != "started":
            continue
        if faults.find(CheckFlap, record.site):
            now.add(record.id)
        if record.id in before | now:
            lifecycle.tell_checks_again()
    return now
