"""Tells a tracker what waits in the outbox, within a time limit.

Whatever happens in between, what was found is told at least once and seen once.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_sre.issues.body import remembered
from pytest_sre.issues.calls import Calls, Clock
from pytest_sre.issues.events import Event, IncidentEvent, IncidentSeen
from pytest_sre.issues.life import Plan, plan, rest_fingerprint, surplus
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.tracker import Tracker, TrackerError
from pytest_sre.issues.values import Edit, Issue, Policy, Sighting

_CLOCK: Final = Clock()


@dataclass(frozen=True)
class Delivered:
    """What came of a delivery.

    Attributes:
        opened, updated, closed, reopened: numbers of issues.
        quiet: titles of causes that people closed as not planned.
        left: how many new causes went into the issue for the rest.
        incidents: what happened to incidents, a line a matter.
        waiting: how many events stay in the outbox.
        problem: why they do; empty when none does.
    """

    opened: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()
    quiet: tuple[str, ...] = ()
    left: int = 0
    incidents: tuple[str, ...] = ()
    waiting: int = 0
    problem: str = ""


TellIncident = Callable[[IncidentEvent, Calls], tuple[str, ...]]
"""Does all that an event of an incident asks for; says what was done, a line a matter."""


def deliver(
    outbox: Outbox,
    tracker: Tracker,
    policy: Policy,
    *,
    tell_incident: TellIncident | None = None,
    limit_s: float = 60.0,
    clock: Clock = _CLOCK,
) -> Delivered:
    """Deliver what waits for a tracker, oldest first, until all is told or the time is over.

    Args:
        outbox: what waits.
        tracker: who is told.
        policy: how issues live.
        tell_incident: what is done about incidents; without it, their events wait.
        limit_s: how long it may take; the rest waits for the next delivery.
        clock: what time it is.
    """
    calls = Calls(tracker, clock, clock.now_s() + limit_s)
    total, refused = Delivered(), dict[Path, str]()
    with outbox.claimed() as is_ours:
        if not is_ours:
            waiting = list(outbox.waiting(tracker.name))
            return replace(total, waiting=len(waiting), problem="another process delivers")
        # A sighting may leave word to incidents, which is delivered after it.
        with_incidents = tell_incident is not None
        while waiting := _waiting(outbox, tracker, refused, with_incidents=with_incidents):
            for path, event in waiting:
                try:
                    told = _tell(event, calls, outbox, policy, tell_incident)
                except (TrackerError, OSError) as error:
                    if isinstance(error, TrackerError) and error.of_content:
                        # What is wrong with one must not keep the others.
                        refused[path] = str(error)
                        continue
                    left = len(_waiting(outbox, tracker, {}, with_incidents=with_incidents))
                    return replace(total, waiting=left, problem=str(error))
                outbox.done(path)
                total = _sum(total, told)
    return replace(total, waiting=len(refused), problem=next(iter(refused.values()), ""))


def _waiting(
    outbox: Outbox, tracker: Tracker, refused: Container[Path], *, with_incidents: bool
) -> list[tuple[Path, Event]]:
    return [
        (path, event)
        for path, event in outbox.waiting(tracker.name)
        if path not in refused and (with_incidents or isinstance(event, Sighting))
    ]


def _tell(
    event: Event, calls: Calls, outbox: Outbox, policy: Policy, tell_incident: TellIncident | None
) -> Delivered:
    """Do all that one event asks for.

    Raises:
        TrackerError: not all of it could be done.
    """
    if not isinstance(event, Sighting):
        return Delivered(incidents=tell_incident(event, calls) if tell_incident else ())
    known = _known(event, calls, policy)
    decided = plan(event, known, policy)
    if event.incidents:
        # Which causes are new is known only now: kept before it is no longer so.
        outbox.put(IncidentSeen.of(event, decided.begun))
    for duplicate in (edit for issues in known.values() for edit in surplus(issues)):
        calls.do(duplicate)
    opened = tuple(number for each in decided.actions for number in calls.do(each))
    return _told(decided, opened)


def _known(sighting: Sighting, calls: Calls, policy: Policy) -> Mapping[str, Sequence[Issue]]:
    """Our open issues, and all those of what was found, by fingerprint."""
    known: dict[str, list[Issue]] = {}
    for issue in calls.open_issues():
        memory = remembered(issue)
        if memory:
            known.setdefault(memory.fingerprint, []).append(issue)
    found = [finding.fingerprint for finding in sighting.findings]
    if len([one for one in found if one not in known]) > policy.max_per_run:
        found.append(rest_fingerprint(sighting.target))
    for fingerprint in found:
        if fingerprint not in known:
            known[fingerprint] = list(calls.having(fingerprint))
    return known


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
        one.incidents + other.incidents,
    )
