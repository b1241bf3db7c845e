"""What rules find in logs: counted, with where it was first and last seen, and samples."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import msgspec

from pytest_sre.logs.engines import Engine, matched_lines
from pytest_sre.logs.files import Chunk, start_of_last_line
from pytest_sre.logs.rules import Rule
from pytest_sre.logs.samples import HEAD_BYTES, sample_of
from pytest_sre.targets.settings import LogRule

SAMPLES = 3
_BLOCK_BYTES = 16 * 2**10


@dataclass(frozen=True, slots=True)
class Seen:
    """One line that matched.

    Attributes:
        file: the file it is in, as it was named.
        line: its number there, from 1.
        machine: the id of the Machine that wrote it; empty where the line does not tell.
        time: when it was written, as the line has it; empty where it does not tell.
    """

    file: str
    line: int
    machine: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule matched.

    Attributes:
        rule: the rule.
        count: how many lines.
        first: the first of them, in the order of reading.
        last: the last.
        machines: how many Machines wrote such lines, as far as the lines tell.
        samples: the first few, at most three, each shortened and without secrets.
    """

    rule: LogRule
    count: int
    first: Seen
    last: Seen
    machines: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What was looked at and what was found, the worst and most frequent first.

    Attributes:
        lines: how many lines were looked at.
        bytes: how many bytes, decompressed.
        not_utf8: how many of the lines are not UTF-8; they were looked at as bytes.
        over_long: how many are longer than a MiB; they were looked at in pieces.
        matched: how many lines match one rule or more.
        ignored: how many lines match but are to be ignored; they are in no finding.
        findings: one for each rule that matched.
        skipped: how many lines were not looked at: none, ever.
    """

    lines: int
    bytes: int
    not_utf8: int
    over_long: int
    matched: int
    ignored: int
    findings: tuple[Finding, ...]
    skipped: int = 0

    @property
    def is_serious(self) -> bool:
        """Whether a finding is of severity high or critical."""
        return any(finding.rule.severity in {"high", "critical"} for finding in self.findings)


@dataclass(slots=True)
class _Tally:
    """A rule's finding while it grows."""

    first: Seen
    last: Seen
    count: int = 0
    machines: set[str] = field(default_factory=set)
    samples: list[str] = field(default_factory=list)


class Scan:
    """Adds up what rules find, chunk by chunk, in bounded memory.

    Args:
        rules: what is looked for.
        engine: made for these rules.
        ignore: a line in which one of these is found, or in its message, is not a finding.
    """

    def __init__(
        self, rules: Sequence[Rule], engine: Engine, ignore: Iterable[re.Pattern[str]] = ()
    ) -> None:
        self._rules, self._engine, self._ignore = tuple(rules), engine, tuple(ignore)
        self._secrets = [rule.compiled for rule in rules if rule.is_secret]
        self._tallies: dict[int, _Tally] = {}
        self._lines = self._bytes = self._not_utf8 = self._over_long = 0
        self._matched = self._ignored = 0
        self._file, self._ended_lines = "", 0
        # What was found in the last line that matched, for the next piece of it.
        self._open: tuple[int, frozenset[int]] = (0, frozenset())

    @property
    def lines(self) -> int:
        """How many lines were looked at so far."""
        return self._lines

    @property
    def size_bytes(self) -> int:
        """How many bytes, decompressed."""
        return self._bytes

    def begin(self, file: str) -> None:
        """Go on with another file: the chunks that follow are its own, in their order."""
        self._file, self._ended_lines, self._open = file, 0, (0, frozenset())

    def add(self, chunk: Chunk) -> None:
        """Look at one more chunk of the file."""
        data, counted_to = chunk.data, 0
        self._bytes += chunk.new_bytes
        self._over_long += chunk.is_long
        self._not_utf8 += _not_utf8(chunk)
        first = self._ended_lines
        for start, end, rules in matched_lines(data, self._engine.hits(data)):
            self._ended_lines += lines_begun(data[counted_to:start])
            counted_to = start
            self._add_line(data[start:end], rules)
        begun = self._ended_lines + lines_begun(data[counted_to:])
        self._ended_lines = begun - (not data.endswith(b"\n"))
        if not chunk.is_piece:
            self._lines += begun - first

    def report(self) -> ScanReport:
        """What was found so far."""
        findings = [
            Finding(
                self._rules[index].stated,
                tally.count,
                tally.first,
                tally.last,
                len(tally.machines),
                tuple(tally.samples),
            )
            for index, tally in self._tallies.items()
        ]
        order = ("critical", "high", "medium", "low")
        findings.sort(key=lambda each: (order.index(each.rule.severity), -each.count, each.rule.id))
        return ScanReport(
            lines=self._lines,
            bytes=self._bytes,
            not_utf8=self._not_utf8,
            over_long=self._over_long,
            matched=self._matched,
            ignored=self._ignored,
            findings=tuple(findings),
        )

    def _add_line(self, line: bytes, rules: frozenset[int]) -> None:
        """Count a line, or a piece of one in which some rules may be known to match."""
        number = self._ended_lines + 1
        open_number, open_rules = self._open
        known = open_rules if open_number == number else frozenset()
        self._open = (number, known | rules)
        read = _read(line)
        if any(each.search(read.text) or each.search(read.line) for each in self._ignore):
            self._ignored += not known
            return
        self._matched += not known
        seen = Seen(self._file, number, read.machine, read.time)
        for index in rules - known:
            self._add_match(index, seen, read.text)

    def _add_match(self, index: int, seen: Seen, text: str) -> None:
        tally = self._tallies.setdefault(index, _Tally(seen, seen))
        tally.count += 1
        tally.last = seen
        if seen.machine:
            tally.machines.add(seen.machine)
        if len(tally.samples) < SAMPLES:
            tally.samples.append(sample_of(text, self._secrets, self._rules[index].compiled))


def lines_begun(data: bytes) -> int:
    """How many lines begin in it: for lines as long as those of a log faster than ``count``."""
    return len(BytesIO(data).readlines())


def _not_utf8(chunk: Chunk) -> int:
    """How many lines of it are not UTF-8; those cut because of their length are not judged."""
    data = chunk.data
    if chunk.is_piece or data.isascii():
        return 0
    if chunk.is_long:
        data = data[: start_of_last_line(data)]
    return sum(map(_bad_lines, _blocks(data)))


def _blocks(data: bytes) -> Iterator[bytes]:
    """Some lines at a time: decoding is slow, and most of a log is ASCII."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + _BLOCK_BYTES) + 1 or len(data)
        yield data[at:end]
        at = end


def _bad_lines(block: bytes) -> int:
    if block.isascii() or _is_utf8(block):
        return 0
    return sum(not _is_utf8(line) for line in block.split(b"\n"))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class _FlyApp(msgspec.Struct):
    instance: str = ""


class _Fly(msgspec.Struct):
    app: _FlyApp


class _Shipped(msgspec.Struct):
    """A line as Fly's log shipper writes it."""

    fly: _Fly
    message: str
    timestamp: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    line: str
    text: str
    machine: str = ""
    time: str = ""


_decode_shipped = msgspec.json.Decoder(_Shipped).decode


def _read(raw: bytes) -> _Read:
    """A line for people: what the log shipper wrote around the message is taken off."""
    # Twice that, so that no secret is cut where the part that is shown ends.
    line = raw[: 2 * HEAD_BYTES].decode(errors="replace")
    try:
        shipped = _decode_shipped(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Read(line, line)
    return _Read(line, shipped.message, shipped.fly.app.instance, shipped.timestamp)
