"""What happened and was not yet told: a file an event, on disk before anyone is told.

A file is written whole under another name, made durable, and then named; so it is there in whole
or not at all, whenever the process is killed. It is taken away after it was delivered. Delivering
one twice does no harm: issues know which runs they took in.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from pytest_sre.issues.events import Event

_SUFFIX: Final = ".json"
_PARTIAL: Final = ".partial"
_BROKEN: Final = ".broken"
_LOCK: Final = ".lock"
_DECODER: Final = msgspec.json.Decoder(Event)


def outbox_dir(root: Path) -> Path:
    """Where what runs of a project found waits for delivery."""
    return root / ".sre" / "outbox"


class Outbox:
    """A folder of events that wait for delivery.

    Args:
        folder: where; made when something is put into it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, event: Event) -> Path:
        """Keep an event, durably. One with the same key and time takes its place.

        Raises:
            OSError: it could not be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{int(event.at * 1000):015d}-{event.key}{_SUFFIX}"
        partial = path.with_suffix(_PARTIAL)
        with partial.open("wb") as file:
            file.write(msgspec.json.encode(event))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(self.folder)
        return path

    def waiting(self, tracker: str = "") -> Iterator[tuple[Path, Event]]:
        """What waits, oldest first. A file that cannot be read is set aside, not thrown away.

        Args:
            tracker: only what this tracker is to be told; all when empty.
        """
        for path, event in self._all():
            if tracker in ("", event.tracker):
                yield path, event

    def _all(self) -> Iterator[tuple[Path, Event]]:
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            try:
                yield path, _DECODER.decode(path.read_bytes())
            except FileNotFoundError:
                continue  # another process delivered it meanwhile
            except (msgspec.DecodeError, UnicodeDecodeError):
                path.rename(path.with_suffix(_BROKEN))

    def done(self, path: Path) -> None:
        """Take away what was delivered."""
        path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[bool]:
        """Keep other processes from delivering meanwhile; false when one does already."""
        if not self.folder.is_dir():
            yield True
            return
        with (self.folder / _LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
