"""An incident's issue: the line it remembers itself by, and the status at its top.

As with the issues of causes, the first line is a comment that Markdown does not show, believed
only there and only under our labels. The mark is another, so that the life of causes leaves
incidents alone.
"""

import base64
import binascii
import re
from typing import Final, Literal

import msgspec

from pytest_sre.issues.body import LABEL, at_text, day_of, fingerprint_label, time_of
from pytest_sre.issues.values import Issue
from pytest_sre.redaction import inline

INCIDENT: Final = "incident"

Status = Literal["open", "acknowledged", "recovered", "resolved"]

_MARKER: Final = re.compile(r"\A<!-- pytest-sre:incident:1 ([A-Za-z0-9_-]+=*) -->\r?(?=\n|\Z)")
_BLOCK: Final = re.compile(r"<!-- pytest-sre:status -->.*?<!-- /pytest-sre:status -->", re.DOTALL)
_SHOWN_CAUSES: Final = 20


class KnownCause(msgspec.Struct, frozen=True):
    """A cause that an incident is about.

    Attributes:
        fingerprint: of the cause.
        title: as it was first seen.
        tests: functions of the tests that fail by it.
        regions: where it fails; empty when it is not bound to a place, or does not fail.
        is_failing: whether it did when it was last looked at.
        number: of its issue; 0 when not known.
        since_at: since when it has been failing there, or well, Unix seconds.
    """

    fingerprint: str
    title: str
    tests: tuple[str, ...]
    regions: tuple[str, ...] = ()
    is_failing: bool = True
    number: int = 0
    since_at: float = 0.0


class Memory(msgspec.Struct, frozen=True):
    """What an incident's issue remembers. Times are Unix seconds, 0 for what did not happen.

    Attributes:
        fingerprint: of the incident, not of a cause.
        updated_at: when something was last added to its log.
        release: what ran when a run last looked, at ``release_at``.
        escalated_at: when someone was last mentioned.
        postmortem: the number of its post-mortem's issue; 0 when there is none.
        authors: who wrote what was new when runs looked, by name; not to be blamed.
        taken: keys of the newest events that were taken in; each is taken in once.
    """

    fingerprint: str
    title: str
    severity: str
    opened_at: float
    updated_at: float
    target: str = ""
    impact: str = ""
    commander: str = ""
    apps: tuple[str, ...] = ()
    release: str = ""
    release_at: float = 0.0
    causes: tuple[KnownCause, ...] = ()
    acknowledged_at: float = 0.0
    escalated_at: float = 0.0
    resolved_at: float = 0.0
    postmortem: int = 0
    authors: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()

    @property
    def recovered_at(self) -> float:
        """When a run saw all causes well, and none has failed since; 0 when that is not so."""
        if any(cause.is_failing for cause in self.causes):
            return 0.0
        return max((cause.since_at for cause in self.causes), default=0.0)

    @property
    def status(self) -> Status:
        """Where it stands."""
        if self.resolved_at:
            return "resolved"
        if self.recovered_at:
            return "recovered"
        return "acknowledged" if self.acknowledged_at else "open"


def remembered(issue: Issue) -> Memory | None:
    """What an incident's issue remembers; None when it is not one of ours."""
    found = _MARKER.match(issue.body)
    if found is None or not {LABEL, INCIDENT} <= issue.labels:
        return None
    try:
        memory = msgspec.json.decode(base64.urlsafe_b64decode(found[1]), type=Memory)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    return memory if fingerprint_label(memory.fingerprint) in issue.labels else None


def write_body(memory: Memory, text: str = "") -> str:
    """Write the body of a new incident's issue.

    Args:
        memory: what it is to remember.
        text: what is said below the status.
    """
    below = f"\n\n{text}" if text else ""
    return f"{_marker(memory)}\n\n{_block(memory)}{below}\n"


def rewrite_body(body: str, memory: Memory) -> str:
    """Write the status anew, and leave all else as it is; people may have edited it."""
    body = _MARKER.sub(lambda _: _marker(memory), body, count=1)
    return _BLOCK.sub(lambda _: _block(memory), body, count=1)


def exact_text(at: float) -> str:
    """A time in UTC with seconds, as each entry of the log begins."""
    return f"{day_of(at)} {time_of(at)} UTC"


def _marker(memory: Memory) -> str:
    # In base64 no value can end the comment that hides it.
    packed = base64.urlsafe_b64encode(msgspec.json.encode(memory)).decode()
    return f"<!-- pytest-sre:incident:1 {packed} -->"


def _block(memory: Memory) -> str:
    rows = [
        ("status", f"**{memory.status}**{_since(memory)}"),
        ("severity", memory.severity),
        ("impact", inline(memory.impact) or "not yet stated"),
        ("commander", inline(memory.commander) or "nobody yet"),
        ("affected apps", ", ".join(map(inline, memory.apps)) or "not known"),
        ("target", inline(memory.target) or "none"),
        ("opened at", at_text(memory.opened_at)),
        ("last update", at_text(memory.updated_at)),
    ]
    if memory.causes:
        rows.append(("causes", "<br>".join(map(_cause, memory.causes[:_SHOWN_CAUSES]))))
    if memory.escalated_at:
        rows.append(("escalated at", at_text(memory.escalated_at)))
    if memory.postmortem:
        rows.append(("post-mortem", f"#{memory.postmortem}"))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"<!-- pytest-sre:status -->\n| | |\n| --- | --- |\n{table}\n<!-- /pytest-sre:status -->"


def _since(memory: Memory) -> str:
    at = {
        "open": 0.0,
        "acknowledged": memory.acknowledged_at,
        "recovered": memory.recovered_at,
        "resolved": memory.resolved_at,
    }[memory.status]
    return f", at {at_text(at)}" if at else ""


def _cause(cause: KnownCause) -> str:
    number = f"#{cause.number} " if cause.number else ""
    where = f" in {', '.join(map(inline, cause.regions))}" if cause.regions else ""
    return f"{number}{inline(cause.title)}: {'failing' + where if cause.is_failing else 'well'}"
