"""An issue's body: the line it remembers itself by, when it was seen, and the evidence.

The first line is a comment that Markdown does not show. It is believed only there, and only on an
issue that carries our label: text from a log cannot get to either place.
"""

import base64
import binascii
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from pytest_sre.issues.values import Issue, Memory, Section
from pytest_sre.redaction import inline

LABEL: Final = "sre"
KEEP_OPEN: Final = "keep-open"
LONGEST_BODY: Final = 45_000
"""Of a new issue. GitHub takes 65,536 characters; what an issue remembers grows with its runs."""
_GITHUB_TAKES: Final = 65_536
_CUT: Final = "\n\n_Cut here, since it did not fit._\n"

_MARKER: Final = re.compile(r"\A<!-- pytest-sre:1 ([A-Za-z0-9_-]+=*) -->\r?(?=\n|\Z)")
_SEEN: Final = re.compile(r"<!-- pytest-sre:seen -->.*?<!-- /pytest-sre:seen -->", re.DOTALL)
_EVENT: Final = "<!-- pytest-sre:event {} "
_CARRIED: Final = re.compile(r"\A<!-- pytest-sre:event [^ >\n]+ ([A-Za-z0-9_-]+=*) -->")


def fingerprint_label(fingerprint: str) -> str:
    """The label that an issue with this fingerprint carries."""
    return f"{LABEL}-{fingerprint}"


def remembered(issue: Issue) -> Memory | None:
    """What an issue remembers of itself; None when it is not one of ours."""
    found = _MARKER.match(issue.body)
    if found is None or LABEL not in issue.labels:
        return None
    try:
        memory = msgspec.json.decode(base64.urlsafe_b64decode(found[1]), type=Memory)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        return None
    return memory if fingerprint_label(memory.fingerprint) in issue.labels else None


def first_line(body: str) -> str:
    """The line by which an issue remembers itself, whatever ends it."""
    return body.partition("\n")[0].rstrip()


def write_body(memory: Memory, severity: str, sections: Sequence[Section]) -> str:
    """Write the body of a new issue, at most 45,000 characters long.

    What does not fit is left out, the least useful part first, and named at the end.

    Args:
        memory: what the issue is to remember.
        severity: how bad it is.
        sections: the evidence, in the order it is shown.
    """
    head = "\n\n".join([_marker(memory), _seen(memory, severity)])
    kept, dropped = list(sections), list[str]()
    while kept and len(_joined(head, kept, dropped)) > LONGEST_BODY:
        least = min(kept, key=lambda section: section.worth)
        kept.remove(least)
        dropped.append(least.heading or "the description")
    return _joined(head, kept, dropped)


def rewrite_body(body: str, memory: Memory, severity: str = "") -> str:
    """Write anew what an issue remembers and when it was seen; leave all else as it is.

    Args:
        body: as it is now; people may have edited it.
        memory: what it is to remember from now on.
        severity: how bad it is; as it says itself when empty.
    """
    stated = re.search(r"^\| severity \| (\w+) \|$", body, re.MULTILINE)
    shown = _seen(memory, severity or (stated[1] if stated else "high"))
    body = _MARKER.sub(lambda _: _marker(memory), body, count=1)
    body = _SEEN.sub(lambda _: shown, body, count=1)
    # Or GitHub would take no edit of it any more.
    return body if len(body) <= _GITHUB_TAKES else body[: _GITHUB_TAKES - len(_CUT)] + _CUT


def write_comment(text: str, key: str, carries: str = "") -> str:
    """Write a comment that is found again by its key; see `Comment`."""
    hidden = f"{carries} " if carries else ""
    return f"{_EVENT.format(key)}{hidden}-->\n{text}"


def is_comment(text: str, key: str) -> bool:
    """Whether a comment is the one with this key."""
    return text.startswith(_EVENT.format(key))


def carried(text: str) -> str:
    """What a comment carries; empty when that is nothing."""
    found = _CARRIED.match(text)
    return found[1] if found else ""


def at_text(at: float) -> str:
    """A time in UTC, for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def time_of(at: float) -> str:
    """The time of day in UTC, with seconds."""
    return time.strftime("%H:%M:%S", time.gmtime(at))


def day_of(at: float) -> str:
    """The day in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _marker(memory: Memory) -> str:
    # In base64 no value can end the comment that hides it.
    packed = base64.urlsafe_b64encode(msgspec.json.encode(memory)).decode()
    return f"<!-- pytest-sre:1 {packed} -->"


def _seen(memory: Memory, severity: str) -> str:
    rows = [
        ("severity", severity),
        ("target", inline(memory.target)),
        ("app", inline(memory.app)),
        ("first seen", f"{at_text(memory.first_at)}, {inline(memory.first_release)}"),
        ("last seen", f"{at_text(memory.last_at)}, {inline(memory.last_release)}"),
        ("image", inline(memory.image)),
        ("seen in", f"{memory.count} run{'s' if memory.count != 1 else ''}"),
    ]
    if memory.passes:
        rows.append(("passing", f"{memory.passes} in a row, since {at_text(memory.passing_at)}"))
    table = "\n".join(f"| {name} | {value} |" for name, value in rows if value)
    return f"<!-- pytest-sre:seen -->\n| | |\n| --- | --- |\n{table}\n<!-- /pytest-sre:seen -->"


def _joined(head: str, kept: Sequence[Section], dropped: Sequence[str]) -> str:
    parts = [head]
    parts += [f"## {each.heading}\n\n{each.text}" if each.heading else each.text for each in kept]
    if dropped:
        parts.append(f"_Left out, since it did not fit: {', '.join(dropped)}._")
    return "\n\n".join(parts) + "\n"
