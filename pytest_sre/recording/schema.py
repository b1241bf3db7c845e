"""How rows become tables: one table a row type, one column a field. No I/O here."""

import dataclasses
import math
from typing import TypeVar

import msgspec

from pytest_sre.recording.rows import ROWS, Row

SCHEMA_VERSION = 7
"""Raised by one whenever a row type changes: older recordings are then refused, not misread."""

APPLICATION_ID = 0x73726531
"""Marks an SQLite file as a recording (``PRAGMA application_id``)."""

Value = str | int | float | bytes | None
"""What a column holds."""

R = TypeVar("R", bound=Row)

_COLUMN_TYPES: dict[object, str] = {
    str: "TEXT",
    float: "REAL",
    int: "INTEGER",
    bool: "INTEGER",
    bytes: "BLOB",
    int | None: "INTEGER",
}
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1

_MACHINE_INDEX = ("app", "machine", "at")
# Everything a summary filters by and reads, so that it never touches the wide rows.
_SUMMARY_INDEX = (
    "app",
    "machine",
    "source",
    "journey",
    "test",
    "region",
    "ok",
    "own_fault",
    "at",
    "total_s",
)


class RecordingError(Exception):
    """A recording cannot be opened, read or written; says what to do about it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """The table of a row type.

    ``columns`` are named as the row's fields, in their order; ``sql_types`` are theirs;
    ``floats`` are those that SQLite gives back as NULL when they were not a number.
    """

    name: str
    columns: tuple[str, ...]
    sql_types: tuple[str, ...]
    floats: tuple[str, ...]

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """The column names of each index."""
        wanted = (_SUMMARY_INDEX if self.name == "exchanges" else _MACHINE_INDEX, ("test", "at"))
        found = (tuple(name for name in index if name in self.columns) for index in wanted)
        return tuple(dict.fromkeys(found))


def table_of(row_type: type[Row]) -> Table:
    """The table that rows of a type are kept in.

    Raises:
        TypeError: the type is not one of `ROWS`.
    """
    try:
        return _TABLES[row_type]
    except KeyError:
        raise TypeError(f"{row_type.__name__} is not a row type of a recording") from None


def ddl() -> tuple[str, ...]:
    """The statements that create an empty recording."""
    statements = ["CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"]
    for table in _TABLES.values():
        columns = ", ".join(
            f'"{name}" {sql_type}'
            for name, sql_type in zip(table.columns, table.sql_types, strict=True)
        )
        # Not "id": events have an id of their own.
        statements.append(f"CREATE TABLE {table.name} (row_id INTEGER PRIMARY KEY, {columns})")
        statements.extend(
            f"CREATE INDEX {table.name}_{index[0]} ON {table.name} ({', '.join(index)})"
            for index in table.indexes
        )
    return tuple(statements)


def insert(table: Table) -> str:
    """The statement that adds one row to a table."""
    return (
        f"INSERT INTO {table.name} ({quoted(table.columns)}) "  # noqa: S608 - names of our own
        f"VALUES ({', '.join('?' * len(table.columns))})"
    )


def quoted(names: tuple[str, ...]) -> str:
    """Column names for a statement; some of them (``group``, ``check``) are words of SQL."""
    return ", ".join(f'"{name}"' for name in names)


def stored(value: Value) -> Value:
    r"""The value as SQLite can hold it.

    Text that is not valid Unicode is escaped (``\udc80``), an integer that needs more than
    64 bits becomes the nearest that does not.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return min(max(value, _INT_MIN), _INT_MAX)
    return value


def values_of(row: Row) -> tuple[Value, ...]:
    """A row as the values of its columns."""
    return tuple(map(stored, msgspec.structs.astuple(row)))


def row_of(row_type: type[R], table: Table, values: tuple[Value, ...]) -> R:
    """The row that was stored as these values; not-a-number comes back as it was."""
    fields = dict(zip(table.columns, values, strict=True))
    if None in values:
        fields.update((name, math.nan) for name in table.floats if fields[name] is None)
    # Not strict: SQLite has no booleans.
    return msgspec.convert(fields, row_type, strict=False)


def _table(row_type: type[Row]) -> Table:
    fields = msgspec.structs.fields(row_type)
    return Table(
        name=row_type.table,
        columns=tuple(field.name for field in fields),
        sql_types=tuple(_COLUMN_TYPES[field.type] for field in fields),
        floats=tuple(field.name for field in fields if field.type is float),
    )


_TABLES: dict[type[Row], Table] = {row_type: _table(row_type) for row_type in ROWS}
