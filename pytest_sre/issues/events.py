"""What waits in the outbox: sightings of runs, what happens to incidents, issues to be placed.

Each has a ``key`` that tells it from others, the ``tracker`` that is to be told, and the time it
happened ``at``, Unix seconds. What an event of an incident leads to is decided in
``pytest_sre.incidents``; here it only has its form, since one outbox keeps them all.
"""

from typing import Literal

import msgspec

from pytest_sre.issues.values import Sighting

Act = Literal["note", "acknowledge", "escalate", "resolve"]


class Sign(msgspec.Struct, frozen=True):
    """A cause as a run saw it, as far as an incident wants to know; see `Finding`."""

    fingerprint: str
    title: str
    severity: str
    tests: tuple[str, ...]
    apps: tuple[str, ...]
    regions: tuple[str, ...]


class IncidentSeen(msgspec.Struct, frozen=True, tag="incident-seen"):
    """What one run has to say to the incidents of its target.

    Attributes:
        run: the run's id.
        tracker: who is to be told.
        target: the target's name.
        release: what was judged.
        at: when the run ended.
        signs: what is wrong, the gravest first.
        passed: functions of tests that passed with all their parameters.
        begun: fingerprints of causes whose issue was opened, or opened again, by this run.
        authors: who wrote what is new since the last healthy run, by name.
    """

    run: str
    tracker: str
    target: str
    release: str
    at: float
    signs: tuple[Sign, ...]
    passed: frozenset[str]
    begun: frozenset[str]
    authors: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from others; in a folder it comes after its sighting."""
        return f"{self.run}~incident"

    @classmethod
    def of(cls, sighting: Sighting, begun: frozenset[str]) -> "IncidentSeen":
        """Give what a sighting has to say, and which of its causes are new; risks break nothing."""
        signs = tuple(
            Sign(each.fingerprint, each.title, each.severity, each.tests, each.apps, each.regions)
            for each in sighting.findings
            if not each.is_risk
        )
        return cls(
            sighting.run,
            sighting.tracker,
            sighting.target,
            sighting.release,
            sighting.at,
            signs,
            sighting.passed,
            begun,
            sighting.authors,
        )


class IncidentOpened(msgspec.Struct, frozen=True, tag="incident-opened"):
    """A person opens an incident. All texts are inert; those not known are empty."""

    key: str
    tracker: str
    at: float
    title: str
    severity: str
    target: str = ""
    impact: str = ""
    commander: str = ""
    apps: tuple[str, ...] = ()


class IncidentEntry(msgspec.Struct, frozen=True, tag="incident-entry"):
    """Something was done about an incident, or found out.

    Attributes:
        number: of the incident's issue; 0 for all open ones of ``target``.
        act: what it means for the incident's status.
        text: Markdown in which nothing foreign is live.
        mention: who is mentioned, such as ``@acme/director``; of ``escalate`` only.
        every_s: how long after one mention it is not repeated.
        postmortem: whether a draft of one is written; of ``resolve`` only.
    """

    key: str
    tracker: str
    at: float
    act: Act
    text: str
    number: int = 0
    target: str = ""
    mention: str = ""
    every_s: float = 0.0
    postmortem: bool = False


class PostmortemWanted(msgspec.Struct, frozen=True, tag="postmortem"):
    """The draft of a post-mortem is wanted for the incident with this number."""

    key: str
    tracker: str
    at: float
    number: int


class PlacementWanted(msgspec.Struct, frozen=True, tag="placement"):
    """The issue that is being opened is to be put on a project.

    Attributes:
        at: when it was about to be opened, Unix seconds.
        fingerprint: of the issue.
        severity: how bad it is; empty when it has none.
    """

    tracker: str
    at: float
    fingerprint: str
    severity: str

    @property
    def key(self) -> str:
        """What tells it from others; placed twice, an issue is there once."""
        return f"{self.fingerprint}~project"


IncidentEvent = IncidentSeen | IncidentOpened | IncidentEntry | PostmortemWanted
Event = Sighting | PlacementWanted | IncidentEvent
