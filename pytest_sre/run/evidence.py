"""What one test saw, kept beside the recording so that its failure can explain itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_sre.load.recorded import exchange_of
from pytest_sre.load.result import LoadResult
from pytest_sre.recording.rows import Exchange, LoadError, Perturbation, Row


@dataclass
class Evidence:
    """The rows that one test recorded.

    Attributes:
        test: the test's node id.
        record: where rows go beside here.
        loads: what came of the loads that it made.
        stops: conditions under which all that it does to the target on purpose is to end.
        has_passed: whether the test passed; its fixtures, which end after it, may still fail it.
        began_at: when the test began, Unix seconds.
    """

    test: str
    record: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)
    loads: list[LoadResult] = field(default_factory=list)
    stops: list[Callable[[], str]] = field(default_factory=list)
    has_passed: bool = False
    began_at: float = field(default_factory=time.time)

    def write(self, row: Row) -> None:
        """Keep a row, and record it."""
        self.rows.append(row)
        self.record(row)

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests that the test made, and what came back; of loads some that failed."""
        own = [row for row in self.rows if isinstance(row, Exchange)]
        return own + [exchange_of(row) for row in self.rows if isinstance(row, LoadError)]

    @property
    def perturbations(self) -> list[Perturbation]:
        """What the test did to the target on purpose, each as it is known last."""
        found = [row for row in self.rows if isinstance(row, Perturbation)]
        return [*{row.perturbation: row for row in found}.values()]
