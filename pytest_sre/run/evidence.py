"""What one test saw, kept beside the recording so that its failure can explain itself."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_sre.recording.rows import Exchange, Row


@dataclass
class Evidence:
    """The rows that one test recorded.

    Attributes:
        test: the test's node id.
        record: where rows go beside here.
        began_at: when the test began, Unix seconds.
    """

    test: str
    record: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)
    began_at: float = field(default_factory=time.time)

    def write(self, row: Row) -> None:
        """Keep a row, and record it."""
        self.rows.append(row)
        self.record(row)

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests that the test made, and what came back."""
        return [row for row in self.rows if isinstance(row, Exchange)]
