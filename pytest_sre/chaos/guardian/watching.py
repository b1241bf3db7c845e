"""What a guardian does: waits for the end of another process, and undoes what that left.

What it imports at once is little, so that signals do not find it unprepared.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_sre.chaos.guardian.words import READY, Group, Heard, hear

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_CHUNK: Final = 1 << 16
_LOOK_AGAIN_S: Final = 0.002
# Its pipe is closed a moment before it is gone, and lets go of its locks.
_GONE_S: Final = 30.0
_KILLED_S: Final = 30.0


def main() -> None:
    """Guard the process that started this one. ``sys.argv`` has the folder of the journal, the
    run, the seconds that undoing may take, and the process id.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    folder, run, undo_timeout_s, guarded = sys.argv[1:]
    # Here, when nothing ends it any more, and yet before it is needed: it takes a moment.
    from pytest_sre.chaos.undoing.leftovers import undo_left
    from pytest_sre.undo.files import Journal

    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), READY)
    sys.stdout.close()
    heard = _hear_all()
    if heard.is_dismissed:
        return
    journal = Journal(Path(folder))
    _wait_for_end_of(int(guarded))
    _end(heard)
    _wait_until(lambda: not journal.are_held(int(guarded)), _GONE_S)
    undo_left(journal, run=run, timeout_s=float(undo_timeout_s))


def _hear_all() -> Heard:
    """Listen until nobody can say anything any more."""
    heard = Heard()
    while data := os.read(sys.stdin.fileno(), _CHUNK):
        heard = hear(heard, data)
    return heard


def _wait_for_end_of(guarded: int) -> None:
    # Its children get another parent, whoever takes note of its end.
    _wait_until(lambda: os.getppid() != guarded, _GONE_S)


def _end(heard: Heard) -> None:
    """Kill what must not outlive the guarded process, and wait until it is gone."""
    there = [group for group in heard.groups if not _is_anothers(group)]
    for group in there:
        with contextlib.suppress(OSError):
            os.killpg(group.leader, signal.SIGKILL)
    _wait_until(lambda: not any(map(_has_members, there)), _KILLED_S)


def _wait_until(condition: Callable[[], bool], within_s: float) -> None:
    until = time.monotonic() + within_s
    while not condition() and time.monotonic() < until:
        time.sleep(_LOOK_AGAIN_S)


def _is_anothers(group: Group) -> bool:
    """Whether the number was given to another process since."""
    import psutil

    try:
        return bool(abs(psutil.Process(group.leader).create_time() - group.began_at) > 1)
    except psutil.Error:
        # The leader is gone; while others of its group are there, nobody gets its number.
        return False


def _has_members(group: Group) -> bool:
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            is_member = os.getpgid(process.pid) == group.leader
            if is_member and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False
