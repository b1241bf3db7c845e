"""What a log line says of itself: its level, its text and its trace id, in any common format."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

_LEVELS = {
    word: level
    for level, words in {
        "debug": "trace debug dbg verbose",
        "info": "info information notice log",
        "warning": "warning warn",
        "error": "error err severe",
        "critical": "critical crit fatal alert emergency emerg panic",
    }.items()
    for word in words.split()
}
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level")
_TEXT_KEYS = ("msg", "message", "event")
_TRACE_KEYS = ("trace_id", "traceId", "traceID", "trace.id", "dd.trace_id")

# Longer lines are read up to here for pairs and prefixes, so that no line takes long.
_HEAD_CHARS = 4096

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIME = (
    r"\[?(?:\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?"
    r"(?:Z| ?[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)\]?"
)
_LEADING_TIME = re.compile(_TIME + r"(?:\s+|$)")
_PAIR = re.compile(r'(?:^|\s)([\w.@-]+)=("(?:[^"\\]|\\.)*"|\S*)')
# What loggers put between the time and the level: a zone, a process id, a logger's name.
_BETWEEN = r"(?:(?:\[[^\]\s]{0,40}\]|[A-Z]{3,4}|\d{1,10}|-\s*[\w.]{1,80}\s*-)\s+){0,3}?"
_WORD = "|".join(sorted(_LEVELS, key=len, reverse=True))
_LEADING_LEVEL = re.compile(
    rf"{_BETWEEN}(?:[\[(<](?i:(?P<boxed>{_WORD}))[\])>]:?|(?i:(?P<marked>{_WORD}))\s?:"
    rf"|(?P<bare>{_WORD.upper()})(?=[\s|-]|$))\s*(?:[-|]\s+)?"
)
_TRACE = re.compile(
    r"\b(?:dd\.)?trace[_.-]?id\b[\"']?\s{0,3}[=:]\s{0,3}[\"']?([\w-]{8,64})", re.IGNORECASE
)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class LineRead(NamedTuple):
    """A log line as read.

    ``level`` is debug, info, warning, error or critical; ``text`` is what it says, without
    time and level where those were recognised; ``trace_id`` is empty where it has none.
    """

    level: str
    text: str
    trace_id: str


def read_line(message: str, platform_level: str) -> LineRead:
    """Read a line as JSON, as logfmt, or as text that begins with a level.

    The platform gives every line that an app prints the same level, so what the line says of
    itself counts first. Never raises, whatever the text.

    Args:
        message: the line as the app printed it; colours are removed.
        platform_level: the level that the platform gave it, used when the line has none.
    """
    line = _ANSI.sub("", message).strip()
    fallback = normal_level(platform_level) or "info"
    fields = _json_fields(line) or _logfmt_fields(line)
    if fields is None:
        level, text = _leading_level(line)
        return LineRead(level or fallback, text, _trace_in_text(line))
    own_text = _first_text(fields, _TEXT_KEYS)
    level, text = _leading_level(own_text)
    own_level = next(filter(None, (normal_level(fields.get(key)) for key in _LEVEL_KEYS)), None)
    if own_level:
        text = own_text
    return LineRead(own_level or level or fallback, text or line, _trace_id(fields))


def normal_level(value: object) -> str | None:
    """The level that a word or a number (10 to 60, as pino and bunyan count) stands for.

    Returns:
        debug, info, warning, error or critical; None when it stands for none.
    """
    if isinstance(value, str):
        word = value.strip().lower()
        if word.isascii() and word.isdecimal() and len(word) < 4:
            return _numeric_level(int(word))
        return _LEVELS.get(word)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _numeric_level(value)
    return None


def _numeric_level(number: float) -> str | None:
    if not 10 <= number <= 60:
        return None
    names = ((60, "critical"), (50, "error"), (40, "warning"), (30, "info"), (10, "debug"))
    return next(name for least, name in names if number >= least)


def _json_fields(line: str) -> Mapping[str, object] | None:
    if not (line.startswith("{") and line.endswith("}")):
        return None
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _logfmt_fields(line: str) -> Mapping[str, object] | None:
    """The pairs of a line that is made of them; a level=… in prose is not one."""
    pairs = _without_time(line[:_HEAD_CHARS])
    first = _PAIR.match(pairs)
    if first is None:
        return None
    fields = {key: _unquoted(value) for key, value in _PAIR.findall(pairs)}
    return fields if any(key in fields for key in _LEVEL_KEYS) else None


def _unquoted(value: str) -> str:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _leading_level(line: str) -> tuple[str | None, str]:
    if line.startswith(("Traceback (most recent call last)", "panic:")):
        return "error", line
    body = _without_time(line)
    found = _LEADING_LEVEL.match(body[:_HEAD_CHARS])
    if found is None:
        return None, body or line
    return _LEVELS[found[found.lastgroup or 0].lower()], body[found.end() :] or line


def _without_time(line: str) -> str:
    found = _LEADING_TIME.match(line)
    return line[found.end() :] if found else line


def _first_text(fields: Mapping[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _trace_id(fields: Mapping[str, object]) -> str:
    parent = _TRACEPARENT.fullmatch(_first_text(fields, ("traceparent",)))
    return _first_text(fields, _TRACE_KEYS) or (parent[1] if parent else "")


def _trace_in_text(line: str) -> str:
    found = _TRACE.search(line[:_HEAD_CHARS])
    return found[1] if found else ""
