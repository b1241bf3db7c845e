"""What is kept of objectives beyond runs and the metrics' retention: daily counts of events.

Every write is idempotent: the same run, or the same day of the same metrics, counts once however
often it is written. Several processes may write to one file.
"""

import contextlib
import datetime as dt
import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from pytest_sre.recording.connection import BUSY_TIMEOUT_S, retried, transaction
from pytest_sre.recording.schema import RecordingError

LedgerSource = Literal["runs", "metrics"]

_APPLICATION_ID: Final = 0x73726C64
_VERSION: Final = 1
_TABLE: Final = """
CREATE TABLE days (
    target TEXT NOT NULL, objective TEXT NOT NULL, definition TEXT NOT NULL, source TEXT NOT NULL,
    day TEXT NOT NULL, run TEXT NOT NULL, at REAL NOT NULL, bad INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (target, objective, definition, source, day, run)
) WITHOUT ROWID
"""
# Metrics that are about to be forgotten tell less of a day than they did before.
_PUT: Final = """
INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET at = excluded.at, bad = excluded.bad, total = excluded.total
WHERE excluded.total >= days.total
"""
_GET: Final = """
SELECT target, objective, definition, source, day, run, at, bad, total FROM days
WHERE target = ? AND objective = ? AND definition = ? AND day >= ? ORDER BY day, source, run
"""


@dataclass(frozen=True, slots=True)
class DayCounts:
    """The events of one objective on one day, as one run observed them or metrics counted them.

    Attributes:
        target: the target's name.
        objective: the objective's.
        definition: stands for what was counted; counts of another definition are not comparable.
        source: whether a run observed them or metrics counted them.
        day: the day in UTC, such as ``2026-01-31``.
        run: the run's name; empty for metrics.
        at: of a run when its last event was, of metrics when they were asked, Unix seconds.
        bad: events that were bad.
        total: all events.

    Raises:
        ValueError: the day is none, a time is none, or the counts cannot be.
    """

    target: str
    objective: str
    definition: str
    source: LedgerSource
    day: str
    run: str
    at: float
    bad: int
    total: int

    def __post_init__(self) -> None:
        dt.date.fromisoformat(self.day)
        if not (math.isfinite(self.at) and self.at >= 0):
            raise ValueError(f"expected a time since 1970, found {self.at:g}")
        if not 0 <= self.bad <= self.total:
            raise ValueError(f"expected 0 <= bad <= total, found {self.bad} bad of {self.total}")


def ledger_path(root: Path) -> Path:
    """Where a project's ledger is kept."""
    return root / ".sre" / "slo" / "ledger.sqlite"


class Ledger:
    """The daily counts of a project's objectives.

    Args:
        path: the file; it is created, with its folder, where there is none.

    Raises:
        RecordingError: it cannot be opened, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                retried(self._prepare)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, days: Iterable[DayCounts]) -> None:
        """Keep counts; those that are there already are replaced, unless they tell of more.

        Raises:
            RecordingError: the file cannot be written.
        """
        rows = [astuple(day) for day in days]

        def write() -> None:
            with transaction(self._connection, "IMMEDIATE"):
                self._connection.executemany(_PUT, rows)

        with self._explained():
            retried(write)

    def days(self, target: str, objective: str, definition: str, since: dt.date) -> list[DayCounts]:
        """Give what is kept of an objective from a day on, oldest first.

        Raises:
            RecordingError: the file cannot be read.
        """
        with self._explained():
            found = self._connection.execute(
                _GET, (target, objective, definition, since.isoformat())
            ).fetchall()
            return [DayCounts(*row) for row in found]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _prepare(self) -> None:
        with transaction(self._connection, "IMMEDIATE"):
            is_new = not self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[
                0
            ]
            if is_new:
                self._connection.execute(_TABLE)
                self._connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version={_VERSION}")
        found = tuple(
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
        if found != (_APPLICATION_ID, _VERSION):
            raise sqlite3.DatabaseError(f"a file of another kind or version {found}")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise RecordingError(
                f"expected a ledger of objectives, found: {error}\n  at {self.path}\n"
                "  make its folder writable, or move the file away: a new one is begun"
            ) from error
