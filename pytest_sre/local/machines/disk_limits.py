"""Lets the processes of Machines write to no file while a fault says that their disk is full.

Nothing is filled: the largest size of a file that a process may write (``RLIMIT_FSIZE``, the soft
limit) is 0 meanwhile, for all processes of the Machine, and then again what it was. A write fails
with EFBIG, and a process that does not ignore SIGXFSZ, which Python does, is ended by it.
"""

import contextlib
from collections.abc import Callable, Iterable

import psutil

from pytest_sre.local.faults.kinds import DiskFull
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.memory import process_trees, roots


class DiskLimits:
    """Who may write to no file now.

    Args:
        faults: those that are on.
        machines: gives all Machines.
    """

    def __init__(self, faults: Faults, machines: Callable[[], Iterable[Lifecycle]]) -> None:
        self._faults = faults
        self._machines = machines
        self._held: dict[psutil.Process, int] = {}
        self._full: set[Lifecycle] = set()

    def settle(self) -> None:
        """Make it as the faults have it now."""
        if self._faults.is_quiet and not self._full:
            return
        full = {each for each in self._machines() if _is_full(each)}
        limited = _processes(full)
        for process in limited - set(self._held):
            _hold(process, self._held)
        for process in set(self._held) - limited:
            _set_limit(process, self._held.pop(process), only_from=0)
        for process in _processes(self._full - full):
            # Begun too late to have been seen, by one that was held until now.
            _set_limit(process, _own_limit(), only_from=0)
        self._full = full


def can_limit() -> bool:
    """Whether this operating system lets one process limit what another writes."""
    return hasattr(psutil.Process, "rlimit")


def _is_full(lifecycle: Lifecycle) -> bool:
    record = lifecycle.record
    return record.faults.find(DiskFull, record.site) is not None


def _processes(machines: Iterable[Lifecycle]) -> set[psutil.Process]:
    pids = [pid for each in machines for pid in roots(each)]
    return {each for tree in process_trees(pids).values() for each in tree} if pids else set()


def _hold(process: psutil.Process, held: dict[psutil.Process, int]) -> None:
    with contextlib.suppress(psutil.Error):
        former, _ = process.rlimit(psutil.RLIMIT_FSIZE)
        # One that was begun by a process that is held has its limit.
        held[process] = former or _own_limit()
        _set_limit(process, 0)


def _set_limit(process: psutil.Process, size: int, *, only_from: int | None = None) -> None:
    with contextlib.suppress(psutil.Error):
        former, hard = process.rlimit(psutil.RLIMIT_FSIZE)
        if only_from in (None, former):
            process.rlimit(psutil.RLIMIT_FSIZE, (size, hard))


def _own_limit() -> int:
    """What each Machine's process begins with."""
    soft, _ = psutil.Process().rlimit(psutil.RLIMIT_FSIZE)
    return int(soft)
