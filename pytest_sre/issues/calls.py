"""Makes calls of a tracker, again where that can help and does no harm.

Before an action is repeated whose outcome is unknown, the tracker is asked whether it was done.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pytest_sre.issues.body import first_line, is_comment, write_comment
from pytest_sre.issues.life import surplus
from pytest_sre.issues.tracker import Project, Tracker, TrackerError
from pytest_sre.issues.values import Action, Comment, Create, Edit, Issue

T = TypeVar("T")

_MOST_TRIES: Final = 5


@dataclass(frozen=True)
class Clock:
    """Time, and waiting; replaced in tests."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Calls:
    """Calls of one tracker, until a time. Each may raise ``TrackerError``.

    Args:
        tracker: it.
        clock: what time it is.
        until_s: when to give up, by the clock.
        before_create: is told of each issue before it is opened.
    """

    def __init__(
        self,
        tracker: Tracker,
        clock: Clock,
        until_s: float,
        before_create: Callable[[Create], None] = lambda _wanted: None,
    ) -> None:
        self._tracker, self._clock, self._until_s = tracker, clock, until_s
        self._before_create = before_create
        self._opened: dict[str, int] = {}

    def number_of(self, fingerprint: str) -> int | None:
        """The issue of this fingerprint that counts: open, or the newest; None when none is seen.

        One that was opened here is known before lists show it.
        """
        issues = [each for each in self.having(fingerprint) if each.reason != "duplicate"]
        still_open = [each.number for each in issues if each.state == "open"]
        newest = max((each.number for each in issues), default=None)
        return min(still_open, default=newest) or self._opened.get(fingerprint)

    def place(self, project: Project, number: int, severity: str) -> None:
        """Put an issue on a project."""
        # Done twice, it does the same.
        self._ask(lambda: project.place(number, severity))

    def open_issues(self) -> Sequence[Issue]:
        """All open issues of ours."""
        return self._ask(self._tracker.open_issues)

    def having(self, fingerprint: str) -> Sequence[Issue]:
        """All issues that carry the label of this fingerprint, open and closed."""
        return self._ask(lambda: self._tracker.with_fingerprint(fingerprint))

    def issue(self, number: int) -> Issue | None:
        """The issue with this number; None when there is none."""
        return self._ask(lambda: self._tracker.issue(number))

    def comments(self, number: int) -> Sequence[str]:
        """The texts of an issue's comments, oldest first."""
        return self._ask(lambda: self._tracker.comments(number))

    def trusted_comments(self, number: int) -> Sequence[str]:
        """Those of them by who may write to the tracker."""
        return self._ask(lambda: self._tracker.trusted_comments(number))

    def do(self, action: Action) -> tuple[int, ...]:
        """Do one thing; gives the number of an issue that was opened."""
        match action:
            case Create():
                return (self._create(action),)
            case Comment():
                self._comment(action)
            case Edit():
                self._edit(action)
        return ()

    def _create(self, wanted: Create) -> int:
        """Open an issue; of two that were opened for one cause at once, the older stays."""

        def is_there() -> bool:
            mine = first_line(wanted.body)
            return any(first_line(each.body) == mine for each in self.having(wanted.fingerprint))

        def create() -> None:
            self._opened[wanted.fingerprint] = self._tracker.create(wanted).number

        self._before_create(wanted)
        self._make_sure(create, is_there)
        issues = self.having(wanted.fingerprint)
        for duplicate in surplus(issues):
            self._edit(duplicate)
        return min((issue.number for issue in issues if issue.state == "open"), default=0)

    def _comment(self, wanted: Comment) -> None:
        """Say it, unless it was said: by this process, or by one that was killed."""

        def is_said() -> bool:
            return any(is_comment(text, wanted.key) for text in self.comments(wanted.number))

        text = write_comment(wanted.text, wanted.key, wanted.carries)
        if not is_said():
            self._make_sure(lambda: self._tracker.comment(wanted.number, text), is_said)

    def _edit(self, change: Edit) -> None:
        # Done twice, it does the same.
        self._ask(lambda: self._tracker.edit(change))

    def _ask(self, call: Callable[[], T]) -> T:
        """Make a call that may be repeated, until it succeeds or cannot."""
        for _ in range(_MOST_TRIES):
            try:
                return call()
            except TrackerError as error:
                self._wait_for(error)
        return call()

    def _make_sure(self, call: Callable[[], object], is_done: Callable[[], bool]) -> None:
        """Make a call that must not be repeated once it has been done."""
        for _ in range(_MOST_TRIES):
            try:
                call()
            except TrackerError as error:
                self._wait_for(error)
                if error.uncertain and is_done():
                    return
            else:
                return
        call()

    def _wait_for(self, error: TrackerError) -> None:
        """Wait as long as the tracker wants; give up when that cannot help or is too long."""
        if error.retry_after_s is None:
            raise error
        if self._clock.now_s() + error.retry_after_s >= self._until_s:
            raise TrackerError(f"{error}; there was no time to try again") from error
        self._clock.sleep(error.retry_after_s)
