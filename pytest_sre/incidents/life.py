"""Decides what events mean for the incidents there are. All of it pure.

An incident has one issue. While it is open, a critical cause of an app that it affects is added
to it; a cause of other apps only starts another. What a run of its target sees anew is said in its
log. An incident that was resolved stays so: what comes back starts a new one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pytest_sre.incidents.changes import find_changes
from pytest_sre.incidents.log import write_entry
from pytest_sre.incidents.memory import (
    INCIDENT,
    KnownCause,
    Memory,
    exact_text,
    remembered,
    rewrite_body,
    write_body,
)
from pytest_sre.incidents.merging import Change, merged, packed
from pytest_sre.issues.body import LABEL, fingerprint_label
from pytest_sre.issues.events import IncidentEntry, IncidentOpened, IncidentSeen, Sign
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.values import Action, Comment, Create, Edit, Issue
from pytest_sre.redaction import inline, title

_KEPT_AUTHORS: Final = 20
_CRITICAL: Final = "critical"
_VERSION: Final = re.compile(r" v\d")


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order, and what is said of it.

    ``number`` is that of an incident whose issue may not remember all that its log says.
    """

    actions: tuple[Action, ...] = ()
    told: str = ""
    number: int = 0


@dataclass(frozen=True)
class Incident:
    """An incident's issue, with what it remembers."""

    issue: Issue
    memory: Memory


def incidents_in(issues: Iterable[Issue]) -> tuple[Incident, ...]:
    """The incidents among issues, the oldest first."""
    found = ((issue, remembered(issue)) for issue in issues)
    ours = (Incident(issue, memory) for issue, memory in found if memory)
    return tuple(sorted(ours, key=lambda each: each.issue.number))


def plan_opened(event: IncidentOpened) -> Create:
    """Open an incident by hand."""
    return _create(
        Memory(
            incident_fingerprint(event),
            event.title,
            event.severity,
            event.at,
            event.at,
            event.target,
            event.impact,
            event.commander,
            event.apps,
        )
    )


def plan_seen(
    event: IncidentSeen, incidents: Sequence[Incident], numbers: Mapping[str, int]
) -> tuple[Plan, ...]:
    """Say to the open incidents of a target what a run saw, and begin one when that is due.

    Args:
        event: what the run saw.
        incidents: the open ones.
        numbers: of the issues of causes, by fingerprint.
    """
    ours = [each for each in incidents if each.memory.target == event.target]
    shares = _shared_out(event, ours)
    appended = [_append(event, each, shares[each.issue.number], numbers) for each in ours]
    known = {cause.fingerprint for each in ours for cause in each.memory.causes}
    taken = {sign.fingerprint for signs in shares.values() for sign in signs}
    new = [
        sign
        for sign in event.signs
        if sign.severity == _CRITICAL
        and sign.fingerprint in event.begun
        and sign.fingerprint not in known | taken
    ]
    began = [_begin(event, group, numbers) for group in _by_app(new)]
    return tuple(each for each in (*appended, *began) if each.actions or each.number)


def plan_duplicates(incidents: Sequence[Incident]) -> tuple[Plan, ...]:
    """Close what was begun twice at once: of open incidents about the same, the oldest stays.

    Args:
        incidents: the open ones, the oldest first.
    """
    kept: list[Incident] = []
    plans: list[Plan] = []
    for incident in incidents:
        first = next((each for each in kept if _is_about_all_of(incident.memory, each)), None)
        if first is None:
            kept.append(incident)
        else:
            plans.append(_close_duplicate(incident.issue, first.issue.number))
    return tuple(plans)


def plan_entry(event: IncidentEntry, incident: Incident) -> Plan:
    """Add something to an incident's log, with what it means for its status."""
    issue, memory = incident.issue, incident.memory
    name = f"incident #{issue.number}"
    is_over = event.act == "resolve"
    if event.key in memory.taken:
        # By whoever read it in the log, perhaps, who leaves the state to us.
        close = (Edit(issue.number, issue.body, "closed", "completed"),)
        return Plan(close if is_over and issue.state == "open" else (), number=issue.number)
    refused = refusal(event, incident)
    if refused:
        return Plan(told=refused)
    change = Change(event.key, event.at)
    said = {"note": "", "acknowledge": "Acknowledged.", "escalate": "", "resolve": "Resolved."}
    words = [said[event.act], event.text]
    match event.act:
        case "acknowledge":
            change = replace(change, acknowledged_at=event.at)
        case "escalate":
            change = replace(change, escalated_at=event.at)
            words = [f"Escalated to {event.mention}.", event.text]
        case "resolve":
            change = replace(change, resolved_at=event.at)
    text = write_entry(event.at, " ".join(word for word in words if word))
    body = rewrite_body(issue.body, merged(memory, [change]))
    edit = Edit(issue.number, body, "closed", "completed") if is_over else Edit(issue.number, body)
    done = {
        "note": "noted",
        "acknowledge": "acknowledged",
        "escalate": f"escalated to {event.mention}",
        "resolve": "resolved",
    }
    comment = Comment(issue.number, text, event.key, packed(change))
    return Plan((comment, edit), f"{name}: {done[event.act]}", issue.number)


def plan_link(incident: Incident, postmortem: int, at: float) -> Plan:
    """Have an incident name its post-mortem, which was drafted."""
    issue, memory = incident.issue, incident.memory
    if memory.postmortem:
        return Plan()
    change = Change(f"postmortem-{postmortem}", at, postmortem=postmortem)
    text = write_entry(at, f"Post-mortem: #{postmortem}.")
    body = rewrite_body(issue.body, merged(memory, [change]))
    comment = Comment(issue.number, text, change.key, packed(change))
    return Plan((comment, Edit(issue.number, body)), number=issue.number)


def incident_fingerprint(event: IncidentOpened | IncidentSeen, cause: str = "") -> str:
    """The fingerprint of the incident that an event begins, by a cause or by hand."""
    return fingerprint("incident", event.target, event.key, cause)


def refusal(event: IncidentEntry, incident: Incident) -> str:
    """Why an incident is not to be changed so; empty when it is."""
    why = _why_not(event, incident)
    return f"incident #{incident.issue.number} {why}" if why else ""


def _why_not(event: IncidentEntry, incident: Incident) -> str:
    memory = incident.memory
    if event.act == "note":
        return ""
    if memory.resolved_at or (incident.issue.state == "closed" and event.act != "resolve"):
        return "is resolved"
    if event.act == "acknowledge" and memory.acknowledged_at:
        return f"was acknowledged at {exact_text(memory.acknowledged_at)}"
    if event.act == "escalate" and event.at < memory.escalated_at + event.every_s:
        again = exact_text(memory.escalated_at + event.every_s)
        return f"was escalated at {exact_text(memory.escalated_at)}; again from {again} on"
    return ""


def _shared_out(event: IncidentSeen, ours: Sequence[Incident]) -> Mapping[int, list[Sign]]:
    """The critical causes that are new to all incidents, each given to the first it belongs to."""
    known = {cause.fingerprint for each in ours for cause in each.memory.causes}
    shares: dict[int, list[Sign]] = {each.issue.number: [] for each in ours}
    for sign in event.signs:
        if sign.severity != _CRITICAL or sign.fingerprint in known:
            continue
        home = next((each for each in ours if _concerns(sign, each.memory.apps)), None)
        if home:
            shares[home.issue.number].append(sign)
    return shares


def _concerns(sign: Sign, apps: Sequence[str]) -> bool:
    """Whether a cause is of apps that an incident affects; of unknown ones it may be."""
    return not apps or not sign.apps or not set(apps).isdisjoint(sign.apps)


def _is_about_all_of(memory: Memory, older: Incident) -> bool:
    """Whether an older incident of the same target has all causes of this one."""
    known = {cause.fingerprint for cause in older.memory.causes}
    own = {cause.fingerprint for cause in memory.causes}
    return bool(own) and own <= known and memory.target == older.memory.target


def _close_duplicate(issue: Issue, first: int) -> Plan:
    comment = Comment(issue.number, f"The same as #{first}, which goes on.", f"same-as-{first}")
    edit = Edit(issue.number, issue.body, "closed", "duplicate")
    told = f"incident #{issue.number}: closed, the same as #{first}"
    return Plan((comment, edit), told, issue.number)


def _append(
    event: IncidentSeen, incident: Incident, joined: Sequence[Sign], numbers: Mapping[str, int]
) -> Plan:
    issue, memory = incident.issue, incident.memory
    if event.key in memory.taken:
        return Plan(number=issue.number)
    changes = find_changes(memory.causes, event.signs, joined, event.passed, event.at)
    said = [*changes.said]
    release = _release(event) if event.at >= memory.release_at else ""
    if memory.release and release and release != memory.release:
        said.insert(0, f"now on {inline(release)}, was {inline(memory.release)}")
    if not said and release in ("", memory.release):
        return Plan()
    change = Change(
        event.key,
        event.at,
        release=release,
        causes=tuple(_numbered(each, numbers) for each in changes.changed),
        apps=tuple(app for sign in joined for app in sign.apps),
        authors=event.authors[:_KEPT_AUTHORS],
    )
    renewed = merged(memory, [change])
    if not said:
        # Nobody is told what ran first, and it is no update of the log.
        quiet = replace(renewed, updated_at=memory.updated_at, taken=memory.taken)
        return Plan((Edit(issue.number, rewrite_body(issue.body, quiet)),), number=issue.number)
    edit = Edit(issue.number, rewrite_body(issue.body, renewed))
    seen = "\n".join(f"- {each}" for each in said)
    entry = write_entry(event.at, f"A run on {inline(event.release)} saw:\n\n{seen}")
    comment = Comment(issue.number, entry, event.key, packed(change))
    told = f"incident #{issue.number}: {'; '.join(said)}"
    return Plan((comment, edit), told, issue.number)


def _numbered(cause: KnownCause, numbers: Mapping[str, int]) -> KnownCause:
    return replace(cause, number=numbers.get(cause.fingerprint, cause.number))


def _release(event: IncidentSeen) -> str:
    """What a run judged; empty when it could not tell."""
    return event.release if _VERSION.search(event.release) else ""


def _by_app(signs: Sequence[Sign]) -> Sequence[Sequence[Sign]]:
    """Group causes that share an app, in their order."""
    groups: list[list[Sign]] = []
    for sign in signs:
        home = next((g for g in groups if any(_concerns(sign, each.apps) for each in g)), None)
        if home is None:
            groups.append([sign])
        else:
            home.append(sign)
    return groups


def _begin(event: IncidentSeen, signs: Sequence[Sign], numbers: Mapping[str, int]) -> Plan:
    found = find_changes((), (), signs, frozenset(), event.at)
    first = signs[0]
    causes = tuple(_numbered(each, numbers) for each in found.causes)
    memory = Memory(
        incident_fingerprint(event, first.fingerprint),
        first.title,
        _CRITICAL,
        event.at,
        event.at,
        event.target,
        apps=tuple(dict.fromkeys(app for sign in signs for app in sign.apps)),
        release=_release(event),
        release_at=event.at,
        causes=causes,
        authors=event.authors[:_KEPT_AUTHORS],
        taken=(event.key,),
    )
    return Plan((_create(memory),))


def _create(memory: Memory) -> Create:
    labels = (
        LABEL,
        INCIDENT,
        fingerprint_label(memory.fingerprint),
        memory.severity,
        *(f"app:{app}" for app in memory.apps),
    )
    return Create(
        memory.fingerprint,
        title(f"Incident: {memory.title}"),
        write_body(memory, _INTRODUCTION),
        labels,
    )


_INTRODUCTION: Final = (
    "The log is below: what happened, what was tried, what was found. "
    'Add to it with `pytest-sre incident note N "…"`, or with a comment.'
)
