"""Tells a tracker what waits in the outbox, within a time limit.

Whatever happens in between, what was found is told at least once and seen once: before an action
is repeated whose outcome is unknown, the tracker is asked whether it has been done.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pytest_sre.issues.body import first_line, is_comment, remembered, write_comment
from pytest_sre.issues.life import Plan, plan, rest_fingerprint, surplus
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.tracker import Tracker, TrackerError
from pytest_sre.issues.values import Action, Comment, Create, Edit, Issue, Policy, Sighting

T = TypeVar("T")

_MOST_TRIES: Final = 5


@dataclass(frozen=True)
class Clock:
    """Time, and waiting; replaced in tests."""

    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Delivered:
    """What came of a delivery.

    Attributes:
        opened, updated, closed, reopened: numbers of issues.
        quiet: titles of causes that people closed as not planned.
        left: how many new causes went into the issue for the rest.
        waiting: how many sightings stay in the outbox.
        problem: why they do; empty when none does.
    """

    opened: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()
    quiet: tuple[str, ...] = ()
    left: int = 0
    waiting: int = 0
    problem: str = ""


def deliver(
    outbox: Outbox,
    tracker: Tracker,
    policy: Policy,
    *,
    limit_s: float = 60.0,
    clock: Clock = Clock(),
) -> Delivered:
    """Deliver what waits for a tracker, oldest first, until all is told or the time is over.

    Args:
        outbox: what waits.
        tracker: who is told.
        policy: how issues live.
        limit_s: how long it may take; the rest waits for the next delivery.
        clock: what time it is.
    """
    teller = _Teller(tracker, policy, clock, clock.now_s() + limit_s)
    total = Delivered()
    with outbox.claimed() as is_ours:
        waiting = list(outbox.waiting(tracker.name))
        if not is_ours:
            return replace(total, waiting=len(waiting), problem="another process delivers")
        for done, (path, sighting) in enumerate(waiting):
            try:
                told = teller.tell(sighting)
            except TrackerError as error:
                return replace(total, waiting=len(waiting) - done, problem=str(error))
            outbox.done(path)
            total = _sum(total, told)
    return total


class _Teller:
    """Tells one tracker of sightings.

    Args:
        tracker: it.
        policy: how issues live.
        clock: what time it is.
        until_s: when to give up, by the clock.
    """

    def __init__(self, tracker: Tracker, policy: Policy, clock: Clock, until_s: float) -> None:
        self._tracker, self._policy = tracker, policy
        self._clock, self._until_s = clock, until_s

    def tell(self, sighting: Sighting) -> Delivered:
        """Do all that one sighting asks for.

        Raises:
            TrackerError: not all of it could be done.
        """
        known = self._known(sighting)
        decided = plan(sighting, known, self._policy)
        for duplicate in (edit for issues in known.values() for edit in surplus(issues)):
            self._edit(duplicate)
        opened = tuple(number for each in decided.actions for number in self._do(each))
        return _told(decided, opened)

    def _known(self, sighting: Sighting) -> Mapping[str, Sequence[Issue]]:
        """Our open issues, and all those of what was found, by fingerprint."""
        known: dict[str, list[Issue]] = {}
        for issue in self._ask(self._tracker.open_issues):
            memory = remembered(issue)
            if memory:
                known.setdefault(memory.fingerprint, []).append(issue)
        found = [finding.fingerprint for finding in sighting.findings]
        if len([one for one in found if one not in known]) > self._policy.max_per_run:
            found.append(rest_fingerprint(sighting.target))
        for fingerprint in found:
            if fingerprint not in known:
                known[fingerprint] = list(self._having(fingerprint))
        return known

    def _having(self, fingerprint: str) -> Sequence[Issue]:
        return self._ask(lambda: self._tracker.with_fingerprint(fingerprint))

    def _do(self, action: Action) -> list[int]:
        """Do one thing; gives the number of an issue that was opened."""
        match action:
            case Create():
                return [self._create(action)]
            case Comment():
                self._comment(action)
            case Edit():
                self._edit(action)
        return []

    def _create(self, wanted: Create) -> int:
        """Open an issue; of two that were opened for one cause at once, the older stays."""

        def is_there() -> bool:
            mine = first_line(wanted.body)
            return any(first_line(each.body) == mine for each in self._having(wanted.fingerprint))

        self._make_sure(lambda: self._tracker.create(wanted), is_there)
        issues = self._having(wanted.fingerprint)
        for duplicate in surplus(issues):
            self._edit(duplicate)
        return min((issue.number for issue in issues if issue.state == "open"), default=0)

    def _comment(self, wanted: Comment) -> None:
        """Say it, unless it was said: by this process, or by one that was killed."""

        def is_said() -> bool:
            said = self._ask(lambda: self._tracker.comments(wanted.number))
            return any(is_comment(text, wanted.key) for text in said)

        text = write_comment(wanted.text, wanted.key)
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


def _told(decided: Plan, opened: tuple[int, ...]) -> Delivered:
    edits = [each for each in decided.actions if isinstance(each, Edit)]
    return Delivered(
        opened,
        tuple(each.number for each in edits if not each.state),
        tuple(each.number for each in edits if each.state == "closed"),
        tuple(each.number for each in edits if each.state == "open"),
        decided.quiet,
        decided.left,
    )


def _sum(one: Delivered, other: Delivered) -> Delivered:
    return Delivered(
        one.opened + other.opened,
        one.updated + other.updated,
        one.closed + other.closed,
        one.reopened + other.reopened,
        one.quiet + other.quiet,
        one.left + other.left,
    )
