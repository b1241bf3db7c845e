"""Finds what a command that was executed in a Machine left running: it ends with the Machine."""

import os
from collections.abc import Iterator

import psutil

_CLOCK_TOLERANCE_S = 1.0


def left_behind(machine_id: str, since_at: float) -> Iterator[psutil.Process]:
    """Find the leaders of sessions that a command began in a Machine.

    Args:
        machine_id: whose; their environment says so.
        since_at: when the command was begun, Unix seconds.
    """
    for process in psutil.process_iter():
        try:
            is_new = process.create_time() >= since_at - _CLOCK_TOLERANCE_S
            if not is_new or os.getsid(process.pid) != process.pid:
                continue
            if process.environ().get("FLY_MACHINE_ID") == machine_id:
                yield process
        except (psutil.Error, OSError):
            continue


def is_same(process: psutil.Process) -> bool:
    """Whether a process still runs; its number may be another's by now."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
