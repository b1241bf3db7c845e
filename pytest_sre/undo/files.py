"""Keeps intents in a folder, each in a file that its process holds locked."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pytest_sre.undo.journal import BrokenIntentError, Intent, read_intent, written


def undo_dir(root: Path) -> Path:
    """Where a project's intents are."""
    return root / ".sre" / "undo"


class Kept:
    """An intent on disk, held by this process."""

    def __init__(self, intent: Intent, path: Path, file: BinaryIO) -> None:
        self.intent = intent
        self._path, self._file = path, file

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
        self._file.close()


class Journal:
    """The intents of a project.

    Args:
        folder: where they are; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def intend(self, kind: str, *, run: str, target: str, what: Mapping[str, str]) -> Kept:
        """Write an intent down; it is on disk when this returns.

        Raises:
            OSError: it could not be written; then nothing may be done.
        """
        made = f"{kind}-{secrets.token_hex(6)}"
        intent = Intent(id=made, kind=kind, at=time.time(), run=run, target=target, what=what)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{made}.json"
        unfinished = path.with_suffix(".new")
        file = unfinished.open("xb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(written(intent))
            file.flush()
            os.fsync(file.fileno())
            unfinished.rename(path)
            _sync(self._folder)
        except BaseException:
            file.close()
            unfinished.unlink(missing_ok=True)
            raise
        return Kept(intent, path, file)

    def left(self) -> tuple[Intent, ...]:
        """Give the intents that no process holds: those of processes that were killed.

        One that cannot be read is given, too, with the kind ``broken``.
        """
        found = []
        for path in sorted(self._folder.glob("*.json")):
            with self._taken(path) as kept:
                if kept:
                    found.append(kept.intent)
        return tuple(found)

    @contextlib.contextmanager
    def taken(self, intent: Intent) -> Iterator[Kept | None]:
        """Hold one that was left, to undo it; None when another process does so, or has."""
        with self._taken(self._folder / f"{intent.id}.json") as kept:
            yield kept

    @contextlib.contextmanager
    def _taken(self, path: Path) -> Iterator[Kept | None]:
        with contextlib.ExitStack() as opened:
            try:
                file = opened.enter_context(path.open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (FileNotFoundError, BlockingIOError):
                yield None
                return
            # Removed between being opened and being locked: it is done.
            yield Kept(_read(path, file), path, file) if path.exists() else None


def _read(path: Path, file: BinaryIO) -> Intent:
    try:
        return read_intent(file.read())
    except BrokenIntentError as error:
        what = {"found": str(error)}
        return Intent(id=path.stem, kind="broken", at=0.0, run="", target="", what=what)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
