"""The errors in log files of any size, found fast and kept in bounded memory."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from pytest_sre.logs.engines import Engine, EngineName, engine_of, matched_lines
from pytest_sre.logs.errors import is_error, is_ignored
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.files import Chunk
from pytest_sre.logs.formats import parse_line
from pytest_sre.logs.levels import normal_level
from pytest_sre.logs.masks import digits_alike
from pytest_sre.logs.rules import usable_rule
from pytest_sre.logs.scan import lines_begun
from pytest_sre.recording.rows import LogLine
from pytest_sre.targets.settings import LogRule

# What a line of level error or critical has, whatever its format, and the lines of a trace.
_CANDIDATES = (
    r"error|err\b|severe|crit|fatal|alert|emerg|panic|traceback|exception|goroutine \d",
    r'"level"\s{0,3}:\s{0,3}[56]\d|[EF]\d{4} \d\d:\d\d:\d\d|[EFA], \[\d{4}-',
    r'", line \d|\s(?:at|from) \S+:\d|\(\S+:\d+:\d+\)|\.go:\d|caused by: ',
)
# Of errors that differ in digits only, so many are kept; the others are counted.
_KEPT_ALIKE = 25
_MOST_KINDS = 20_000
_BATCH_LINES = 20_000
# The lines of a stack trace may be in two batches.
_HELD_LINES = 500
_HEAD_CHARS = 16 * 2**10

_Kind = tuple[str, str, str]


class _FlyApp(msgspec.Struct):
    instance: str = ""


class _Fly(msgspec.Struct):
    app: _FlyApp = msgspec.field(default_factory=_FlyApp)
    region: str = ""


class _Level(msgspec.Struct):
    level: str = ""


class _Event(msgspec.Struct):
    provider: str = "app"


class _Shipped(msgspec.Struct):
    """A line as Fly's log shipper writes it."""

    fly: _Fly
    message: str
    timestamp: str = ""
    log: _Level = msgspec.field(default_factory=_Level)
    event: _Event = msgspec.field(default_factory=_Event)


_decode = msgspec.json.Decoder(_Shipped).decode


@dataclass(slots=True)
class Alike:
    """Errors that differ in digits only; ``more`` were counted beside those that were kept."""

    events: list[LogEvent] = field(default_factory=list)
    more: int = 0
    more_lines: int = 0

    def add(self, event: LogEvent) -> None:
        """Keep one, or count it."""
        if len(self.events) < _KEPT_ALIKE:
            self.events.append(event)
        else:
            self.more += 1
            self.more_lines += len(event.lines)


class ErrorLines:
    """Collects the errors of logs chunk by chunk, in bounded memory.

    Args:
        ignore: an event in which one of these is found is left out.
        engine: finds the lines that may be errors; see `error_engine`.

    Attributes:
        lines: how many lines were looked at.
        size_bytes: how many bytes, decompressed.
        ungrouped: how many errors are of too many kinds to be kept; they are counted here only.
    """

    def __init__(
        self, ignore: Sequence[re.Pattern[str]] = (), engine: Engine | None = None
    ) -> None:
        self._ignore, self._engine = tuple(ignore), engine or error_engine()
        self.lines = self.size_bytes = self.ungrouped = 0
        self._alike: dict[_Kind, Alike] = {}
        self._waiting: list[LogLine] = []
        self._at, self._is_hit = 0.0, False

    @property
    def alike(self) -> Sequence[Alike]:
        """The errors found so far, those that differ in digits only together."""
        self._settle(0)
        return [*self._alike.values()]

    def begin(self, _file: str) -> None:
        """Go on with another file: the chunks that follow are its own, in their order."""
        self._settle(0)
        self._at, self._is_hit = 0.0, False

    def add(self, chunk: Chunk) -> None:
        """Look at one more chunk of the file."""
        data = chunk.data
        self.size_bytes += chunk.new_bytes
        if not chunk.is_piece:
            self.lines += lines_begun(data)
        hits = [*matched_lines(data, self._engine.hits(data))]
        for start, end, _ in hits:
            # A line too long for one chunk is one line, wherever in it the first match is.
            if not (chunk.is_piece and start == 0 and self._is_hit):
                self._waiting.append(self._line(data[start:end]))
        ends_hit = bool(hits) and hits[-1][1] == len(data)
        went_on = chunk.is_piece and self._is_hit
        self._is_hit = not data.endswith(b"\n") and (ends_hit or went_on)
        if len(self._waiting) >= _BATCH_LINES:
            self._settle(_HELD_LINES)

    def _settle(self, held: int) -> None:
        """Join the waiting lines into events, but for those that the last lines belong to."""
        first_held = len(self._waiting) - held
        index = {id(line): number for number, line in enumerate(self._waiting)}
        waiting: list[LogLine] = []
        for event in events_of(self._waiting):
            if index[id(event.lines[-1])] >= first_held:
                waiting += event.lines
            elif is_error(event) and not is_ignored(event, self._ignore):
                self._keep(event)
        self._waiting = sorted(waiting, key=lambda line: index[id(line)])

    def _keep(self, event: LogEvent) -> None:
        kind = (event.level, event.cause, digits_alike(event.said))
        alike = self._alike.get(kind)
        if alike is None and len(self._alike) >= _MOST_KINDS:
            self.ungrouped += 1
        elif alike is None:
            self._alike[kind] = Alike([event])
        else:
            alike.add(event)

    def _line(self, raw: bytes) -> LogLine:
        try:
            shipped = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            shipped = _Shipped(_Fly(), raw[: 4 * _HEAD_CHARS].decode(errors="replace"))
        message = shipped.message[:_HEAD_CHARS]
        self._at = _at(shipped.timestamp, self._at)
        return LogLine(
            at=self._at,
            app="",
            machine=shipped.fly.app.instance,
            region=shipped.fly.region,
            level=parse_line(message).level or normal_level(shipped.log.level) or "info",
            message=message,
            provider=shipped.event.provider or "app",
        )


def error_engine(name: EngineName | None = None) -> Engine:
    """Make the engine that finds lines that may be errors; the fastest one if no name is given."""
    stated = LogRule(
        id="error",
        kind="error",
        severity="high",
        pattern="|".join(_CANDIDATES),
        explanation="",
        matches=("ERROR: boom",),
        misses=("all is well",),
        ignore_case=True,
    )
    return engine_of([usable_rule(stated)], name)


def _at(timestamp: str, before: float) -> float:
    """The time as Unix seconds; that of the line before where a line has none."""
    try:
        at = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return before
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()
