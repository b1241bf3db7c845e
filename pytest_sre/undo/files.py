"""Keeps intents in a folder, each in a file that its process holds locked."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from pytest_sre.undo.forking import keep_from_children
from pytest_sre.undo.journal import (
    BrokenIntentError,
    Entry,
    Intent,
    made_line,
    read_entry,
    written,
)

BROKEN: Final = "broken"
"""The kind of what cannot be read."""

_UNFINISHED: Final = ".new"
# On a busy machine, who looks at an intent may have to wait in the midst of it.
_LOOKED_AT_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.001


def undo_dir(root: Path) -> Path:
    """Where a project's intents are."""
    return root / ".sre" / "undo"


class Kept:
    """An intent on disk, held by this process."""

    def __init__(self, entry: Entry, path: Path, file: BinaryIO) -> None:
        self.intent, self._made_at = entry.intent, entry.made_at
        self._path, self._file = path, file
        keep_from_children(file)

    @property
    def made_at(self) -> float | None:
        """When the act had returned, Unix seconds; None when nobody knows whether it was begun."""
        return self._made_at

    def made(self) -> None:
        """Add that the act has returned; where that cannot be written, undoing takes longer."""
        self._made_at = time.time()
        with contextlib.suppress(OSError):
            self._file.write(made_line(self._made_at))
            self._file.flush()

    def done(self) -> None:
        """Remove it: it is proven that nothing of it is left.

        Raises:
            OSError: it cannot be removed.
        """
        self._path.unlink(missing_ok=True)
        _sync(self._path.parent)
        self.leave()

    def leave(self) -> None:
        """Hold it no more: what it says is left for others to undo."""
        # What could not be written before would be tried again by closing.
        with contextlib.suppress(OSError):
            self._file.close()


class Journal:
    """The intents of a project.

    Args:
        folder: where they are; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def intend(
        self,
        kind: str,
        *,
        run: str,
        target: str,
        what: Mapping[str, str],
        not_after: float | None = None,
    ) -> Kept:
        """Write an intent down; it is on disk when this returns.

        Raises:
            OSError: it could not be written; then nothing may be done.
        """
        made = f"{kind}-{secrets.token_hex(6)}"
        intent = Intent(
            id=made,
            kind=kind,
            at=time.time(),
            run=run,
            target=target,
            what=what,
            not_after=not_after,
            pid=os.getpid(),
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{made}.json"
        unfinished = path.with_suffix(f".{os.getpid()}{_UNFINISHED}")
        file = unfinished.open("xb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(written(intent))
            file.flush()
            os.fsync(file.fileno())
            unfinished.rename(path)
            _sync(self.folder)
        except BaseException:
            with contextlib.suppress(OSError):
                file.close()
            # Renamed or not: nothing was done yet.
            for each in (unfinished, path):
                with contextlib.suppress(OSError):
                    each.unlink(missing_ok=True)
            raise
        return Kept(Entry(intent), path, file)

    def left(self, run: str | None = None) -> tuple[Intent, ...]:
        """Give the intents that no process holds: those of processes that were killed.

        One that cannot be read is given, too, with the kind ``broken``; of no run.

        Args:
            run: only those of this run; of all when None.

        Raises:
            OSError: the folder cannot be read, so that nobody knows what is left.
        """
        seen = self._seen()
        return tuple(one for one, is_held in seen if not is_held and run in (None, one.run))

    def held(self) -> tuple[Intent, ...]:
        """Give the intents that a process holds: whose they are, or who undoes them.

        Raises:
            OSError: the folder cannot be read.
        """
        return tuple(one for one, is_held in self._seen() if is_held)

    def ids(self) -> frozenset[str]:
        """Give the ids of all that is there, whoever holds it.

        Raises:
            OSError: the folder cannot be read.
        """
        return frozenset(path.stem for path in self._files())

    def are_held(self, pid: int) -> bool:
        """Whether intents of a process are held, by it or by who undoes them.

        A process that was killed holds them for a moment longer than it can be seen.

        Raises:
            OSError: the folder cannot be read.
        """
        return any(intent.pid == pid for intent in self.held())

    def file_of(self, intent: Intent) -> Path:
        """Give the file that an intent is in."""
        return self.folder / f"{intent.id}.json"

    @contextlib.contextmanager
    def taken(self, intent: Intent) -> Iterator[Kept | None]:
        """Hold one that was left, to undo it; None when another process does so, or has.

        Raises:
            OSError: its file cannot be opened.
        """
        with self._taken(self.file_of(intent)) as kept:
            yield kept

    def all(self) -> tuple[Intent, ...]:
        """Give all intents there are, whoever holds them; as of ``left``, broken ones, too.

        Raises:
            OSError: the folder cannot be read.
        """
        return tuple(intent for intent, _ in self._seen())

    def prove_writable(self) -> None:
        """Pass when an intent could be written now, down to the disk.

        Raises:
            OSError: it could not.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        probe = self.folder / f"probe-{secrets.token_hex(6)}{_UNFINISHED}"
        try:
            with probe.open("xb") as file:
                file.write(b"{}")
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        try:
            there = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        for path in there:
            if path.suffix == _UNFINISHED:
                _sweep(path)
        return [path for path in there if path.suffix == ".json"]

    def _seen(self) -> list[tuple[Intent, bool]]:
        """All intents, each with whether a process holds it."""
        return [seen for seen in map(_look_at, self._files()) if seen]

    @contextlib.contextmanager
    def _taken(self, path: Path) -> Iterator[Kept | None]:
        with contextlib.ExitStack() as opened:
            try:
                file = opened.enter_context(path.open("rb"))
            except FileNotFoundError:
                yield None
                return
            # Removed between being opened and being locked: it is done.
            is_taken = _take(file) and path.exists()
            yield Kept(_read(path, file), path, file) if is_taken else None


def _look_at(path: Path) -> tuple[Intent, bool] | None:
    try:
        with path.open("rb") as looked_at:
            keep_from_children(looked_at)
            # Who looks shares the lock: only a holder is in the way, and nobody takes it for one.
            is_held = not _locks(looked_at, fcntl.LOCK_SH)
            return (_read(path, looked_at).intent, is_held) if path.exists() else None
    except FileNotFoundError:
        return None
    except OSError as error:
        return _broken(path, f"it cannot be read: {error}").intent, False


def _take(file: BinaryIO) -> bool:
    """Lock it, unless another process holds it; one that only looks is gone in a moment."""
    until = time.monotonic() + _LOOKED_AT_S
    while not _locks(file, fcntl.LOCK_EX):
        if not _locks(file, fcntl.LOCK_SH) or time.monotonic() > until:
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
        time.sleep(_LOOK_AGAIN_S)
    return True


def _locks(file: BinaryIO, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path, file: BinaryIO) -> Entry:
    try:
        entry = read_entry(file.read())
    except BrokenIntentError as error:
        return _broken(path, str(error))
    if entry.intent.id != path.stem:
        return _broken(path, f"it says that it is {entry.intent.id}")
    return entry


def _broken(path: Path, why: str) -> Entry:
    what = {"found": why}
    return Entry(Intent(id=path.stem, kind=BROKEN, at=0.0, run="", target="", what=what))


def _sweep(unfinished: Path) -> None:
    """Remove what a process left that was killed while it wrote: nothing was done by then."""
    writer = unfinished.stem.rpartition(".")[2]
    if not (writer.isdecimal() and _is_there(int(writer))):
        with contextlib.suppress(OSError):
            unfinished.unlink()


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
