"""Which format a log line is in, and what it says in it: JSON, logfmt, or a logger's own.

Formats are those that the loggers' documentation gives as their defaults.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from pytest_sre.logs.levels import LEVELS, level_of_letter, normal_level

LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level", "severityText", "@l")
TEXT_KEYS = ("msg", "message", "event", "body", "@m", "@mt")
TIME_KEYS = ("time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "@t", "instant")
_OTEL_TIME = "timeUnixNano"

# Longer lines are read up to here for pairs and prefixes, so that no line takes long.
_HEAD_CHARS = 4096
_NO_FIELDS: Mapping[str, object] = MappingProxyType({})

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PAIR = re.compile(r'(?:^|\s)([\w.@-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_TIME = (
    r"\[?(?:\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?"
    r"(?:Z| ?[+-]\d\d:?\d\d)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)\]?"
)
_LEADING_TIME = re.compile(_TIME + r"(?:\s+|$)")
# What loggers put between the time and the level: a zone, a process id, a logger's name.
_BETWEEN = r"(?:(?:\[[^\]\s]{0,40}\]|[A-Z]{3,4}|\d{1,10}|-\s*[\w.]{1,80}\s*-)\s+){0,3}?"
_WORD = "|".join(sorted(LEVELS, key=len, reverse=True))
_LEADING_LEVEL = re.compile(
    rf"{_BETWEEN}(?:[\[(<](?i:(?P<boxed>{_WORD}))[\])>]:?|(?i:(?P<marked>{_WORD}))\s?:"
    rf"|(?P<bare>{_WORD.upper()})(?=[\s|-]|$))\s*(?:[-|]\s+)?"
)
_ERRORS_WITHOUT_LEVEL = ("Traceback (most recent call last)", "panic:", "fatal error:")

_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_CLOCK = r"\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?"
_STAMP = rf"{_DATE}[T ]{_CLOCK}(?:Z| ?[+-]\d\d(?::?\d\d)?| UTC| GMT)?"
_LEVEL = rf"(?P<level>(?i:{_WORD}))"
_THREAD = r"\[(?P<thread>[^\]]{0,80})\]"
_LOGGER = r"(?P<logger>[\w.$/:-]{1,120})"
_SOURCE = r"(?P<source>[\w./-]{1,120}\.go:\d+)"
_REST = r"(?P<message>.*)"

_Fields = Mapping[str, object]


class Parsed(NamedTuple):
    """A log line as its format has it.

    Attributes:
        format: ``json``, ``logfmt``, ``python``, ``go``, ``zap``, ``klog``, ``ruby``,
            ``postgres``, ``nginx``, ``access`` or ``java``; ``text`` where it is none of them.
        fields: what the format names beside the message, such as ``logger`` or ``pid``; of JSON
            and logfmt all that the line has.
        level: what the line states of itself, as one of five words; None when it states none.
        text: what it says, without time and level where those were recognised.
    """

    format: str
    fields: _Fields
    level: str | None
    text: str

    @property
    def time(self) -> object:
        """What the line has for its time, as written; None when it has none."""
        found = (self.fields.get(key) for key in (*TIME_KEYS, _OTEL_TIME))
        return next((value for value in found if value is not None), None)


def parse_line(message: str) -> Parsed:
    """Read a line as an app or a platform's part printed it; colours are removed.

    Never raises, whatever the text.
    """
    line = (_ANSI.sub("", message) if "\x1b" in message else message).strip()
    if line.startswith("{") and (fields := _json_fields(line)) is not None:
        return _of_fields("json", fields, line)
    if "=" in line and (fields := _logfmt_fields(line)) is not None:
        return _of_fields("logfmt", fields, line)
    return _of_known(line) or _of_text(line)


def _json_fields(line: str) -> _Fields | None:
    if not line.endswith("}"):
        return None
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _logfmt_fields(line: str) -> _Fields | None:
    """The pairs of a line that is made of them; a level=… in prose is not one."""
    pairs = _without_time(line[:_HEAD_CHARS])
    first = _PAIR.match(pairs)
    if first is None:
        return None
    fields = {key: _unquoted(value) for key, value in _PAIR.findall(pairs)}
    return fields if any(key in fields for key in LEVEL_KEYS) else None


def _unquoted(value: str) -> str:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _of_fields(format_: str, fields: _Fields, line: str) -> Parsed:
    own_text = first_text(fields, TEXT_KEYS)
    own_level = next(filter(None, (normal_level(fields.get(key)) for key in LEVEL_KEYS)), None)
    if own_level is None and isinstance(log := fields.get("log"), dict):
        own_level = normal_level(log.get("level"))
    if own_level:
        return Parsed(format_, fields, own_level, own_text or line)
    level, text = _leading_level(own_text)
    return Parsed(format_, fields, level, text or line)


def first_text(fields: _Fields, keys: tuple[str, ...]) -> str:
    """The first of some fields that is a text and not empty; empty when none is."""
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _of_known(line: str) -> Parsed | None:
    """Read a line in the format of a well-known logger."""
    head, rest = line[:_HEAD_CHARS], line[_HEAD_CHARS:]
    for format_, pattern in _PATTERNS.get(_first_kind(head), ()):
        found = pattern.fullmatch(head)
        if found is None:
            continue
        fields: dict[str, object] = {k: v for k, v in found.groupdict().items() if v is not None}
        level = _stated_level(str(fields.pop("level", "")))
        text = str(fields.pop("message", line)) + rest
        return Parsed(format_, MappingProxyType(fields), level, text or line)
    return None


def _first_kind(line: str) -> str:
    """What decides which patterns may match: ``0`` a digit, ``[``, ``A`` a letter, or nothing."""
    first = line[:1]
    if first.isdigit():
        return "0"
    return "A" if "A" <= first <= "Z" else first


def _stated_level(word: str) -> str | None:
    return level_of_letter(word) if len(word) == 1 else normal_level(word) or _POSTGRES.get(word)


def _of_text(line: str) -> Parsed:
    level, text = _leading_level(line)
    time = _LEADING_TIME.match(line)
    fields = {"time": time[0].strip().strip("[]")} if time else _NO_FIELDS
    return Parsed("text", fields, level, text)


def _leading_level(line: str) -> tuple[str | None, str]:
    if line.startswith(_ERRORS_WITHOUT_LEVEL):
        return "error", line
    body = _without_time(line)
    found = _LEADING_LEVEL.match(body[:_HEAD_CHARS])
    if found is None:
        return None, body or line
    return LEVELS[found[found.lastgroup or 0].lower()], body[found.end() :] or line


def _without_time(line: str) -> str:
    found = _LEADING_TIME.match(line)
    return line[found.end() :] if found else line


# What else PostgreSQL has where others have a level; the lines after an error explain it.
_POSTGRES = {
    **{f"DEBUG{number}": "debug" for number in range(1, 6)},
    **dict.fromkeys(("DETAIL", "HINT", "STATEMENT", "CONTEXT", "QUERY", "LOCATION"), "info"),
}
_POSTGRES_LEVEL = rf"(?P<level>{_WORD.upper()}|{'|'.join(_POSTGRES)})"


_BY_DIGIT = (
    (
        "postgres",
        (
            rf"(?P<time>{_STAMP}) \[(?P<pid>\d+)(?:-\d+)?\](?: (?P<user>[^@\s]*)@"
            rf"(?P<database>\S*))? {_POSTGRES_LEVEL}:\s+{_REST}"
        ),
    ),
    (
        "nginx",
        (
            rf"(?P<time>{_DATE} {_CLOCK}) \[{_LEVEL}\] (?P<pid>\d+)#(?P<tid>\d+): "
            rf"(?:\*(?P<connection>\d+) )?{_REST}"
        ),
    ),
    (
        "zap",
        (
            rf"(?P<time>{_STAMP}|\d+\.\d+)\t{_LEVEL}\t(?:(?P<logger>[\w.]+)\t)?"
            rf"(?:{_SOURCE}\t)?(?P<message>[^\t]*)(?:\t(?P<context>\{{.*\}}))?"
        ),
    ),
    ("java", rf"(?P<time>{_STAMP}|{_CLOCK})\s+{_THREAD} {_LEVEL}\s+{_LOGGER}\s+-\s+{_REST}"),
    (
        "java",
        (
            rf"(?P<time>{_STAMP})\s+{_LEVEL}\s+(?P<pid>\d+) --- {_THREAD}"
            rf"(?: \[[^\]]{{0,80}}\]){{0,3}}\s+(?P<logger>\S+)\s*: {_REST}"
        ),
    ),
    ("java", rf"(?P<time>{_STAMP}|{_CLOCK})\s+{_LEVEL}\s+{_THREAD} {_LOGGER}(?::| -) {_REST}"),
    ("python", rf"(?P<time>{_STAMP}) - {_LOGGER} - {_LEVEL} - {_REST}"),
    (
        "go",
        (
            r"(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) "
            rf"(?:{_SOURCE}:|(?P<level>DEBUG|INFO|WARN|ERROR)) {_REST}"
        ),
    ),
    (
        "access",
        (
            r"(?P<client>[\da-fA-F.:]+) \S+ (?P<user>\S+) \[(?P<time>[^\]]{20,30})\] "
            r'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-)'
            r'(?: "(?P<referer>[^"]*)" "(?P<agent>[^"]*)".*)?'
        ),
    ),
)
_BY_BRACKET = (("python", rf"\[(?P<time>{_STAMP})\] \[(?P<pid>\d+)\] \[{_LEVEL}\] {_REST}"),)
_BY_LETTER = (
    (
        "klog",
        (
            r"(?P<level>[IWEF])(?P<time>\d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?)\s+(?P<pid>\d+) "
            rf"(?P<source>[\w./-]+:\d+)\] {_REST}"
        ),
    ),
    (
        "ruby",
        (
            rf"(?P<level>[DIWEFAU]), \[(?P<time>{_STAMP}) #(?P<pid>\d+)\]\s+[A-Z]+ -- "
            rf"(?P<logger>[^:]*): {_REST}"
        ),
    ),
    ("python", rf"(?P<level>{_WORD.upper()}):(?P<logger>[\w.]+):{_REST}"),
)
_PATTERNS = {
    first: tuple((name, re.compile(text, re.DOTALL)) for name, text in patterns)
    for first, patterns in {"0": _BY_DIGIT, "[": _BY_BRACKET, "A": _BY_LETTER}.items()
}
