"""Reading a recording, while it is written or long after."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_sre.recording.connection import open_for_reading, transaction
from pytest_sre.recording.rows import Exchange, Row
from pytest_sre.recording.schema import (
    R,
    RecordingError,
    Table,
    Value,
    quoted,
    row_of,
    stored,
    table_of,
)
from pytest_sre.recording.summary import MachineCounts, Summary, summarise

_BATCH_ROWS = 10_000
_COUNTS = (
    "machine, count(*), sum(NOT ok AND NOT own_fault), sum(own_fault), "
    "min(iif(own_fault, NULL, at)), max(iif(own_fault, NULL, at))"
)


class Recording:
    """A run's recording, opened to be read from any thread.

    Rows are selected by the values of their columns, such as ``app="shop", machine=id``.

    Args:
        path: the file. What a `Recorder` elsewhere has flushed is seen at once.

    Raises:
        RecordingError: it is missing, is no recording, or is one of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_for_reading(path)
        self._lock = threading.Lock()
        self._summaries: dict[frozenset[tuple[str, Value]], tuple[int, Summary]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def rows(self, row_type: type[R], *, since_at: float | None = None, **equal: Value) -> list[R]:
        """Rows of a type in the order of their time.

        Args:
            row_type: one of `recording.rows`.
            since_at: only rows of this time or later, Unix seconds.
            **equal: only rows whose columns have these values.

        Raises:
            TypeError: the row type has no such column.
            RecordingError: the file cannot be read.
        """
        table = table_of(row_type)
        condition, values = _condition(table, since_at, equal)
        statement = (
            f"SELECT {quoted(table.columns)} FROM {table.name} "  # noqa: S608 - names of our own
            f"WHERE {condition} ORDER BY at, row_id"
        )
        with self._reading() as connection:
            found = connection.execute(statement, values).fetchall()
        return [row_of(row_type, table, values) for values in found]

    def values(self, row_type: type[Row], *columns: str) -> Iterator[tuple[Value, ...]]:
        """Values of some columns of all rows of a type, in the order in which they were added.

        However many rows there are, only some of them are in memory at a time.

        Raises:
            TypeError: the row type has no such column.
            RecordingError: the file cannot be read.
        """
        table = table_of(row_type)
        _condition(table, None, dict.fromkeys(columns))
        statement = (
            f"SELECT row_id, {quoted(columns)} FROM {table.name} "  # noqa: S608 - see above
            f"WHERE row_id > ? ORDER BY row_id LIMIT {_BATCH_ROWS}"
        )
        last = 0
        while True:
            with self._reading() as connection:
                found = connection.execute(statement, (last,)).fetchall()
            if not found:
                return
            last = found[-1][0]
            yield from (row[1:] for row in found)

    def each(self, row_type: type[R]) -> Iterator[R]:
        """All rows of a type, as `values` gives them; raises as it does."""
        table = table_of(row_type)
        for values in self.values(row_type, *table.columns):
            yield row_of(row_type, table, values)

    def newest(self, row_type: type[R], *columns: str) -> list[R]:
        """The last row, by time, of each combination of values of these columns.

        Raises as `rows` does.
        """
        table = table_of(row_type)
        _condition(table, None, dict.fromkeys(columns))
        names = quoted(table.columns)
        statement = (
            f"SELECT {names} FROM (SELECT {names}, row_number() OVER "  # noqa: S608 - see above
            f"(PARTITION BY {quoted(columns)} ORDER BY at DESC, row_id DESC) AS place "
            f"FROM {table.name}) WHERE place = 1 ORDER BY at"
        )
        with self._reading() as connection:
            found = connection.execute(statement).fetchall()
        return [row_of(row_type, table, values) for values in found]

    def extent(self, row_type: type[Row], **equal: Value) -> tuple[float, float] | None:
        """When the first and the last row with these values were; None when there is none.

        Raises as `rows` does.
        """
        table = table_of(row_type)
        condition, values = _condition(table, None, equal)
        statement = f"SELECT min(at), max(at) FROM {table.name} WHERE {condition}"  # noqa: S608
        with self._reading() as connection:
            first, last = connection.execute(statement, values).fetchone()
        return None if first is None else (first, last)

    def count(self, row_type: type[Row], **equal: Value) -> int:
        """How many rows of a type have these values; raises as `rows` does."""
        table = table_of(row_type)
        condition, values = _condition(table, None, equal)
        statement = f"SELECT count(*) FROM {table.name} WHERE {condition}"  # noqa: S608
        with self._reading() as connection:
            return int(connection.execute(statement, values).fetchone()[0])

    def exchange_summary(self, **equal: Value) -> Summary:
        """What the exchanges with these values amount to; raises as `rows` does."""
        condition, values = _condition(table_of(Exchange), None, equal)
        key = frozenset(equal.items())
        with self._reading() as connection:
            # Rows are only ever added, so an unchanged last row means unchanged answers.
            last = connection.execute("SELECT max(row_id) FROM exchanges").fetchone()[0] or 0
            known = self._summaries.get(key)
            if known is None or known[0] != last:
                known = (last, _summary(connection, condition, values))
                self._summaries[key] = known
        return known[1]

    def meta(self) -> dict[str, str]:
        """What is kept about the run: its id, target, ``started_at``, version."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT key, value FROM meta").fetchall())

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time, with one state of the file."""
        with self._lock:
            try:
                with transaction(self._connection, "DEFERRED"):
                    yield self._connection
            except sqlite3.Error as error:
                raise RecordingError(
                    f"expected to read the recording, found: {error}\n  at {self.path}\n"
                    "  check that the file is still there and whole"
                ) from error


def _condition(
    table: Table, since_at: float | None, equal: dict[str, Value]
) -> tuple[str, list[Value]]:
    for name in equal:
        if name not in table.columns:
            raise TypeError(
                f"expected a column of {table.name}, found {name!r}; "
                f"it has {', '.join(table.columns)}"
            )
    # IS and not =, so that None is found too.
    terms = [f'"{name}" IS ?' for name in equal]
    values = [stored(value) for value in equal.values()]
    if since_at is not None:
        terms.append("at >= ?")
        values.append(since_at)
    return " AND ".join(terms) or "1", values


def _summary(connection: sqlite3.Connection, condition: str, values: list[Value]) -> Summary:
    counts = connection.execute(
        f"SELECT {_COUNTS} FROM exchanges WHERE {condition} GROUP BY machine",  # noqa: S608
        values,
    ).fetchall()
    # Sorted by us: SQLite takes three times as long over it.
    seen = connection.execute(
        f"SELECT at, total_s FROM exchanges WHERE {condition} AND NOT own_fault",  # noqa: S608
        values,
    ).fetchall()
    return summarise(
        [MachineCounts(*row) for row in counts],
        [at for at, _ in seen],
        [total_s for _, total_s in seen],
    )
