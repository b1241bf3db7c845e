"""Whose intents are: whether the process still runs that wrote one, and which one holds it."""

import os
from pathlib import Path
from typing import Final

from pytest_sre.undo.journal import Intent

_LOCKS: Final = Path("/proc/locks")
# Both times are rounded, and of clocks that are set now and then.
_TOLERANCE_S: Final = 1.0


def is_running(intent: Intent) -> bool:
    """Whether the process runs whose an intent is; not one that was given its number since."""
    # Heavy, and seldom needed.
    import psutil

    if intent.pid <= 0:
        return False
    try:
        process = psutil.Process(intent.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.create_time() <= intent.at + _TOLERANCE_S)
    except psutil.Error:
        return False


def holder_of(file: Path) -> int | None:
    """Say which process holds a file locked; None when none does, or nobody says so here."""
    try:
        lines = _LOCKS.read_text("ascii").splitlines()
        its = file.stat()
    except (OSError, ValueError):
        return None
    place = f"{os.major(its.st_dev):02x}:{os.minor(its.st_dev):02x}:{its.st_ino}"
    return next((pid for line in lines if (pid := _pid_in(line, place))), None)


def _pid_in(line: str, place: str) -> int | None:
    """Read proc_locks(5): ``1: FLOCK ADVISORY WRITE 4711 08:01:1234 0 EOF``."""
    match line.split():
        case [_, "FLOCK", _, "WRITE", pid, there, *_] if there == place:
            # Zero and below: a process that cannot be seen from here.
            return int(pid) if pid.isdecimal() else None
    return None
