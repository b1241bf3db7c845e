"""Decides what a sighting means for the issues there are. All of it pure.

An issue is opened for a new cause, remembers each run that sees it again, is closed when enough
runs in a row have passed what it failed, and is opened again when its cause comes back soon.
One that a person closed as not planned stays closed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from pytest_sre.issues.body import (
    KEEP_OPEN,
    LABEL,
    at_text,
    day_of,
    fingerprint_label,
    remembered,
    rewrite_body,
    write_body,
)
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.values import (
    Action,
    Comment,
    Create,
    Edit,
    Finding,
    Issue,
    Memory,
    Policy,
    Section,
    Sighting,
)
from pytest_sre.redaction import inline

_KEPT_RUNS: Final = 50
_KEPT_TESTS: Final = 100
_UNTITLED: Final = "a test fails, and says nothing"


@dataclass(frozen=True)
class Plan:
    """What is to be done after a sighting, in this order.

    Attributes:
        actions: what to tell the tracker.
        quiet: titles of findings that a person closed as not planned, so that nothing is filed.
        left: how many new causes were not filed one by one.
        begun: fingerprints of the findings whose issue is opened, or opened again.
    """

    actions: tuple[Action, ...]
    quiet: tuple[str, ...] = ()
    left: int = 0
    begun: frozenset[str] = frozenset()


def plan(sighting: Sighting, known: Mapping[str, Sequence[Issue]], policy: Policy) -> Plan:
    """Decide what to do.

    Args:
        sighting: what a run saw.
        known: our issues by fingerprint: all of those in ``sighting.findings``, open and closed,
            and all other open ones.
        policy: how issues live.
    """
    actions: list[Action] = []
    quiet: list[str] = []
    new: list[tuple[Finding, Issue | None]] = []
    begun: list[str] = []
    for finding in sighting.findings:
        issue = current(known.get(finding.fingerprint, ()))
        if issue is None:
            new.append((finding, None))
        elif issue.state == "open":
            actions += _seen_again(finding, issue, sighting)
        elif issue.reason == "not_planned":
            quiet.append(finding.title)
        elif _was_taken_in(issue, sighting):
            continue
        elif sighting.at - issue.closed_at <= policy.reopen_within_s:
            actions += _come_back(finding, issue, sighting)
            begun.append(finding.fingerprint)
        else:
            new.append((finding, issue))
    actions += [_create(finding, sighting, old) for finding, old in new[: policy.max_per_run]]
    begun += [finding.fingerprint for finding, _ in new[: policy.max_per_run]]
    left = [finding for finding, _ in new[policy.max_per_run :]]
    if left:
        actions += _file_the_rest(left, sighting, known)
    found = {finding.fingerprint for finding in sighting.findings}
    for name, issues in known.items():
        issue = current(issues)
        if issue and issue.state == "open" and name not in found:
            actions += _perhaps_recovered(issue, sighting, policy)
    return Plan(tuple(actions), tuple(quiet), len(left), frozenset(begun))


def current(issues: Iterable[Issue]) -> Issue | None:
    """Of issues with one fingerprint, the one that counts.

    That is the oldest open one; when all are closed, the one that was closed last, duplicates
    left aside.
    """
    ours = [issue for issue in issues if remembered(issue)]
    by_number = sorted(ours, key=lambda issue: issue.number)
    still_open = [issue for issue in by_number if issue.state == "open"]
    if still_open:
        return still_open[0]
    closed = [issue for issue in by_number if issue.reason != "duplicate"]
    return max(closed, key=lambda issue: (issue.closed_at, issue.number), default=None)


def surplus(issues: Iterable[Issue]) -> tuple[Edit, ...]:
    """Close all open issues of one fingerprint but the oldest, as its duplicates."""
    ours = [issue for issue in issues if remembered(issue) and issue.state == "open"]
    others = sorted(ours, key=lambda issue: issue.number)[1:]
    return tuple(Edit(each.number, each.body, "closed", "duplicate") for each in others)


def rest_fingerprint(target: str) -> str:
    """The fingerprint of the issue that says how many causes were not filed one by one."""
    return fingerprint("rest", target)


def _was_taken_in(issue: Issue, sighting: Sighting) -> bool:
    memory = remembered(issue)
    return memory is not None and sighting.run in memory.runs


def _seen_again(finding: Finding, issue: Issue, sighting: Sighting) -> list[Action]:
    memory = remembered(issue)
    if memory is None or sighting.run in memory.runs:
        return []
    renewed = _with_sighting(memory, finding, sighting)
    day, release = day_of(sighting.at), sighting.release
    told = f"{release} {day}"
    known_release, _, known_day = memory.commented.rpartition(" ")
    if known_release == release or known_day == day:
        return [Edit(issue.number, rewrite_body(issue.body, renewed, finding.severity))]
    renewed = replace(renewed, commented=told)
    text = (
        f"Seen again at {at_text(sighting.at)} on {inline(release)},"
        f" in {renewed.count} runs so far: {inline(finding.title)}."
    )
    return [
        Comment(issue.number, text, f"{sighting.run}-seen"),
        Edit(issue.number, rewrite_body(issue.body, renewed, finding.severity)),
    ]


def _come_back(finding: Finding, issue: Issue, sighting: Sighting) -> list[Action]:
    memory = remembered(issue)
    if memory is None:
        return []
    told = f"{sighting.release} {day_of(sighting.at)}"
    renewed = replace(_with_sighting(memory, finding, sighting), commented=told)
    text = (
        f"Came back: seen at {at_text(sighting.at)} on {inline(sighting.release)},"
        f" after it was closed at {at_text(issue.closed_at)}."
    )
    body = rewrite_body(issue.body, renewed, finding.severity)
    return [
        Comment(issue.number, text, f"{sighting.run}-back"),
        Edit(issue.number, body, "open", "reopened"),
    ]


def _with_sighting(memory: Memory, finding: Finding, sighting: Sighting) -> Memory:
    return replace(
        memory,
        tests=tuple(dict.fromkeys((*memory.tests, *finding.tests)))[:_KEPT_TESTS],
        first_at=min(memory.first_at, sighting.at),
        last_at=max(memory.last_at, sighting.at),
        last_release=sighting.release,
        count=memory.count + 1,
        passes=0,
        passing_at=0.0,
        runs=_with_run(memory, sighting),
        app=", ".join(finding.apps),
        image=finding.image,
    )


def _with_run(memory: Memory, sighting: Sighting) -> tuple[str, ...]:
    return (*memory.runs, sighting.run)[-_KEPT_RUNS:]


def _create(finding: Finding, sighting: Sighting, old: Issue | None) -> Create:
    memory = Memory(
        finding.fingerprint,
        sighting.target,
        finding.tests[:_KEPT_TESTS],
        sighting.at,
        sighting.at,
        sighting.release,
        sighting.release,
        commented=f"{sighting.release} {day_of(sighting.at)}",
        runs=(sighting.run,),
        app=", ".join(finding.apps),
        image=finding.image,
    )
    link = (Section("", f"It was seen before, in #{old.number}.", 90),) if old else ()
    labels = (LABEL, fingerprint_label(finding.fingerprint), finding.severity, *finding.labels)
    return Create(
        finding.fingerprint,
        finding.title.strip() or _UNTITLED,
        write_body(memory, finding.severity, (*link, *finding.sections)),
        tuple(dict.fromkeys(label for label in labels if label)),
        finding.assignees,
    )


def _file_the_rest(
    left: Sequence[Finding], sighting: Sighting, known: Mapping[str, Sequence[Issue]]
) -> list[Action]:
    """One issue for all that is more than a run may file."""
    titles = "\n".join(f"- {inline(finding.title)} ({finding.severity})" for finding in left[:100])
    one = f"{len(left)} more cause{'s' if len(left) > 1 else ''} of failures"
    rest = Finding(
        rest_fingerprint(sighting.target),
        f"{one} on {sighting.target}",
        left[0].severity,
        tuple(test for finding in left for test in finding.tests)[:_KEPT_TESTS],
        (Section("", f"{one} than one run files one by one:\n\n{titles}", 100),),
    )
    issue = current(known.get(rest.fingerprint, ()))
    if issue and issue.state == "open":
        return _seen_again(rest, issue, sighting)
    if issue and (issue.reason == "not_planned" or _was_taken_in(issue, sighting)):
        return []
    return [_create(rest, sighting, issue)]


def _perhaps_recovered(issue: Issue, sighting: Sighting, policy: Policy) -> list[Action]:
    """Count a run that passed what its tests failed; close it when no more are needed."""
    memory = remembered(issue)
    if memory is None or memory.target != sighting.target or sighting.run in memory.runs:
        return []
    if not memory.tests or not sighting.passed.issuperset(memory.tests):
        return []
    renewed = replace(
        memory,
        passes=memory.passes + 1,
        passing_at=memory.passing_at or sighting.at,
        runs=_with_run(memory, sighting),
    )
    body = rewrite_body(issue.body, renewed)
    if renewed.passes < policy.recover_after or KEEP_OPEN in issue.labels:
        return [Edit(issue.number, body)]
    text = (
        f"Recovered: passed in {renewed.passes} runs in a row, since"
        f" {at_text(renewed.passing_at)}, now on {inline(sighting.release)}."
    )
    return [
        Comment(issue.number, text, f"{sighting.run}-recovered"),
        Edit(issue.number, body, "closed", "completed"),
    ]
