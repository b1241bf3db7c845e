"""Clears up after servers that were killed, each with a state directory of its own."""

from pathlib import Path

from pytest_sre.local.files import PIDS_FILE, PLATFORM_FILE, remove_files
from pytest_sre.local.pids import reap
from pytest_sre.local.platform import LocalPlatform


def clear_leftovers(parent: Path) -> int:
    """End the Machines, and remove the files, of servers that run no more.

    Args:
        parent: the directory that holds the servers' state directories. Those of servers that
            still run are left alone, as is whatever is not a state directory.

    Returns:
        How many Machines were still running.
    """
    dead = [path.parent for path in parent.glob(f"*/{PLATFORM_FILE}") if _is_dead(path.parent)]
    ended = sum(reap(directory / PIDS_FILE) for directory in dead)
    for directory in dead:
        remove_files(directory)
    return ended


def _is_dead(state_dir: Path) -> bool:
    platform = LocalPlatform.attach(state_dir)
    if platform is None:
        return True
    platform.close()
    return False
