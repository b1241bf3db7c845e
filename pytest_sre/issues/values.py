"""What is found, what a tracker holds, and what is to be done about it."""

from typing import Final, Literal

import msgspec

State = Literal["open", "closed"]
Reason = Literal["completed", "not_planned", "duplicate", "reopened", ""]


RISK: Final = "reliability-risk"
"""The label of what can fail one day, though nothing has."""


class Section(msgspec.Struct, frozen=True):
    """A part of an issue's body.

    Attributes:
        heading: its heading; empty for the first words.
        text: Markdown in which nothing foreign is live.
        worth: which parts are dropped first when the body is too long: the lowest.
    """

    heading: str
    text: str
    worth: int


class Finding(msgspec.Struct, frozen=True):
    """A cause, as one run saw it.

    Attributes:
        fingerprint: 16 hexadecimal digits; the same for the same cause in every run.
        title: one line that a person could have written.
        severity: critical, high, medium or low.
        tests: the functions of the tests that failed by it, without parameters.
        sections: the evidence, in the order it is shown.
        labels: labels beside those that every issue of ours has.
        assignees: whom it is given to.
        apps: the apps it concerns.
        regions: where it was seen; empty when it is not bound to a place.
        image: what runs of these apps.
    """

    fingerprint: str
    title: str
    severity: str
    tests: tuple[str, ...]
    sections: tuple[Section, ...]
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    image: str = ""

    @property
    def is_risk(self) -> bool:
        """Whether nothing has failed by it yet."""
        return RISK in self.labels


class Sighting(msgspec.Struct, frozen=True, tag="sighting"):
    """What one run saw of a target: what is wrong, and what was tested and is well.

    Attributes:
        run: the run's id; a sighting is taken in once.
        tracker: who is to be told, as in the settings.
        target: the target's name.
        release: what was judged, such as ``shop v42``.
        at: when it ended, Unix seconds.
        findings: what is wrong, the gravest first.
        passed: functions of tests that ran, and passed with all their parameters.
        incidents: whether a critical cause starts an incident there.
        authors: who wrote what is new since the last healthy run, by name.
    """

    run: str
    tracker: str
    target: str
    release: str
    at: float
    findings: tuple[Finding, ...]
    passed: frozenset[str]
    incidents: bool = False
    authors: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.run


class Memory(msgspec.Struct, frozen=True):
    """What an issue remembers of itself, in the first line of its body.

    Attributes:
        fingerprint: of its cause.
        target: where it was seen.
        tests: functions of the tests that failed by it, all that ever did.
        first_at, last_at: when it was seen, Unix seconds.
        count: in how many runs.
        first_release, last_release: on which releases.
        passes: how many runs in a row have passed since.
        passing_at: when the first of these ended; 0 when there is none.
        commented: the release and the day of the last comment on a sighting.
        runs: the newest runs that it took in; one that it knows is not counted twice.
        app: what is concerned, when it was seen last.
        image: what ran then.
    """

    fingerprint: str
    target: str
    tests: tuple[str, ...]
    first_at: float
    last_at: float
    first_release: str
    last_release: str
    count: int = 1
    passes: int = 0
    passing_at: float = 0.0
    commented: str = ""
    runs: tuple[str, ...] = ()
    app: str = ""
    image: str = ""


class Issue(msgspec.Struct, frozen=True):
    """An issue of ours as a tracker holds it; times in Unix seconds, ``closed_at`` 0 when open."""

    number: int
    title: str
    body: str
    labels: frozenset[str]
    state: State = "open"
    reason: Reason = ""
    created_at: float = 0.0
    closed_at: float = 0.0


class Create(msgspec.Struct, frozen=True):
    """Open an issue."""

    fingerprint: str
    title: str
    body: str
    labels: tuple[str, ...]
    assignees: tuple[str, ...] = ()


class Edit(msgspec.Struct, frozen=True):
    """Change an issue: its body, and its state unless that is empty."""

    number: int
    body: str
    state: State | Literal[""] = ""
    reason: Reason = ""


class Comment(msgspec.Struct, frozen=True):
    """Say something on an issue.

    Attributes:
        number: the issue's.
        text: Markdown.
        key: the same for the same words of the same run.
        carries: what a program reads from it and nobody sees, without blanks; may be empty.
    """

    number: int
    text: str
    key: str
    carries: str = ""


Action = Create | Edit | Comment


class Policy(msgspec.Struct, frozen=True):
    """How issues live.

    Attributes:
        max_per_run: how many issues one run may open; one more says how many were left.
        recover_after: how many runs have to pass in a row before an issue is closed.
        reopen_within_s: how long after its close an issue is opened again; later a new one is.
    """

    max_per_run: int = 5
    recover_after: int = 2
    reopen_within_s: float = 14 * 86_400.0
