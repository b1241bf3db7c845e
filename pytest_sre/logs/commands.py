"""What ``pytest-sre logs`` does; the command line prints what is returned."""

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pytest_sre.logs import comparing
from pytest_sre.logs.comparing import Comparison
from pytest_sre.logs.engines import engine_of
from pytest_sre.logs.error_lines import ErrorLines, error_engine
from pytest_sre.logs.files import Chunk, LogFileError, chunks_of, open_log
from pytest_sre.logs.rules import usable_rules
from pytest_sre.logs.scan import Finding, Scan, ScanReport, Seen
from pytest_sre.targets.document import find_source
from pytest_sre.targets.errors import ConfigError, printable

_WIDTH = 120
_QUIET_S = 2.0
_BETWEEN_S = 0.5
_SHOWN = 50
_NUMBERS = frozenset({"count", "lines", "Machines"})


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Args:
        exit_code: 0 nothing serious found, 1 a finding of severity high or critical, 4 not done.
        lines: what to print.
        warnings: what to print to standard error.
    """

    exit_code: int
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def scan(
    root: Path,
    files: Sequence[str],
    *,
    as_json: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Look for the shipped rules and the project's own in log files.

    Args:
        root: the project's folder; its sre.toml may have rules, and lines to ignore.
        files: their paths; ``-`` is standard input.
        as_json: whether to give one JSON object instead of a table.
        tell: is told from time to time how far it is, once it takes longer than two seconds.
    """
    try:
        settings = find_source(root, None).document.logs
        rules = usable_rules(settings.rules)
    except ConfigError as error:
        return Outcome(4, warnings=tuple(str(error).splitlines()))
    found = Scan(rules, engine_of(rules), settings.ignore)
    progress = _Progress(found, tell)
    unread = [why for file in files for why in _read_into(found, file, progress)]
    report = found.report()
    exit_code = 1 if report.is_serious else 4 if unread else 0
    lines = [_as_json(report, unread)] if as_json else _as_text(report, len(rules))
    return Outcome(
        exit_code, tuple(lines), tuple(line for why in unread for line in why.split("\n"))
    )


def compare(
    root: Path,
    files: Sequence[str],
    baseline: Sequence[str],
    *,
    as_json: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Outcome:
    """Name the errors of log files that those of a baseline never had.

    Args:
        root: the project's folder; its sre.toml may have lines to ignore.
        files: their paths; ``-`` is standard input.
        baseline: those of the logs to compare with; without any, all errors are new.
        as_json: whether to give one JSON object instead of a table.
        tell: is told from time to time how far it is, once it takes longer than two seconds.
    """
    try:
        ignore = find_source(root, None).document.logs.ignore
    except ConfigError as error:
        return Outcome(4, warnings=tuple(str(error).splitlines()))
    engine = error_engine()
    known, current = ErrorLines(ignore, engine), ErrorLines(ignore, engine)
    unread = [
        why
        for errors, paths in ((known, baseline), (current, files))
        for path in paths
        for why in _read_into(errors, path, _Progress(errors, tell))
    ]
    found = comparing.compare(known, current)
    shown = _comparison_as_json(found, unread) if as_json else _comparison_as_text(found)
    warnings = tuple(line for why in unread for line in why.split("\n"))
    # A baseline that was not read makes known errors new; a log that was not, new ones unseen.
    return Outcome(4 if unread else 1 if found.new or found.ungrouped else 0, shown, warnings)


def _comparison_as_json(found: Comparison, unread: Sequence[str]) -> tuple[str, ...]:
    shown: dict[str, Any] = msgspec.to_builtins(found)
    return (msgspec.json.encode(shown | {"unread": list(unread)}).decode(),)


def _comparison_as_text(found: Comparison) -> tuple[str, ...]:
    against = f"{found.baseline_lines:,} lines of the baseline"
    lines = [
        (
            f"{found.lines:,} lines, {_size(found.bytes)}, against {against}: "
            f"{len(found.new):,} new error signatures"
        )
    ]
    if found.ungrouped:
        lines.append(f"and {found.ungrouped:,} errors of too many kinds to be grouped")
    if not found.new:
        return tuple(lines)
    titles = ("count", "level", "Machines", "first seen", "signature")
    rows = [
        (
            f"{one.count:,}",
            one.level,
            str(len(one.machines) or "-"),
            _clock(one.first_at),
            one.template,
        )
        for one in found.new[:_SHOWN]
    ]
    lines += ["", *_lay_out(titles, rows)]
    more = len(found.new) - _SHOWN
    return (*lines, f"and {more:,} more: see --json") if more > 0 else tuple(lines)


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) if at else "-"


class _Collector(Protocol):
    """What takes in the chunks of files."""

    @property
    def lines(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...

    def begin(self, file: str, /) -> None: ...

    def add(self, chunk: Chunk) -> None: ...


def _read_into(found: _Collector, file: str, progress: "_Progress") -> list[str]:
    """Take in a file; what could not be read of it is the answer."""
    try:
        with open_log(file) as stream:
            found.begin(file)
            for chunk in chunks_of(stream):
                found.add(chunk)
                progress.tick()
    except LogFileError as error:
        return [f"{printable(file)} {error}"]
    return []


class _Progress:
    """Tells now and then how far a scan is."""

    def __init__(self, found: _Collector, tell: Callable[[str], None] | None) -> None:
        self._found, self._tell = found, tell
        self._next_at = time.monotonic() + _QUIET_S

    def tick(self) -> None:
        if self._tell and time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + _BETWEEN_S
            self._tell(f"{self._found.lines:,} lines, {_size(self._found.size_bytes)}")


def _as_json(report: ScanReport, unread: Sequence[str]) -> str:
    shown: dict[str, Any] = msgspec.to_builtins(report)
    for finding in shown["findings"]:
        rule = finding["rule"]
        finding["rule"] = {key: rule[key] for key in ("id", "kind", "severity", "explanation")}
    return msgspec.json.encode(shown | {"unread": list(unread)}).decode()


def _as_text(report: ScanReport, rules: int) -> list[str]:
    matched = len(report.findings)
    lines = [
        (
            f"{report.lines:,} lines, {_size(report.bytes)}: {report.matched:,} match; "
            f"{matched} of {rules} rules found something"
        )
    ]
    odd = {
        "not UTF-8": report.not_utf8,
        "longer than 1 MiB": report.over_long,
        "ignored": report.ignored,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in odd.items() if count)
    lines.extend([f"of these lines: {said}"] if said else [])
    if matched:
        lines += ["", *_table(report.findings)]
    for finding in report.findings:
        lines += ["", f"{finding.rule.id}: {printable(finding.rule.explanation)}"]
        lines += [f"  {sample}" for sample in finding.samples]
    return lines


def _table(findings: Sequence[Finding]) -> list[str]:
    rows = [
        (
            each.rule.severity,
            each.rule.id,
            each.rule.kind,
            f"{each.count:,}",
            str(each.machines or "-"),
            _place(each.first),
        )
        for each in findings
    ]
    return _lay_out(("severity", "rule", "kind", "lines", "Machines", "first seen"), rows)


def _lay_out(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = Table(box=None, pad_edge=False, header_style="")
    for title in titles:
        table.add_column(title, justify="right" if title in _NUMBERS else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    output = io.StringIO()
    Console(file=output, width=_WIDTH, color_system=None, highlight=False).print(table)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def _place(seen: Seen) -> str:
    file = "stdin" if seen.file == "-" else printable(seen.file)
    return f"{file}:{seen.line}" + (f" at {printable(seen.time[:19])}" if seen.time else "")


def _size(count: int) -> str:
    size, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
