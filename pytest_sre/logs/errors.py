"""Which errors the log shows, and how often: lines that differ in numbers only are one."""

import dataclasses
import re
from collections.abc import Sequence

from pytest_sre.logs.lines import read_line
from pytest_sre.recording.rows import LogLine

# In this order: what is more telling is masked before its parts are.
_MASKS = {
    "text": r'"[^"\n]*"|(?<!\w)\'[^\'\n]*\'(?!\w)',
    "uuid": r"(?i:\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)",
    "time": r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?\b"
    r"|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b",
    "ip": r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"
    r"|(?i:(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}\b)",
    "hex": r"(?i:\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b)",
    "duration": r"\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+\b",
    "n": r"(?<![^\W_])\d+(?:[.,]\d+)*",
}
_MASK = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _MASKS.items()))
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
        if line.provider not in _KINDS or line.level not in _ERRORS:
            continue
        text = read_line(line.message, line.level).text
        if not any(pattern.search(line.message) or pattern.search(text) for pattern in ignore):
            groups.setdefault((line.provider, masked(text)), []).append(line)
    found = [_group(kind, template, group) for (kind, template), group in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.first_at, group.template))


def masked(text: str) -> str:
    """The text with what varies between occurrences of one error replaced by its kind."""
    return _MASK.sub(lambda found: f"<{found.lastgroup}>", text)


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
