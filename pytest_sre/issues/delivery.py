"""Tells a tracker what waits in the outbox, within a time limit.

Whatever happens in between, what was found is told at least once and seen once.
"""

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pytest_sre.issues.body import remembered
from pytest_sre.issues.calls import Calls, Clock
from pytest_sre.issues.events import Event, IncidentEvent, IncidentSeen, PlacementWanted
from pytest_sre.issues.life import Plan, plan, rest_fingerprint, surplus
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.tracker import Project, Tracker, TrackerError
from pytest_sre.issues.values import Create, Edit, Issue, Policy, Sighting
from pytest_sre.targets.severities import SEVERITIES

_CLOCK: Final = Clock()
# GitHub does not say how long its lists may not know of a new issue.
_LISTED_AFTER_S: Final = 60.0


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
    project: Project | None = None,
    limit_s: float = 60.0,
    clock: Clock = _CLOCK,
) -> Delivered:
    """Deliver what waits for a tracker, oldest first, until all is told or the time is over.

    Args:
        outbox: what waits.
        tracker: who is told.
        policy: how issues live.
        tell_incident: what is done about incidents; without it, their events wait.
        project: what issues are put on when they are opened; None for nothing.
        limit_s: how long it may take; the rest waits for the next delivery.
        clock: what time it is.
    """

    def keep_placement(wanted: Create) -> None:
        if project:
            outbox.put(_placement(wanted, tracker.name))

    calls = Calls(tracker, clock, clock.now_s() + limit_s, keep_placement)
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
                    match event:
                        case Sighting():
                            told = _tell(event, calls, outbox, policy)
                        case PlacementWanted():
                            told = _place(event, calls, project)
                        case _:
                            told = _tell_incident(event, calls, tell_incident)
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
        if path not in refused and (with_incidents or isinstance(event, Sighting | PlacementWanted))
    ]


def _placement(wanted: Create, tracker: str) -> PlacementWanted:
    severity = next((label for label in wanted.labels if label in SEVERITIES), "")
    return PlacementWanted(tracker, time.time(), wanted.fingerprint, severity)


def _place(event: PlacementWanted, calls: Calls, project: Project | None) -> Delivered:
    """Put an issue on the project that the settings name now.

    Raises:
        TrackerError: it could not be done, or the issue is not seen yet.
    """
    number = calls.number_of(event.fingerprint) if project else None
    if project and number:
        calls.place(project, number, event.severity)
    elif project and time.time() < event.at + _LISTED_AFTER_S:
        said = f"sre-{event.fingerprint} is not listed yet, and is put on the project later"
        raise TrackerError(said, of_content=True)
    return Delivered()


def _tell_incident(
    event: IncidentEvent, calls: Calls, tell_incident: TellIncident | None
) -> Delivered:
    return Delivered(incidents=tell_incident(event, calls) if tell_incident else ())


def _tell(event: Sighting, calls: Calls, outbox: Outbox, policy: Policy) -> Delivered:
    """File what a run found.

    Raises:
        TrackerError: not all of it could be done.
    """
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
