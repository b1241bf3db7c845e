"""The file that remembers which processes are Machines, for when the server is killed."""

import contextlib
from pathlib import Path

import msgspec
import psutil

from pytest_sre.local.files import write_whole
from pytest_sre.local.machines.process import kill_group


class _Entry(msgspec.Struct, frozen=True):
    pid: int
    created_at: float


class PidFile:
    """The Machines' process ids, on disk.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[int, _Entry] = {}

    def add(self, pid: int) -> None:
        """A Machine's process was started."""
        with contextlib.suppress(psutil.Error):
            self._entries[pid] = _Entry(pid, psutil.Process(pid).create_time())
            self._write()

    def remove(self, pid: int) -> None:
        """It ended."""
        if self._entries.pop(pid, None):
            self._write()

    def _write(self) -> None:
        write_whole(self._path, msgspec.json.encode(list(self._entries.values())))


def reap(path: Path) -> int:
    """Kill the Machines that a killed server left behind, and forget them.

    A process id that was used again since, for something else, is left alone.

    Returns:
        How many were still running.
    """
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=list[_Entry])
    except (OSError, msgspec.DecodeError):
        entries = []
    left = [entry for entry in entries if _is_running(entry)]
    for entry in left:
        kill_group(entry.pid)
    path.unlink(missing_ok=True)
    return len(left)


def _is_running(entry: _Entry) -> bool:
    try:
        process = psutil.Process(entry.pid)
        same = abs(process.create_time() - entry.created_at) < 1
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
