"""Which lines of a log are one event: those of a stack trace, and the line that announces it.

Per Machine, since traces of several Machines come interleaved; a line that states a level of
its own between two of a trace, as another thread's does, is not part of it.
"""

import re
from collections.abc import Iterator, Sequence

from pytest_sre.logs.formats import parse_line
from pytest_sre.logs.levels import LEVELS
from pytest_sre.recording.rows import LogLine

MOST_LINES = 1_000
"""An event has at most so many lines; what follows is events of its own."""

MOST_CHARS = 256 * 2**10
"""An event is at most so long, or one line."""

# Lines of one trace are written at once; what carries them may take a moment.
_BETWEEN_S = 5.0
_HEADER_S = 1.0
_FOREIGN_LINES = 20
_HEAD_CHARS = 1_000
_ANNOUNCING = frozenset({"warning", "error", "critical"})

_TYPE = r"(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*"
_LEVEL = rf"(?i:{'|'.join(LEVELS)})\s?:"
_BLANK = r"\s*$"
_FRAME = re.compile(r"\s+at \S")
_FROM = re.compile(r"\s+from \S+:\d+:in ")
_AFTER_FRAMES = r"Node\.js v\d|\s+(?:errno|code|syscall|address|port|path|name|detail)\b|\}\s*$"

_Steps = tuple[tuple[re.Pattern[str], str], ...]


def _steps(*steps: tuple[str, str]) -> _Steps:
    return tuple((re.compile(pattern), state) for pattern, state in steps)


# By state: how the next line of a trace may look, and which state it leads to.
_NEXT: dict[str, _Steps] = {
    "python": _steps(
        (r"[\s|+]+\S", "python"),
        (rf"(?!{_LEVEL})(?:{_TYPE}(?::\s|:?$)|[a-z_]\w*(?:\.\w+)+(?::\s|$))", "raised"),
    ),
    "raised": _steps(
        (_BLANK, "raised"),
        (r"During handling of|The above exception was", "chained"),
        (r"[\s|+]+\S|\[SQL: |\[parameters: |\(Background on|LINE \d+:|DETAIL: |HINT: ", "raised"),
    ),
    "chained": _steps((_BLANK, "chained"), (r"Traceback \(most", "python")),
    "at": _steps(
        (rf"{_FRAME.pattern}|\s+\.\.\. \d+ |\s*(?:Caused by|Suppressed|\[cause\]): ", "at"),
        (rf"{_BLANK}|{_AFTER_FRAMES}", "at"),
    ),
    "source": _steps((r"\s*\^+\s*$", "thrown"), (r".", "source")),
    "thrown": _steps((_BLANK, "thrown"), (r".*\S", "at")),
    "go": _steps(
        (r"goroutine \d+ |\[signal |\tpanic: |created by |exit status \d|\t\S+:\d", "go"),
        (rf"(?=\S+\()\S.*\)$|\.\.\.(?:additional|\d+) |{_BLANK}", "go"),
    ),
    "rust": _steps((r".*\S", "rust-told")),
    "rust-told": _steps(
        (rf"note: |stack backtrace:|\s+\d+: |{_FRAME.pattern}|{_BLANK}", "rust-told")
    ),
    "ruby": _steps((rf"(?:\[\S*\] )?\s*(?:from )?\S+:\d+:in |(?:\[\S*\] )?{_BLANK}", "ruby")),
}
_STARTS = _steps(
    (r"[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):", "python"),
    (r"(?:.*\s)?(?:panic(?: serving \S+)?|fatal error): |goroutine \d+ \[", "go"),
    (r"thread '.*' (?:\(\d+\) )?panicked at ", "rust"),
    (r"(?:node:|file://|/)\S+:\d+$", "source"),
    (rf"(?:\[\S*\] )?{_TYPE} \(.*\):$", "ruby"),
)
_MAY_START = re.compile(r"Traceback|panic|fatal error: |goroutine|:\d+$|\):$")
_ANNOUNCED = frozenset({"python", "at", "ruby"})


def joined(lines: Sequence[LogLine]) -> list[tuple[LogLine, ...]]:
    """The lines in groups, in the order of their first lines; each line is in one group.

    Args:
        lines: those of one app, in the order in which they were written.
    """
    by_machine: dict[tuple[str, str], list[int]] = {}
    for index, line in enumerate(lines):
        by_machine.setdefault((line.machine, line.provider), []).append(index)
    found: list[list[int]] = []
    for places in by_machine.values():
        own = [lines[place] for place in places]
        found += [[places[index] for index in group] for group in _groups(own)]
    found.sort()
    return [tuple(lines[index] for index in group) for group in found]


def _groups(lines: Sequence[LogLine]) -> Iterator[list[int]]:
    """The lines of one Machine in groups."""
    taken = bytearray(len(lines))
    single: list[int] | None = None
    for index in range(len(lines)):
        if taken[index]:
            continue
        state = _start(lines, index)
        group = _extent(lines, index, state, taken) if state else [index]
        if single and len(group) > 1 and _announces(lines, single[0], index, state):
            yield [*single, *group]
            single = None
            continue
        if single:
            yield single
        # Held back for as long as the next may be the trace that it announces.
        single = group if len(group) == 1 else None
        if single is None:
            yield group
    if single:
        yield single


def _start(lines: Sequence[LogLine], index: int) -> str:
    """The state that a line begins a trace with; empty when it begins none."""
    text = lines[index].message
    if text.startswith("{"):
        return ""
    following = lines[index + 1].message if index + 1 < len(lines) else ""
    if following[:1].isspace():
        if _FRAME.match(following) and not _FRAME.match(text):
            return "at"
        if _FROM.match(following) and not _FROM.match(text):
            return "ruby"
    if not _MAY_START.search(text[:_HEAD_CHARS]):
        return ""
    state = _state_after(_STARTS, text)
    return "" if state == "source" and not _is_thrown(lines, index) else state


def _is_thrown(lines: Sequence[LogLine], index: int) -> bool:
    """Whether Node shows the line of code that threw, with a caret below it."""
    caret = (_NEXT["source"][0][0].match(line.message) for line in lines[index + 1 : index + 5])
    return any(caret)


def _extent(lines: Sequence[LogLine], start: int, state: str, taken: bytearray) -> list[int]:
    """The lines of a trace; marks them as taken."""
    group, at, chars = [start], lines[start].at, len(lines[start].message)
    foreign = 0
    for index in range(start + 1, len(lines)):
        line = lines[index]
        chars += len(line.message)
        if line.at - at > _BETWEEN_S or len(group) >= MOST_LINES or chars > MOST_CHARS:
            break
        following = _state_after(_NEXT[state], line.message)
        if following and not taken[index]:
            group.append(index)
            taken[index], state, at, foreign = 1, following, line.at, 0
        elif foreign < _FOREIGN_LINES and not _start(lines, index) and _is_foreign(line):
            foreign += 1
        else:
            break
    if any(lines[index].message.strip() for index in group[1:]):
        return group
    for index in group[1:]:
        taken[index] = 0
    return [start]


def _state_after(steps: _Steps, text: str) -> str:
    head = text[:_HEAD_CHARS]
    return next((state for pattern, state in steps if pattern.match(head)), "")


def _is_foreign(line: LogLine) -> bool:
    """Whether a line is certainly no part of a trace."""
    parsed = parse_line(line.message)
    return parsed.level is not None or parsed.format != "text"


def _announces(lines: Sequence[LogLine], header: int, start: int, state: str) -> bool:
    """Whether a line is what a logger wrote above the trace of the exception it was given."""
    line = lines[header]
    near = header == start - 1 and lines[start].at - line.at <= _HEADER_S
    if not near or state not in _ANNOUNCED or line.message.startswith("{"):
        return False
    return parse_line(line.message).level in _ANNOUNCING and _states_no_level(lines[start])


def _states_no_level(line: LogLine) -> bool:
    is_traceback = line.message.lstrip().startswith("Traceback")
    return is_traceback or parse_line(line.message).level is None
