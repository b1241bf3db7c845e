"""Opening recordings: the settings of a connection, the schema's creation and its check."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from pytest_sre.recording.schema import APPLICATION_ID, SCHEMA_VERSION, RecordingError, ddl

BUSY_TIMEOUT_S = 10.0
RETRY_S = 30.0

T = TypeVar("T")


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open a recording to add rows to it, creating file and schema where there are none.

    Raises:
        RecordingError: it cannot be created, or is of another version.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc", path)
    try:
        with _explained(path):
            retried(lambda: _create_schema(connection))
            _check_version(connection, path)
            retried(lambda: connection.execute("PRAGMA journal_mode=WAL").fetchone())
            connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a recording to read it, while others may write to it.

    Raises:
        RecordingError: there is none at the path, it is of another version, or not one.
    """
    if not path.is_file():
        raise RecordingError(
            f"expected a recording, found no file\n  at {path}\n"
            "  give the path of a run's file, such as one of .sre/runs/"
        )
    # A connection that may not write (mode=ro) would leave its -wal and -shm files behind.
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw", path)
    try:
        with _explained(path):
            connection.execute("PRAGMA query_only=ON")
            _check_version(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """Everything inside happens, or nothing does; ``kind`` is DEFERRED or IMMEDIATE."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def retried(attempt: Callable[[], T]) -> T:
    """Make an attempt again while another process keeps the file locked, for `RETRY_S`.

    SQLite's own busy timeout does not cover the change to WAL, which can fail at once.
    """
    deadline = time.monotonic() + RETRY_S
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _connect(uri: str, path: Path) -> sqlite3.Connection:
    with _explained(path):
        return sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )


def _create_schema(connection: sqlite3.Connection) -> None:
    with transaction(connection, "IMMEDIATE"):
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return
        for statement in ddl():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        raise RecordingError(
            f"expected a recording, found an SQLite file of something else\n  at {path}\n"
            "  give another path"
        )
    if version != SCHEMA_VERSION:
        raise RecordingError(
            f"expected a recording of schema version {SCHEMA_VERSION}, found version {version}\n"
            f"  at {path}\n"
            "  read it with the pytest-sre that wrote it, or record the run again"
        )


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RecordingError(
            f"expected a recording that can be opened, found: {error}\n  at {path}\n"
            "  check the path, its permissions and the free space, or give another path"
        ) from error


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
