"""Has a guardian stand by: the side of the process that is guarded."""

import atexit
import contextlib
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from pytest_sre.chaos.guardian.words import FAREWELL, READY, Group, forget_line, watch_line
from pytest_sre.undo.forking import keep_from_children

_READY_S: Final = 60.0
_FAREWELL_S: Final = 30.0


class NoGuardianError(Exception):
    """There is no guardian, so nothing may be changed."""


class Guardian:
    """Guards this process: another one undoes what is not undone when this one ends.

    Args:
        folder: the journal's.
        run: which run's changes are undone.
        undo_timeout_s: how long that may take, seconds.
    """

    def __init__(self, folder: Path, *, run: str, undo_timeout_s: float) -> None:
        self._told = (str(folder.absolute()), run, repr(undo_timeout_s), str(os.getpid()))
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._engaged = 0
        self._groups: set[Group] = set()

    @property
    def pid(self) -> int | None:
        """The process that guards; None before it stands."""
        return self._process.pid if self._process else None

    def stand(self) -> None:
        """Have it stand, ready; in place of one that is gone, a new one that knows what it knew.

        Raises:
            NoGuardianError: it could not be started.
        """
        with self._lock:
            if self._process is not None:
                if self._process.poll() is None:
                    return
                self._leave()
            self._process = self._started()
            for group in self._groups:
                self._say(watch_line(group))

    def engage(self) -> None:
        """Something is about to be changed."""
        with self._lock:
            self._engaged += 1

    def disengage(self) -> None:
        """It is undone, or was given up for good."""
        with self._lock:
            self._engaged -= 1

    def watch(self, leader: int, began_at: float) -> Group:
        """Have a process group end when this process does, before anything is undone.

        Args:
            leader: the process id of the group's leader.
            began_at: when that was started, as psutil says.

        Raises:
            NoGuardianError: there is none any more.
        """
        group = Group(leader, began_at)
        with self._lock:
            self.stand()
            self._groups.add(group)
            self._say(watch_line(group))
        return group

    def forget(self, group: Group) -> None:
        """Say that a process group has ended."""
        with self._lock:
            self._groups.discard(group)
            with contextlib.suppress(NoGuardianError):
                self._say(forget_line(group))

    def dismiss(self) -> None:
        """Let it go, unless something is not undone yet: then it stays until this process ends."""
        with self._lock:
            if self._process is None or self._engaged:
                return
            with contextlib.suppress(NoGuardianError):
                self._say(FAREWELL)
            self._leave()

    def _started(self) -> "subprocess.Popen[bytes]":
        # Not ``-m``: modules of the directory we happen to be in must not get in the way (-P), and
        # the package is found where this process found it.
        home = str(Path(__file__).parents[3])
        find = f"import sys; sys.path.append({home!r})"
        guard = f"{find}; from pytest_sre.chaos.guardian.watching import main; main()"
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", guard, *self._told],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise _none(str(error)) from None
        if process.stdin:
            keep_from_children(process.stdin)
        try:
            _await_ready(process)
        except BaseException:
            process.kill()
            _close(process)
            raise
        return process

    def _say(self, line: bytes) -> None:
        pipe = self._process.stdin if self._process else None
        try:
            if pipe is None:
                raise _none("none")
            pipe.write(line)
            pipe.flush()
        except (OSError, ValueError):
            raise _none("its end") from None

    def _leave(self) -> None:
        if self._process is not None:
            _close(self._process)
        self._process = None


_LOCK: Final = threading.Lock()
_GUARDIANS: Final[dict[tuple[int, Path, str], Guardian]] = {}


def standing_guardian(folder: Path, *, run: str, undo_timeout_s: float) -> Guardian:
    """Give the guardian of this process for a run; it stands when this returns.

    Args:
        folder: the journal's.
        run: which run's changes it undoes.
        undo_timeout_s: how long that may take, seconds; of who asks first.

    Raises:
        NoGuardianError: it could not be started.
    """
    key = os.getpid(), folder.absolute(), run
    with _LOCK:
        guardian = _GUARDIANS.get(key)
        if guardian is None:
            guardian = _GUARDIANS[key] = Guardian(folder, run=run, undo_timeout_s=undo_timeout_s)
    guardian.stand()
    return guardian


@atexit.register
def dismiss_guardians() -> None:
    """Let all guardians of this process go that have nothing to undo."""
    with _LOCK:
        mine = [each for (pid, _, _), each in _GUARDIANS.items() if pid == os.getpid()]
    for each in mine:
        each.dismiss()


def _await_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    with process.stdout as output:
        ready, _, _ = select.select([output], [], [], _READY_S)
        said = os.read(output.fileno(), len(READY)) if ready else b""
    if said != READY:
        raise _none("its end" if ready else f"nothing within {_READY_S:g} s")


def _close(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipe, and take note of its end if that comes soon."""
    with contextlib.suppress(OSError):
        if process.stdin:
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_FAREWELL_S)


def _none(found: str) -> NoGuardianError:
    return NoGuardianError(
        f"expected a guardian process that undoes what is left, found {found}\n"
        f"see whether {sys.executable} can be started here"
    )
