"""What one test saw, kept beside the recording so that its failure can explain itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_sre.recording.rows import Exchange, Row


@dataclass
class Evidence:
    """The rows that one test recorded.

    Attributes:
        test: the test's node id.
        record: where rows go beside here.
    """

    test: str
    record: Callable[[Row], None]
    rows: list[Row] = field(default_factory=list)

    def write(self, row: Row) -> None:
        """Keep a row, and record it."""
        self.rows.append(row)
        self.record(row)

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests that the test made, and what came back."""
        return [row for row in self.rows if isinstance(row, Exchange)]
