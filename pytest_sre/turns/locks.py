"""Turns between processes of one machine: a locked file, which ends with its process."""

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from pytest_sre.turns.purposes import Purpose
from pytest_sre.undo.forking import keep_from_children
from pytest_sre.verdict import Inconclusive

_POLL_S = 0.1


class Lock:
    """A lock that is held.

    Args:
        path: where its file is.
        file: the file, open and locked.
    """

    def __init__(self, path: Path, file: IO[str], text: str) -> None:
        self._path, self._file, self._text = path, file, text

    def lost(self) -> str:
        """Say why it no longer keeps others out; empty while it does."""
        ours = os.fstat(self._file.fileno())
        try:
            if not os.path.samestat(ours, self._path.stat()):
                return f"another file is in the place of its lock, {self._path}"
            if self._path.read_text("utf-8") != self._text:
                return f"its lock was overwritten: {self._path}"
        except OSError as error:
            return f"its lock is gone: {self._path}: {error.strerror}"
        return ""


@contextlib.contextmanager
def locked(
    purpose: Purpose, folder: Path, target: str, *, run: str, until_at: float
) -> Iterator[Lock]:
    """Hold the lock of a target; another process of the same run is waited for.

    Raises:
        Inconclusive: another run holds it, or there can be no lock.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", target)
    path = folder / f"{purpose.name}-{name}.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not removed at the end: another process may be waiting for this very file.
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise Inconclusive(
            f"expected to write to {folder}, found: {error.strerror}\n"
            "there the runs of this machine take turns; make it writable",
            cause="own disk",
        ) from error
    with file:
        keep_from_children(file)
        _wait(file, purpose, run, target)
        text = json.dumps({"run": run, "pid": os.getpid(), "until_at": until_at})
        file.truncate(0)
        file.write(text)
        file.flush()
        try:
            yield Lock(path, file, text)
        finally:
            # Who takes it next does not say at once whose it is; nobody is to read our name then.
            file.truncate(0)


def _wait(file: IO[str], purpose: Purpose, run: str, target: str) -> None:
    while not _took(file):
        holder = _holder(file)
        other = str(holder.get("run", run))
        until_at = float(str(holder.get("until_at", "inf")))
        if other != run or time.time() > until_at:
            raise purpose.taken(target, f"the run {other}, process {holder.get('pid')}")
        time.sleep(_POLL_S)


def _took(file: IO[str]) -> bool:
    """Take the lock, if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> Mapping[str, object]:
    file.seek(0)
    with contextlib.suppress(ValueError):
        found = json.loads(file.read())
        return found if isinstance(found, dict) else {}
    return {}
