"""Does on a tracker what events of incidents ask for."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pytest_sre.incidents.blame import blaming, unready
from pytest_sre.incidents.life import (
    Incident,
    Plan,
    incidents_in,
    plan_duplicates,
    plan_entry,
    plan_link,
    plan_opened,
    plan_seen,
)
from pytest_sre.incidents.log import read_log
from pytest_sre.incidents.memory import rewrite_body
from pytest_sre.incidents.merging import changes_in, merged
from pytest_sre.incidents.postmortem import Facts, draft, postmortem_fingerprint
from pytest_sre.incidents.recorded import recorded_during
from pytest_sre.issues.body import remembered
from pytest_sre.issues.calls import Calls
from pytest_sre.issues.events import (
    IncidentEntry,
    IncidentEvent,
    IncidentOpened,
    IncidentSeen,
    PostmortemWanted,
)
from pytest_sre.issues.values import Create, Edit, Issue
from pytest_sre.redaction import one_line

# Against many that write at once; the next event goes on where this ends.
_MOST_EDITS: Final = 5


class IncidentTeller:
    """Tells trackers of incidents.

    Args:
        root: the project's folder; its runs are recorded there.
        error_ratio_of: which share of requests may fail on a target, by its name; None when
            that is not known.
        spent_between: which share of its error budget each objective of a target, by its name,
            lost between two times.
        names: of people who are known, whom a post-mortem is not to blame.
        clean: takes secrets out of a text.
    """

    def __init__(
        self,
        root: Path,
        error_ratio_of: Callable[[str], float | None],
        spent_between: Callable[[str, float, float], tuple[tuple[str, float], ...]],
        names: tuple[str, ...],
        clean: Callable[[str], str],
    ) -> None:
        self._root, self._error_ratio_of = root, error_ratio_of
        self._spent_between = spent_between
        self._names, self._clean = names, clean

    def __call__(self, event: IncidentEvent, calls: Calls) -> tuple[str, ...]:
        """Do all that an event asks for; say what was done, a line a matter.

        Raises:
            TrackerError: not all of it could be done.
        """
        match event:
            case IncidentOpened():
                return tuple(_open(plan_opened(event), calls))
            case IncidentSeen():
                return tuple(_seen(event, calls))
            case IncidentEntry():
                return tuple(self._entry(event, calls))
            case PostmortemWanted():
                return tuple(self._postmortem(_find(event.number, calls), event.number, calls))

    def _entry(self, event: IncidentEntry, calls: Calls) -> Iterator[str]:
        for incident in _concerned(event, calls):
            yield from _carry_out(plan_entry(event, incident), calls)
            if event.postmortem:
                number = incident.issue.number
                yield from self._postmortem(_find(number, calls), number, calls)

    def _postmortem(self, incident: Incident | None, number: int, calls: Calls) -> Iterator[str]:
        """Draft an incident's post-mortem, once; read it, whoever wrote it."""
        if incident is None:
            yield f"#{number} is no incident"
            return
        written = min(
            calls.having(postmortem_fingerprint(incident.memory)), key=_number, default=None
        )
        if written is None:
            wanted = self._draft(incident, calls)
            (there,) = calls.do(wanted)
            found = blaming(wanted.body, self._people(incident))
            yield f"incident #{number}: post-mortem drafted, #{there}"
        else:
            there = written.number
            found = (*blaming(written.body, self._people(incident)), *unready(written.body))
            yield f"incident #{number}: its post-mortem is #{there}"
        yield from _carry_out(plan_link(incident, there, time.time()), calls)
        yield from (f"#{there}: {one_line(str(each))}" for each in found)

    def _people(self, incident: Incident) -> tuple[str, ...]:
        memory = incident.memory
        return tuple(filter(None, (*self._names, memory.commander, *memory.authors)))

    def _draft(self, incident: Incident, calls: Calls) -> Create:
        memory = incident.memory
        until_at = memory.resolved_at or incident.issue.closed_at or time.time()
        runs = recorded_during(self._root, memory.target, memory.opened_at, until_at)
        began_at = min((run.began_at for run in runs), default=memory.opened_at)
        facts = Facts(
            incident,
            tuple(read_log(calls.comments(incident.issue.number), memory.opened_at)),
            runs,
            self._error_ratio_of(memory.target),
            until_at,
            self._spent_between(memory.target, began_at, until_at),
        )
        return draft(facts, self._clean)


def _number(issue: Issue) -> int:
    return issue.number


def _open(wanted: Create, calls: Calls) -> Iterator[str]:
    """Open an incident, unless that was done."""
    if calls.having(wanted.fingerprint):
        return
    (number,) = calls.do(wanted)
    yield f"incident #{number} opened: {one_line(wanted.title.removeprefix('Incident: '))}"


def _seen(event: IncidentSeen, calls: Calls) -> Iterator[str]:
    issues = calls.open_issues()
    causes = ((remembered(issue), issue.number) for issue in issues)
    numbers = {memory.fingerprint: number for memory, number in causes if memory}
    plans = plan_seen(event, incidents_in(issues), numbers)
    for plan in plans:
        yield from _carry_out(plan, calls)
    if any(isinstance(action, Create) for plan in plans for action in plan.actions):
        # Another run may have begun one at the same moment.
        for plan in plan_duplicates(incidents_in(calls.open_issues())):
            yield from _carry_out(plan, calls)


def _carry_out(plan: Plan, calls: Calls) -> Iterator[str]:
    for action in plan.actions:
        if isinstance(action, Create):
            yield from _open(action, calls)
        else:
            calls.do(action)
    if plan.number:
        _settle(plan.number, calls)
    if plan.told:
        yield one_line(plan.told)


def _settle(number: int, calls: Calls) -> None:
    """Have an incident's issue remember all that its log says, whoever wrote at the same time.

    Who edits last looks last, and finds in the log whatever that edit took away.
    """
    for _ in range(_MOST_EDITS):
        incident = _find(number, calls)
        if incident is None:
            return
        whole = merged(incident.memory, changes_in(calls.trusted_comments(number)))
        if whole == incident.memory:
            return
        calls.do(Edit(number, rewrite_body(incident.issue.body, whole)))


def _concerned(event: IncidentEntry, calls: Calls) -> tuple[Incident, ...]:
    """The incidents that an entry is about: the one with its number, or its target's open ones."""
    if event.number:
        found = _find(event.number, calls)
        return (found,) if found else ()
    of_target = incidents_in(calls.open_issues())
    return tuple(each for each in of_target if each.memory.target == event.target)


def _find(number: int, calls: Calls) -> Incident | None:
    issue = calls.issue(number)
    return next(iter(incidents_in([issue] if issue else [])), None)
