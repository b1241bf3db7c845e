"""What a log line says of itself: its level, its text and its trace id, in any common format."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pytest_sre.logs.formats import Parsed, first_text, parse_line
from pytest_sre.logs.levels import normal_level
from pytest_sre.logs.traces import stack_trace

_TRACE_KEYS = ("trace_id", "traceId", "traceID", "trace.id", "dd.trace_id", "otelTraceID")

# Longer lines are searched up to here, so that no line takes long.
_HEAD_CHARS = 4096

_TRACE = re.compile(
    r"\b(?:dd\.)?trace[_.-]?id\b[\"']?\s{0,3}[=:]\s{0,3}[\"']?([\w-]{8,64})", re.IGNORECASE
)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class LineRead(NamedTuple):
    """A log line as read.

    ``level`` is debug, info, warning, error or critical; ``text`` is what it says, without
    time and level where those were recognised, and of a stack trace the exception line;
    ``trace_id`` is empty where it has none.
    """

    level: str
    text: str
    trace_id: str


def read_line(message: str, platform_level: str) -> LineRead:
    """Read a line as JSON, as logfmt, as a well-known logger's, or as text.

    The platform gives every line that an app prints the same level, so what the line says of
    itself counts first. Never raises, whatever the text.

    Args:
        message: the line as the app printed it; colours are removed.
        platform_level: the level that the platform gave it, used when the line has none.
    """
    parsed = parse_line(message)
    level = parsed.level or normal_level(platform_level) or "info"
    trace = stack_trace(parsed.text) if "\n" in parsed.text else None
    text = trace.message if trace else parsed.text
    return LineRead(level, text, trace_id_of(parsed, message))


def trace_id_of(parsed: Parsed, message: str) -> str:
    """The id of the trace that a line belongs to; empty where it has none."""
    if parsed.format in {"json", "logfmt"}:
        return _trace_in_fields(parsed.fields)
    found = _TRACE.search(message[:_HEAD_CHARS])
    return found[1] if found else ""


def _trace_in_fields(fields: Mapping[str, object]) -> str:
    parent = _TRACEPARENT.fullmatch(first_text(fields, ("traceparent",)))
    return first_text(fields, _TRACE_KEYS) or (parent[1] if parent else "")
