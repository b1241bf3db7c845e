"""Watches how much memory Machines use, and kills one that uses more than it has."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

import psutil

from pytest_sre.local.machines.lifecycle import Lifecycle

# Looking takes time of a processor, which is the Machines' too.
_PERIOD_S: Final = 0.25
_CALM_PERIOD_S: Final = 1.0
_CALM_SHARE: Final = 0.5
_MB: Final = 1024 * 1024


async def guard_memory(machines: Callable[[], Iterable[Lifecycle]]) -> None:
    """Look at each running Machine, until cancelled.

    Once a second while none uses more than half of what it has, four times a second otherwise.
    """
    period_s = _PERIOD_S
    while True:
        await asyncio.sleep(period_s)
        running = {each: roots(each) for each in machines() if each.execution.process}
        if not running:
            continue
        used = used_memory(pid for pids in running.values() for pid in pids)
        highest = 0.0
        for lifecycle, pids in running.items():
            used_bytes, has_bytes = sum(used[pid] for pid in pids), lifecycle.record.memory_mb * _MB
            highest = max(highest, used_bytes / has_bytes)
            if used_bytes > has_bytes:
                lifecycle.execution.out_of_memory(used_bytes)
        period_s = _PERIOD_S if highest > _CALM_SHARE else _CALM_PERIOD_S


def roots(lifecycle: Lifecycle) -> list[int]:
    """The roots of all that runs in a Machine: its process, and what was executed beside it."""
    execution = lifecycle.execution
    return [execution.process.pid, *execution.beside] if execution.process else []


def used_memory(pids: Iterable[int]) -> dict[int, int]:
    """Resident bytes of each of these processes with all that descend from it."""
    return {pid: sum(map(_resident, tree)) for pid, tree in process_trees(pids).items()}


def process_trees(pids: Iterable[int]) -> dict[int, list[psutil.Process]]:
    """Each of these processes with all that descend from it; empty for one that is gone."""
    children = _children_by_parent()
    return {pid: list(_tree(pid, children)) for pid in pids}


def _children_by_parent() -> dict[int, list[psutil.Process]]:
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process)
    return children


def _tree(pid: int, children: dict[int, list[psutil.Process]]) -> Iterable[psutil.Process]:
    try:
        yield psutil.Process(pid)
    except psutil.Error:
        return
    waiting = [pid]
    while waiting:
        found = children.get(waiting.pop(), [])
        yield from found
        waiting.extend(each.pid for each in found)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
