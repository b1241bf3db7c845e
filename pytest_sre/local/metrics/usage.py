"""What Machines use of this computer, asked of the system."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from pytest_sre.local.machines.memory import process_trees


@dataclass(frozen=True, slots=True)
class Usage:
    """What one Machine's processes use, together.

    Args:
        memory_bytes: resident memory; pages that they share count for each.
        user_s: CPU time in user mode since they started, seconds.
        system_s: CPU time in the kernel since they started, seconds.
        open_files: their open file descriptors.
        read_bytes: read from disk since they started.
        written_bytes: written to disk since they started.
    """

    memory_bytes: int = 0
    user_s: float = 0.0
    system_s: float = 0.0
    open_files: int = 0
    read_bytes: int = 0
    written_bytes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.memory_bytes + other.memory_bytes,
            self.user_s + other.user_s,
            self.system_s + other.system_s,
            self.open_files + other.open_files,
            self.read_bytes + other.read_bytes,
            self.written_bytes + other.written_bytes,
        )


@dataclass(frozen=True, slots=True)
class FileSystem:
    """How full a file system is, in blocks of ``block_size`` bytes."""

    block_size: int
    blocks: int
    free: int
    available: int


def usage_of(pids: Iterable[int]) -> dict[int, Usage]:
    """What each of these processes uses, with all that descend from it."""
    trees = process_trees(pids)
    return {pid: sum(map(_usage, tree), start=Usage()) for pid, tree in trees.items()}


def file_system_of(path: Path) -> FileSystem | None:
    """The file system that holds a path; None when there is no such path."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return FileSystem(found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail)


def _usage(process: psutil.Process) -> Usage:
    try:
        with process.oneshot():
            times = process.cpu_times()
            # A child that was waited for is counted by its parent, and by itself no more.
            user_s = times.user + getattr(times, "children_user", 0.0)
            system_s = times.system + getattr(times, "children_system", 0.0)
            read_bytes, written_bytes = _disk_bytes(process)
            memory_bytes, files = process.memory_info().rss, process.num_fds()
    except psutil.Error:
        return Usage()
    return Usage(memory_bytes, user_s, system_s, files, read_bytes, written_bytes)


def _disk_bytes(process: psutil.Process) -> tuple[int, int]:
    # Not on macOS.
    ask: Callable[[], object] | None = getattr(process, "io_counters", None)
    found = ask() if ask else None
    return getattr(found, "read_bytes", 0), getattr(found, "write_bytes", 0)
