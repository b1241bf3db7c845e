"""Writing rows while the run goes on: a queue, and a thread that empties it into SQLite."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_sre.recording.connection import open_for_writing, retried, transaction
from pytest_sre.recording.rows import Row
from pytest_sre.recording.schema import RecordingError, insert, stored, table_of, values_of

BATCH_S = 0.2
BATCH_ROWS = 500
QUEUE_ROWS = 100_000
# One transaction keeps other processes waiting, so it stays short.
_TRANSACTION_ROWS = 5_000


def _as_it_is(row: Row) -> Row:
    return row


class Recorder:
    """Adds rows to a recording; several processes may add to the same file.

    A failing disk does not end a run: from the first write error on, rows are dropped.

    Args:
        path: the file, created where there is none; its folder must exist.
        run: what to keep about the run (its id, target, ``started_at``, version), given by
            the process that starts it and by none that joins.
        clean: applied to each row before it is kept, such as to take secrets out.

    Attributes:
        path: the file.
        error: the first write error, None while all is well.
        dropped: how many rows were not kept, after an error or after `close`.

    Raises:
        RecordingError: the file cannot be created, or is of another version.
    """

    def __init__(
        self,
        path: Path,
        run: Mapping[str, str] | None = None,
        *,
        clean: Callable[[Row], Row] = _as_it_is,
    ) -> None:
        self.path = path
        self.error: RecordingError | None = None
        self.dropped = 0
        self._connection = open_for_writing(path)
        self._clean = clean
        self._rows: list[Row] = []
        self._accepted = 0
        self._settled = 0
        self._hurry = False
        self._closing = False
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._progress = threading.Condition(lock)
        self._thread = threading.Thread(target=self._run, name="sre-recorder", daemon=True)
        if run:
            self._try(partial(_insert_meta, self._connection, run))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, row: Row) -> None:
        """Add a row, from any thread; waits only while `QUEUE_ROWS` rows are not yet written.

        Raises:
            TypeError: the row is of no type that recordings keep.
        """
        table_of(type(row))
        with self._progress:
            self._progress.wait_for(self._takes_rows)
            if self._closing or self.error:
                self.dropped += 1
                return
            self._rows.append(row)
            self._accepted += 1
            if len(self._rows) in (1, BATCH_ROWS):
                self._work.notify()

    def note(self, key: str, value: str) -> None:
        """Keep something more about the run, such as its verdict; seen by readers at once."""

        def insert() -> None:
            # A connection of its own: the other belongs to the thread that writes rows.
            with contextlib.closing(open_for_writing(self.path)) as connection:
                _insert_meta(connection, {key: value})

        self._try(insert)

    def flush(self) -> None:
        """Return when every row written before is visible to any reader, or was dropped."""
        with self._progress:
            accepted = self._accepted
            self._hurry = bool(self._rows)
            self._work.notify()
            self._progress.wait_for(lambda: self._settled >= accepted)

    def close(self) -> None:
        """Write what is queued and close the file; rows written later are dropped."""
        with self._progress:
            self._closing = True
            self._work.notify()
            self._progress.notify_all()
        self._thread.join()
        self._connection.close()

    def _takes_rows(self) -> bool:
        return len(self._rows) < QUEUE_ROWS or self._closing or self.error is not None

    def _run(self) -> None:
        while batch := self._next_batch():
            kept = self.error is None and self._try(partial(self._insert, batch))
            with self._progress:
                self.dropped += 0 if kept else len(batch)
                self._settled += len(batch)
                self._progress.notify_all()

    def _next_batch(self) -> list[Row]:
        """The next rows to write; none when closing and all are written."""
        with self._work:
            self._work.wait_for(lambda: self._rows or self._closing)
            self._work.wait_for(self._is_due, timeout=BATCH_S)
            batch = self._rows[:_TRANSACTION_ROWS]
            del self._rows[:_TRANSACTION_ROWS]
            self._hurry = self._hurry and bool(self._rows)
            return batch

    def _is_due(self) -> bool:
        return len(self._rows) >= BATCH_ROWS or self._hurry or self._closing

    def _try(self, write: Callable[[], None]) -> bool:
        try:
            retried(write)
        except Exception as error:  # noqa: BLE001 - or flush would wait for a dead thread
            self.error = RecordingError(
                f"expected to write to the run's recording, found: {error}\n  at {self.path}\n"
                "  check the disk's free space and health; later rows of this run are lost"
            )
            self.error.__cause__ = error
            return False
        return True

    def _insert(self, rows: Sequence[Row]) -> None:
        by_type: dict[type[Row], list[Row]] = {}
        for row in rows:
            by_type.setdefault(type(row), []).append(self._clean(row))
        with transaction(self._connection, "IMMEDIATE"):
            for row_type, group in by_type.items():
                self._connection.executemany(insert(table_of(row_type)), map(values_of, group))


def _insert_meta(connection: sqlite3.Connection, run: Mapping[str, str]) -> None:
    entries = [(stored(key), stored(value)) for key, value in run.items()]
    with transaction(connection, "IMMEDIATE"):
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", entries)
