"""One load on a target at a time: a file locked on this machine, and a notice for the others.

The lock is the operating system's, so it ends with the process that holds it. The notice is a key
of the metadata of the app's first Machine, which changes neither its process nor its version and
keeps nobody from deploying. Who begins writes its own key, then looks for others: of two that
begin at once, at least one sees the other and refuses. A notice has its end in it, so that one
left behind by a process that was killed is not heeded for longer than its load would have taken.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

from pytest_sre.verdict import Inconclusive

NOTICE = "sre-load-"
"""Begins the keys of notices."""

_POLL_S = 0.1
_SPARE_S = 60.0


class Board(Protocol):
    """Where notices can be left that other machines see too."""

    def notices(self) -> Mapping[str, str]:
        """Give what is left there, by key."""

    def leave(self, key: str, text: str) -> None:
        """Leave a notice."""

    def remove(self, key: str) -> None:
        """Remove one."""


@contextlib.contextmanager
def load_lease(
    folder: Path, target: str, *, run: str, lasts_s: float, board: Board
) -> Iterator[None]:
    """Be the only one who puts load on a target.

    Another process of the same run is waited for; any other load is not.

    Args:
        folder: where lock files are kept.
        target: its name.
        run: which run this is.
        lasts_s: how long the load takes at most, seconds.
        board: where loads from other machines are told of.

    Raises:
        Inconclusive: another load is on.
        FlyError: the platform does not say whether there is one.
    """
    until_at = time.time() + lasts_s + _SPARE_S
    with _locked(folder, target, run, until_at), _noticed(board, target, run, until_at):
        yield


@contextlib.contextmanager
def _locked(folder: Path, target: str, run: str, until_at: float) -> Iterator[None]:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not removed at the end: another process may be waiting for this very file.
        file = (folder / f"{name}.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise Inconclusive(
            f"expected to write to {folder}, found: {error.strerror}\n"
            "there the loads of this machine take turns; make it writable",
            cause="own disk",
        ) from error
    with file:
        _wait(file, run, target)
        file.truncate(0)
        file.write(json.dumps({"run": run, "pid": os.getpid(), "until_at": until_at}))
        file.flush()
        try:
            yield
        finally:
            # Who takes it next does not say at once whose it is; nobody is to read our name then.
            file.truncate(0)


def _wait(file: IO[str], run: str, target: str) -> None:
    while not _took(file):
        holder = _holder(file)
        other = str(holder.get("run", run))
        until_at = float(str(holder.get("until_at", "inf")))
        if other != run or time.time() > until_at:
            raise _taken(target, f"the run {other}, process {holder.get('pid')}")
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


@contextlib.contextmanager
def _noticed(board: Board, target: str, run: str, until_at: float) -> Iterator[None]:
    own = f"{NOTICE}{secrets.token_hex(4)}"
    board.leave(own, f"{until_at:.0f} {run}")
    try:
        for key, text in board.notices().items():
            if key.startswith(NOTICE) and key != own:
                _heed(board, target, key, text)
        yield
    finally:
        board.remove(own)


def _heed(board: Board, target: str, key: str, text: str) -> None:
    ends, _, other = text.partition(" ")
    ends_at = float(ends) if re.fullmatch(r"\d{1,15}", ends) else 0.0
    if ends_at < time.time():
        board.remove(key)
        return
    clock = time.strftime("%H:%M:%S UTC", time.gmtime(ends_at))
    raise _taken(target, f"the run {other[:100]}, until {clock} at the latest")


def _taken(target: str, who: str) -> Inconclusive:
    return Inconclusive(
        f"expected no other load on {target}, found that of {who}\n"
        "two at once would judge each other; run it again when that one has ended",
        cause=f"another load on {target}",
    )


LeaseFor = Callable[[float], contextlib.AbstractContextManager[None]]
"""Gives the lease for a load of at most so many seconds."""
