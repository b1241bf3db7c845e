"""What ``pytest-sre incident …`` and ``pytest-sre postmortem`` do.

Whatever a person says goes into the outbox first, and is delivered at once where that is possible.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_sre.incidents.appending import new_key, written
from pytest_sre.incidents.life import incidents_in, refusal
from pytest_sre.incidents.status import status_json, status_lines
from pytest_sre.issues.events import (
    Act,
    Event,
    IncidentEntry,
    IncidentOpened,
    PostmortemWanted,
)
from pytest_sre.issues.opening import open_tracker
from pytest_sre.issues.outbox import Outbox, outbox_dir
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.local.commands import Outcome
from pytest_sre.redaction import Redactor, one_line, secret_values, title
from pytest_sre.run.filing import deliver_waiting, tracker_of
from pytest_sre.targets import ConfigError, IssueSettings, load_issue_settings, load_settings


@dataclass(frozen=True)
class Said:
    """What a person says to open an incident; what is not known is empty."""

    title: str
    severity: str
    impact: str = ""
    commander: str = ""


@dataclass(frozen=True)
class _Place:
    """Where incidents are kept: of a target, or of the project."""

    root: Path
    settings: IssueSettings
    tracker: str
    target: str = ""
    apps: tuple[str, ...] = ()


def open_incident(root: Path, said: Said, target: str = "") -> Outcome:
    """Open an incident.

    Args:
        root: the project's folder.
        said: what is known.
        target: the target that it is on; empty for none in particular.
    """

    def event(place: _Place, clean: Callable[[str], str]) -> Event:
        return IncidentOpened(
            new_key(),
            place.tracker,
            time.time(),
            title(clean(said.title)),
            said.severity,
            place.target,
            one_line(clean(said.impact)),
            one_line(clean(said.commander)),
            place.apps,
        )

    if not said.title.strip():
        return Outcome(4, ("expected a title, found none: say in a few words what is wrong",))
    return _tell(root, target, 0, event)


def add_entry(
    root: Path, act: Act, number: int, text: str = "", target: str = "", *, postmortem: bool = False
) -> Outcome:
    """Add to an incident's log, with what that means for its status.

    Args:
        root: the project's folder.
        act: what it means.
        number: of the incident's issue.
        text: what is said, in Markdown.
        target: the target whose issues these are; empty for the project's.
        postmortem: whether one is drafted afterwards.
    """

    def event(place: _Place, clean: Callable[[str], str]) -> Event:
        escalates = act == "escalate"
        if escalates and not place.settings.escalate_to:
            raise ConfigError(
                where="[issues]",
                found="has no escalate-to",
                expected='whom to mention, such as escalate-to = "@acme/engineering-director"',
            )
        return IncidentEntry(
            new_key(),
            place.tracker,
            time.time(),
            act,
            written(text, clean),
            number,
            mention=(place.settings.escalate_to or "") if escalates else "",
            every_s=place.settings.escalate_every_s if escalates else 0.0,
            postmortem=postmortem,
        )

    if act == "note" and not text.strip():
        return Outcome(4, ("expected a text, found none: say what happened, or was done",))
    return _tell(root, target, number, event)


def draft_postmortem(root: Path, number: int, target: str = "") -> Outcome:
    """Draft an incident's post-mortem, or read the one there is for blame and missing owners."""

    def event(place: _Place, _clean: Callable[[str], str]) -> Event:
        return PostmortemWanted(new_key(), place.tracker, time.time(), number)

    return _tell(root, target, number, event)


def incident_status(root: Path, target: str = "", *, as_json: bool = False) -> Outcome:
    """Show the open incidents."""
    try:
        place = _place(root, target)
        tracker = open_tracker(place.tracker, place.settings, root, os.environ)
        incidents = incidents_in(tracker.open_issues())
    except (ConfigError, TrackerError) as error:
        return Outcome(4 if isinstance(error, ConfigError) else 1, (str(error),))
    at, every_s = time.time(), place.settings.update_every_s
    if as_json:
        return Outcome(0, (status_json(incidents, at, every_s),))
    return Outcome(0, status_lines(incidents, at, every_s))


def _tell(
    root: Path, target: str, number: int, make: Callable[[_Place, Callable[[str], str]], Event]
) -> Outcome:
    """Put an event into the outbox and deliver what waits there.

    Exit code 1: nothing was done, or it waits.
    """
    try:
        place = _place(root, target)
        event = make(place, Redactor(secret_values(os.environ)))
        refused = _refusal(place, event, number) if number else ""
        if refused:
            return Outcome(1, (refused,))
        path = Outbox(outbox_dir(root)).put(event)
    except ConfigError as error:
        return Outcome(4, (str(error),))
    except OSError as error:
        return Outcome(1, (f"not kept, the outbox cannot be written: {error}",))
    lines = tuple(deliver_waiting(root, place.settings))
    return Outcome(1 if path.exists() else 0, lines or ("nothing was to be done",))


def _place(root: Path, target: str) -> _Place:
    """Where a target's issues go; the practice ones of a local target, too.

    Raises:
        ConfigError: the settings have a mistake, or there is no such target.
    """
    if not target:
        settings = load_issue_settings(root)
        return _Place(root, settings, settings.tracker)
    of_target = load_settings(root, target)
    apps = tuple(spec.name for spec in of_target.target.apps)
    tracker = tracker_of(of_target, is_asked=False)
    return _Place(root, of_target.issues, tracker, target, apps)


def _refusal(place: _Place, event: Event, number: int) -> str:
    """Why nothing is to be said to an incident; empty when it is, or when nobody can tell now."""
    try:
        tracker = open_tracker(place.tracker, place.settings, place.root, os.environ)
        issue = tracker.issue(number)
    except TrackerError as error:
        return "" if error.retry_after_s is not None else str(error)
    for incident in incidents_in([issue] if issue else []):
        return refusal(event, incident) if isinstance(event, IncidentEntry) else ""
    return f"{place.tracker}: expected the number of an incident, found #{number}, which is none"
