"""What a tracker can tell of the code: which commits lie between two releases."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Commit:
    """A commit: its id, the first line of its message, and who wrote it, by name."""

    id: str
    subject: str
    author: str


@dataclass(frozen=True)
class Comparison:
    """What lies between two revisions.

    Attributes:
        commits: the newest of the commits, newest first.
        total: how many there are.
        files: paths that changed, relative to the repository; not all of them when there are many.
        url: where it is shown.
    """

    commits: tuple[Commit, ...]
    total: int
    files: tuple[str, ...]
    url: str = ""


class History(Protocol):
    """Knows the commits of a repository."""

    def between(self, before: str, after: str) -> Comparison:
        """Compare two revisions.

        Raises:
            TrackerError: it cannot tell.
        """
