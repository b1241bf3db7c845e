"""What delivery asks of a tracker, and how a tracker says that it cannot."""

from collections.abc import Sequence
from typing import Protocol

from pytest_sre.issues.values import Create, Edit, Issue


class TrackerError(Exception):
    """The tracker did not do what it was asked.

    Attributes:
        retry_after_s: when asking again can help: after so many seconds. None when a person has
            to do something first; the text says what.
        uncertain: whether it may have done it all the same.
        of_content: whether it is about what was sent, so that it may do something else.
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after_s: float | None = None,
        uncertain: bool = False,
        of_content: bool = False,
    ) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.uncertain = uncertain
        self.of_content = of_content


class Tracker(Protocol):
    """Keeps issues. Each call may raise ``TrackerError``."""

    @property
    def name(self) -> str:
        """What it is called in the settings, such as ``github:acme/shop``."""

    def open_issues(self) -> Sequence[Issue]:
        """All open issues that carry our label."""

    def open_with_label(self, label: str) -> Sequence[Issue]:
        """All open issues that carry a label, whoever opened them."""

    def with_fingerprint(self, fingerprint: str) -> Sequence[Issue]:
        """All issues that carry the label of this fingerprint, open and closed."""

    def issue(self, number: int) -> Issue | None:
        """The issue with this number, whoever opened it; None when there is none."""

    def create(self, wanted: Create) -> Issue:
        """Open an issue."""

    def edit(self, change: Edit) -> None:
        """Change an issue."""

    def comments(self, number: int) -> Sequence[str]:
        """The texts of an issue's comments, oldest first."""

    def trusted_comments(self, number: int) -> Sequence[str]:
        """Those of its comments that come from who may write to the tracker, oldest first."""

    def comment(self, number: int, text: str) -> None:
        """Add a comment."""


class Project(Protocol):
    """Shows issues beside others, with fields of its own. Each call may raise ``TrackerError``."""

    def place(self, number: int, severity: str) -> None:
        """Put an issue there, once, and set its fields."""
