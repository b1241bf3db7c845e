"""Which errors the log shows, and how often: lines that differ in numbers only are one."""

import dataclasses
import re
from collections.abc import Sequence

from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.masks import masked
from pytest_sre.recording.rows import LogLine

_ERRORS = frozenset({"error", "critical"})
_KINDS = frozenset({"app", "proxy"})
# The proxy's code for "unreachable worker host".
_LOST_HOST = "[PU03]"


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Error lines that say the same thing.

    Attributes:
        kind: ``app`` for what the app printed, ``proxy`` for what Fly Proxy said about it.
        template: the text they share, what differs masked, such as ``order <n> failed``.
        count: how many; a stack trace is one.
        machines: the ids of the Machines that printed them.
        first_at: when the first was printed, Unix seconds.
        sample: the first of them, as printed.
    """

    kind: str
    template: str
    count: int
    machines: tuple[str, ...]
    first_at: float
    sample: str


def error_groups(
    lines: Sequence[LogLine], ignore: Sequence[re.Pattern[str]] = ()
) -> list[ErrorGroup]:
    """The errors in a log, most frequent first.

    Only lines of level error or critical count, and only those of the app and of Fly Proxy:
    what the platform says of health checks and of starting a Machine is judged elsewhere.

    Args:
        lines: the log, in the order in which it was written.
        ignore: a line is left out when one of these is found in it, or in its text.
    """
    groups: dict[tuple[str, str], list[LogEvent]] = {}
    for event in events_of(lines):
        if is_error(event) and not is_ignored(event, ignore):
            template = ": ".join(filter(None, (masked(event.said), event.cause)))
            groups.setdefault((event.line.provider, template), []).append(event)
    found = [_group(kind, template, group) for (kind, template), group in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.first_at, group.template))


def is_error(event: LogEvent) -> bool:
    """Whether it is an error of the app, or of Fly Proxy about it.

    That a Machine's host cannot be reached is Fly's error, and nothing the app does.
    """
    is_judged = event.line.provider in _KINDS and event.level in _ERRORS
    return is_judged and not (event.line.provider == "proxy" and _LOST_HOST in event.line.message)


def is_ignored(event: LogEvent, ignore: Sequence[re.Pattern[str]]) -> bool:
    """Whether one of the patterns is found in a line of it, or in what it says."""
    return any(map(event.has, ignore))


def _group(kind: str, template: str, events: Sequence[LogEvent]) -> ErrorGroup:
    first = min(events, key=lambda event: event.line.at)
    return ErrorGroup(
        kind=kind,
        template=template,
        count=len(events),
        machines=tuple(sorted({event.machine for event in events if event.machine})),
        first_at=first.line.at,
        sample=first.sample,
    )
