"""What a log tells, event by event: one line, or all lines of a stack trace."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pytest_sre.logs.formats import Parsed, first_text, parse_line
from pytest_sre.logs.joining import joined
from pytest_sre.logs.levels import worst_level
from pytest_sre.logs.lines import trace_id_of
from pytest_sre.logs.origins import Origin, Origins
from pytest_sre.logs.times import stated_at
from pytest_sre.logs.traces import StackTrace, stack_trace
from pytest_sre.recording.rows import LogLine

_STACK_KEYS = (
    *("stack", "stacktrace", "stack_trace", "exc_info", "exception", "backtrace", "@x"),
    *("error.stack_trace", "exc_text", "error.stack"),
)
_ERROR_KEYS = ("err", "error", "exception", "thrown")
_SAMPLE_CHARS = 4_096


@dataclass(frozen=True)
class LogEvent:
    """A line of a log, or the lines of a stack trace and the one that announces it.

    Each part of its meaning is read when it is first asked for.

    Attributes:
        lines: the lines, in the order in which they were written; at least one.
        origin: what the Machine was that wrote them.
    """

    lines: tuple[LogLine, ...]
    origin: Origin = field(default_factory=Origin)

    @property
    def line(self) -> LogLine:
        """The first line."""
        return self.lines[0]

    @cached_property
    def text(self) -> str:
        """All of it, as printed."""
        return "\n".join(line.message for line in self.lines)

    @cached_property
    def level(self) -> str:
        """debug, info, warning, error or critical.

        A stack trace is an error, unless a line above it that states its level announces it.
        """
        levels = [line.level for line in self.lines]
        is_bare = len(self.lines) > 1 and self.header is None
        return worst_level([*levels, "error"] if is_bare else levels)

    @cached_property
    def message(self) -> str:
        """What it says: of a stack trace the exception line, else the text without time and level.

        The exception line is such as ``KeyError: 'tier'``.
        """
        if self.trace and not self._has_own_text:
            return self.trace.message
        return self._parsed.text

    @cached_property
    def trace(self) -> StackTrace | None:
        """The stack trace that it has, in lines of its own or in a field of its JSON."""
        found = stack_trace(self.text) or stack_trace(self._parsed.text)
        if found or self.format != "json":
            return found
        fields = [self.fields, *_inner(self.fields)]
        stacks = filter(None, (first_text(each, _STACK_KEYS) for each in fields))
        return next(filter(None, map(stack_trace, stacks)), None)

    @cached_property
    def header(self) -> str | None:
        """What the line above a stack trace says, where one announces it."""
        if len(self.lines) < 2 or self.trace is None or self._parsed.level is None:
            return None
        below = stack_trace("\n".join(line.message for line in self.lines[1:]))
        is_whole = below is not None and len(below.chain) == len(self.trace.chain)
        return self._parsed.text if is_whole else None

    @property
    def cause(self) -> str:
        """What occurrences of one fault share (`StackTrace.key`); empty without a stack trace."""
        return self.trace.key if self.trace else ""

    @property
    def said(self) -> str:
        """What it says beside its stack trace; of one without a trace its message."""
        if self.trace is None or self._has_own_text:
            return self._parsed.text
        return self.header or ""

    @property
    def format(self) -> str:
        """The format of its first line, such as ``json`` or ``nginx``; see `Parsed`."""
        return self._parsed.format

    @property
    def is_structured(self) -> bool:
        """Whether it is JSON or logfmt."""
        return self.format in {"json", "logfmt"}

    @property
    def fields(self) -> Mapping[str, object]:
        """What its format names, such as ``logger``; of JSON and logfmt all that it has."""
        return self._parsed.fields

    @cached_property
    def at(self) -> float:
        """When it was written by its own account, or else by the platform's; Unix seconds."""
        stated = stated_at(self._parsed.time, self.line.at)
        return self.line.at if stated is None else stated

    @property
    def machine(self) -> str:
        """The id of the Machine that wrote it."""
        return self.line.machine

    @property
    def region(self) -> str:
        """The region of that Machine."""
        return self.line.region

    @property
    def group(self) -> str:
        """The process group of that Machine; empty when it is not known."""
        return self.origin.group

    @property
    def release(self) -> int:
        """The number of the release that it ran then; 0 when it is not known."""
        return self.origin.release

    @cached_property
    def trace_id(self) -> str:
        """The id of the distributed trace that it belongs to; empty when it tells none."""
        return trace_id_of(self._parsed, self.text)

    @property
    def sample(self) -> str:
        """The text; of a long one the beginning and the end."""
        text, half = self.text, _SAMPLE_CHARS // 2
        return text if len(text) <= _SAMPLE_CHARS else f"{text[:half]}\n…\n{text[-half:]}"

    def has(self, pattern: re.Pattern[str]) -> bool:
        """Whether a pattern is found in one of its lines, or in what it says."""
        found = any(pattern.search(line.message) for line in self.lines)
        return bool(found or pattern.search(self._parsed.text) or pattern.search(self.message))

    @property
    def _has_own_text(self) -> bool:
        """Whether its stack trace is in a field beside what it says."""
        return self.format == "json" and "\n" not in self._parsed.text

    @cached_property
    def _parsed(self) -> Parsed:
        # A stack trace inside one line, as of a message in JSON, is read as a whole.
        return parse_line(self.line.message)


def events_of(lines: Sequence[LogLine], origins: Origins | None = None) -> list[LogEvent]:
    """The events of a log, in the order of their first lines; each line is in one event.

    Args:
        lines: those of one app, in the order in which they were written.
        origins: what the app's Machines were.
    """
    known = origins or Origins()
    return [LogEvent(group, known.of(group[0].machine, group[0].at)) for group in joined(lines)]


def _inner(fields: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = (fields.get(key) for key in _ERROR_KEYS)
    return [value for value in found if isinstance(value, dict)]
