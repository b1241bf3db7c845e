"""The evidence for a cause, as the parts of an issue's body. Pure.

Everything that comes from outside of this program (messages, requests, log lines, names) stands
in a fence or is escaped, so that nothing of it acts on GitHub. Secrets are taken out before.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.issues.body import at_text, time_of
from pytest_sre.issues.values import Section
from pytest_sre.judge.causes import Cause, Failure
from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen
from pytest_sre.redaction import fenced, inline, one_line

_TESTS: Final = 15
_MACHINES: Final = 40
_EXCHANGES: Final = 3
_LINES: Final = 40
_LONGEST_LINE: Final = 400
_COMMANDS: Final = 8


@dataclass(frozen=True)
class Release:
    """What runs, or ran, of an app: ``version`` 0 and ``image`` empty when not known."""

    app: str
    version: int = 0
    image: str = ""

    def __str__(self) -> str:
        return f"{self.app} v{self.version}" if self.version else self.app


@dataclass(frozen=True)
class Change:
    """What is new since the last healthy run: of one app.

    Attributes:
        before: what ran then; None when no healthy run is known.
        now: what runs.
        before_at: when that run began, Unix seconds.
        commits: what went into it, newest first, a line each; empty when not known.
    """

    now: Release
    before: Release | None = None
    before_at: float = 0.0
    commits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a run recorded of a cause, in the order it was recorded.

    ``signatures`` are new error signatures, with what they say; ``links`` name a CI run and a
    report by what they are; ``evidence`` is the recording's path.
    """

    target: str
    evidence: str
    machines: tuple[MachineSeen, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    log_lines: tuple[LogLine, ...] = ()
    signatures: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    runbooks: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


def sections(cause: Cause, seen: Seen, clean: Callable[[str], str]) -> tuple[Section, ...]:
    """Write all parts there is something to say in, in the order they are read.

    Args:
        cause: what broke.
        seen: what was recorded of it.
        clean: takes secrets out of a text.
    """
    written = (
        Section("", _what_failed(cause, clean), 100),
        Section("Runbook", _runbooks(seen), 95),
        Section("Run it again", _command(cause.failures, seen.target), 95),
        Section("Machines", _machines(seen), 80),
        Section("A failing request", _exchanges(seen, clean), 90),
        Section("New error signatures", _signatures(seen, clean), 75),
        Section("Log", _log(seen, clean), 60),
        Section("What changed", "\n".join(_changes(seen, clean)), 85),
        Section("This run", _links(seen), 70),
    )
    return tuple(section for section in written if section.text)


def _what_failed(cause: Cause, clean: Callable[[str], str]) -> str:
    shown = cause.failures[:_TESTS]
    lines = [f"- {inline(each.test)}: {inline(clean(each.headline))}" for each in shown]
    if len(cause.failures) > len(shown):
        lines.append(f"- and {len(cause.failures) - len(shown)} more tests")
    said = "\n".join(cause.evidence)
    evidence = f"\n\n{fenced(clean(said))}" if said.strip() else ""
    return f"**{inline(clean(cause.title))}**{evidence}\n\nExpected to pass, and failed:\n\n" + (
        "\n".join(lines)
    )


def _runbooks(seen: Seen) -> str:
    return "\n".join(f"- {inline(path)}" for path in seen.runbooks)


def _command(failures: Sequence[Failure], target: str) -> str:
    """The command that runs these tests again, wherever their files are."""
    functions = dict.fromkeys(
        failure.test.partition("[")[0].rpartition("::")[2] for failure in failures
    )
    names = " or ".join(list(functions)[:_COMMANDS])
    return fenced(f"pytest --sre-target={shlex.quote(target)} -k {shlex.quote(names)}")


def _machines(seen: Seen) -> str:
    if not seen.machines:
        return ""
    head = "| Machine | region | group | state | checks | release |\n" + "| --- " * 6 + "|"
    rows = [head, *(_machine(each, seen.checks) for each in seen.machines[:_MACHINES])]
    left = len(seen.machines) - _MACHINES
    return "\n".join(rows) + (f"\n\nand {left} more" if left > 0 else "")


def _machine(machine: MachineSeen, checks: Sequence[CheckSeen]) -> str:
    own = [check for check in checks if check.machine == machine.machine]
    failing = [check.check for check in own if check.status != "passing"]
    health = ", ".join(failing) + " failing" if failing else f"{len(own)} passing"
    cordoned = ", cordoned" if machine.cordoned else ""
    cells = (
        machine.machine,
        machine.region,
        machine.group,
        machine.state + cordoned,
        health if own else "none",
        f"v{machine.release_version}" if machine.release_version else "",
    )
    return f"| {' | '.join(inline(cell) for cell in cells)} |"


def _exchanges(seen: Seen, clean: Callable[[str], str]) -> str:
    return "\n\n".join(fenced(clean(_exchange(each))) for each in seen.exchanges[:_EXCHANGES])


def _exchange(exchange: Exchange) -> str:
    lines = [
        f"{exchange.method} {exchange.url}",
        f"at {at_text(exchange.at)}, Machine {exchange.machine or 'unknown'}",
        f"{exchange.status or exchange.error_kind}, {exchange.total_s * 1000:.0f} ms",
    ]
    if exchange.request_id:
        lines.append(f"fly-request-id: {exchange.request_id}")
    if exchange.error:
        lines.append(exchange.error)
    return "\n".join([*lines, "", exchange.body_head]).strip()


def _signatures(seen: Seen, clean: Callable[[str], str]) -> str:
    return fenced(clean("\n".join(seen.signatures))) if seen.signatures else ""


def _log(seen: Seen, clean: Callable[[str], str]) -> str:
    if not seen.log_lines:
        return ""
    shown = (
        f"{time_of(line.at)} {line.machine[:6]} {line.region} {line.level}"
        f" {one_line(clean(line.message), _LONGEST_LINE)}"
        for line in seen.log_lines[-_LINES:]
    )
    return fenced("\n".join(shown))


def _changes(seen: Seen, clean: Callable[[str], str]) -> Iterator[str]:
    for change in seen.changes:
        now = f"{inline(str(change.now))} ({inline(change.now.image) or 'image not known'})"
        if change.before is None:
            yield f"- {now}; no healthy run of it is recorded here"
        elif change.before == change.now:
            yield f"- {now}, as in the last healthy run at {at_text(change.before_at)}"
        else:
            before = f"{inline(str(change.before))} ({inline(change.before.image)})"
            yield f"- {now}; the last healthy run, at {at_text(change.before_at)}, saw {before}"
        yield from (f"  - {inline(clean(commit))}" for commit in change.commits)


def _links(seen: Seen) -> str:
    lines = [f"- [{name}](<{address}>)" for name, address in seen.links]
    return "\n".join([*lines, f"- recorded in {inline(seen.evidence)}"])
