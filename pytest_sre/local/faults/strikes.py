"""Ends processes that faults say end: crash loops, and Machines out of memory."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from pytest_sre.local.faults.kinds import CrashLoop, OutOfMemory
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.machines.lifecycle import Lifecycle

_PERIOD_S: Final = 0.1
_MB: Final = 1024 * 1024


async def strike_processes(faults: Faults, machines: Callable[[], Iterable[Lifecycle]]) -> None:
    """While any fault is on, look at each running Machine ten times a second, until cancelled."""
    while True:
        await asyncio.sleep(_PERIOD_S)
        if faults.is_quiet:
            continue
        for lifecycle in machines():
            _strike(lifecycle)


def _strike(lifecycle: Lifecycle) -> None:
    record, execution = lifecycle.record, lifecycle.execution
    # One that is ending already would take a blow that is meant for the next.
    if record.state != "started" or not execution.goes_on:
        return
    crash = record.faults.strike(CrashLoop, record.site)
    if crash:
        execution.crash(crash.exit_code)
    elif record.faults.strike(OutOfMemory, record.site):
        execution.out_of_memory(record.memory_mb * _MB)
