"""Which errors the log shows, and how often: lines that differ in numbers only are one."""

import dataclasses
import re
from collections.abc import Sequence

from pytest_sre.logs.lines import read_line
from pytest_sre.logs.masks import masked
from pytest_sre.recording.rows import LogLine

_ERRORS = frozenset({"error", "critical"})
_KINDS = frozenset({"app", "proxy"})


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Error lines that say the same thing.

    Attributes:
        kind: ``app`` for what the app printed, ``proxy`` for what Fly Proxy said about it.
        template: the text they share, what differs masked, such as ``order <n> failed``.
        count: how many lines.
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
        lines: the log, in any order.
        ignore: a line is left out when one of these is found in it, or in its text.
    """
    groups: dict[tuple[str, str], list[LogLine]] = {}
    for line in lines:
        if is_error(line) and not is_ignored(line, ignore):
            text = read_line(line.message, line.level).text
            groups.setdefault((line.provider, masked(text)), []).append(line)
    found = [_group(kind, template, group) for (kind, template), group in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.first_at, group.template))


def is_error(line: LogLine) -> bool:
    """Whether a line is an error of the app, or of Fly Proxy about it."""
    return line.provider in _KINDS and line.level in _ERRORS


def is_ignored(line: LogLine, ignore: Sequence[re.Pattern[str]]) -> bool:
    """Whether one of the patterns is found in a line, or in what it says."""
    if not ignore:
        return False
    text = read_line(line.message, line.level).text
    return any(pattern.search(line.message) or pattern.search(text) for pattern in ignore)


def _group(kind: str, template: str, lines: Sequence[LogLine]) -> ErrorGroup:
    first = min(lines, key=lambda line: line.at)
    return ErrorGroup(
        kind=kind,
        template=template,
        count=len(lines),
        machines=tuple(sorted({line.machine for line in lines if line.machine})),
        first_at=first.at,
        sample=first.message,
    )
