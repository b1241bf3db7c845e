"""The evidence for a cause, as the parts of an issue's body. Pure.

Everything that comes from outside of this program (messages, requests, log lines, names) stands
in a fence or is escaped, so that nothing of it acts on GitHub. Secrets are taken out before.
"""

import difflib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.issues.body import at_text, time_of
from pytest_sre.issues.history import Commit, Comparison
from pytest_sre.issues.values import Section
from pytest_sre.judge.causes import Cause, Failure
from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen
from pytest_sre.redaction import fenced, inline, one_line
from pytest_sre.verdict import Verdict

_TESTS: Final = 15
_MACHINES: Final = 40
_EXCHANGES: Final = 3
_LINES_BEFORE: Final = 15
_LINES_AFTER: Final = 15
_LONGEST_LINE: Final = 400
_LONGEST_BLOCK: Final = 6_000
_RUNBOOK_LINES: Final = 12
_COMMANDS: Final = 8
_DIFF_LINES: Final = 80


@dataclass(frozen=True)
class Release:
    """What runs, or ran, of an app: ``version`` 0 and the others empty when not known.

    ``revision`` is the commit that the image was built from, by its own label; ``fly_toml`` is the
    text of the app's fly.toml, without secrets.
    """

    app: str
    version: int = 0
    image: str = ""
    revision: str = ""
    fly_toml: str = ""

    def __str__(self) -> str:
        return f"{self.app} v{self.version}" if self.version else self.app


@dataclass(frozen=True)
class Change:
    """What is new since the last healthy run: of one app.

    Attributes:
        now: what runs.
        before: what ran then; None when no healthy run is known.
        before_at: when that run began, Unix seconds.
        code: what lies between the two in the repository; None when that is not known.
        why_not: why the code could not be compared; empty when it was, or need not be.
    """

    now: Release
    before: Release | None = None
    before_at: float = 0.0
    code: Comparison | None = None
    why_not: str = ""

    @property
    def is_deploy(self) -> bool:
        """Whether another release or image runs than in the last healthy run."""
        before = self.before
        return before is not None and (
            (before.version, before.image) != (self.now.version, self.now.image)
        )

    @property
    def fly_toml_diff(self) -> tuple[str, ...]:
        """How the fly.toml differs, as unified diff without its head; empty when it does not."""
        if self.before is None or not (self.before.fly_toml and self.now.fly_toml):
            return ()
        old, new = (each.fly_toml.splitlines() for each in (self.before, self.now))
        return tuple(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]


@dataclass(frozen=True)
class Runbook:
    """What to follow: its path for people, what it says, and where it is shown, if anywhere."""

    path: str
    text: str = ""
    link: str = ""


@dataclass(frozen=True)
class Seen:
    """What a run recorded of a cause, in the order it was recorded.

    ``log_lines`` are those of around ``failed_at``, the time of the first failing request in Unix
    seconds, 0 when there is none; ``signatures`` are new error signatures, with what they say;
    ``links`` name a CI run by what it is; ``evidence`` is the recording's path, ``report`` that of
    the report, empty when there is none.
    """

    target: str
    evidence: str
    machines: tuple[MachineSeen, ...] = ()
    checks: tuple[CheckSeen, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    log_lines: tuple[LogLine, ...] = ()
    failed_at: float = 0.0
    signatures: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    report: str = ""


def lines_around(lines: Sequence[LogLine], at: float) -> tuple[LogLine, ...]:
    """Choose the lines of a log just before and after a time; the last ones when it is 0.

    Args:
        lines: in the order of time.
        at: Unix seconds.
    """
    if not at:
        return tuple(lines[-_LINES_BEFORE - _LINES_AFTER :])
    before = [line for line in lines if line.at <= at]
    return (*before[-_LINES_BEFORE:], *lines[len(before) :][:_LINES_AFTER])


def sections(cause: Cause, seen: Seen, clean: Callable[[str], str]) -> tuple[Section, ...]:
    """Write all parts there is something to say in, in the order they are read.

    Args:
        cause: what broke.
        seen: what was recorded of it.
        clean: takes secrets out of a text.
    """
    written = (
        Section("", _what_failed(cause, clean), 100),
        Section("Runbook", "\n\n".join(_runbook(each, clean) for each in seen.runbooks), 92),
        Section("Run it again", _command(cause.failures, seen.target), 95),
        Section("Machines", _machines(seen, clean), 80),
        Section("A failing request", _exchanges(seen, clean), 90),
        Section("New error signatures", _signatures(seen, clean), 75),
        Section("Log", _log(seen, clean), 60),
        Section("What changed", "\n\n".join(_changes(seen, clean)), 85),
        Section("This run", _links(seen), 70),
    )
    return tuple(section for section in written if section.text)


def escalation(who: str | None, severity: str) -> tuple[Section, ...]:
    """Mention who is to be told of what is critical; the only mention that a body has."""
    if severity != "critical" or not who:
        return ()
    return (Section("", f"{who}: this is critical.", 98),)


def _what_failed(cause: Cause, clean: Callable[[str], str]) -> str:
    shown = cause.failures[:_TESTS]
    lines = [_failure(each, clean) for each in shown]
    if len(cause.failures) > len(shown):
        lines.append(f"- and {len(cause.failures) - len(shown)} more tests")
    said = "\n".join(cause.evidence)
    evidence = f"\n\n{_block(clean(said))}" if said.strip() else ""
    return f"**{inline(clean(cause.title))}**{evidence}\n\nExpected to pass, and failed:\n\n" + (
        "\n".join(lines)
    )


def _failure(failure: Failure, clean: Callable[[str], str]) -> str:
    unsure = "could not be judged: " if failure.verdict is Verdict.INCONCLUSIVE else ""
    return f"- {inline(clean(failure.test))}: {unsure}{inline(clean(failure.headline))}"


def _runbook(runbook: Runbook, clean: Callable[[str], str]) -> str:
    """Where it is, and how it begins."""
    name = inline(clean(runbook.path))
    where = f"[{name}](<{runbook.link}>)" if runbook.link else name
    lines = clean(runbook.text).strip().splitlines()
    head = "\n".join(lines[:_RUNBOOK_LINES]) + ("\n…" if len(lines) > _RUNBOOK_LINES else "")
    return f"{where}\n\n{_block(head)}" if lines else where


def _command(failures: Sequence[Failure], target: str) -> str:
    """The command that runs these tests again, wherever their files are."""
    functions = dict.fromkeys(
        failure.test.partition("[")[0].rpartition("::")[2] for failure in failures
    )
    command = f"pytest --sre-target={shlex.quote(target)}"
    if len(functions) <= _COMMANDS:
        command += f" -k {shlex.quote(' or '.join(functions))}"
    return fenced(command)


def _block(text: str) -> str:
    """A fenced block of a text, cut where it is too long; secrets are to be taken out before."""
    left = len(text) - _LONGEST_BLOCK
    return fenced(text if left <= 0 else f"{text[:_LONGEST_BLOCK]}\n… {left} characters more")


def _machines(seen: Seen, clean: Callable[[str], str]) -> str:
    if not seen.machines:
        return ""
    head = "| Machine | region | group | state | checks | release |\n" + "| --- " * 6 + "|"
    rows = [head, *(_machine(each, seen.checks, clean) for each in seen.machines[:_MACHINES])]
    left = len(seen.machines) - _MACHINES
    return "\n".join(rows) + (f"\n\nand {left} more" if left > 0 else "")


def _machine(machine: MachineSeen, checks: Sequence[CheckSeen], clean: Callable[[str], str]) -> str:
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
    return f"| {' | '.join(inline(clean(cell)) for cell in cells)} |"


def _exchanges(seen: Seen, clean: Callable[[str], str]) -> str:
    """The first of each kind of request that failed."""
    kinds = {each.described: each for each in reversed(seen.exchanges)}
    shown = sorted(kinds.values(), key=lambda each: each.at)[:_EXCHANGES]
    return "\n\n".join(_block(clean(_exchange(each))) for each in shown)


def _exchange(exchange: Exchange) -> str:
    lines = [
        f"{exchange.method} {exchange.url}",
        f"at {at_text(exchange.at)} ({time_of(exchange.at)}), {_asked(exchange)}",
        f"{exchange.status or exchange.error_kind}{_took(exchange)}",
    ]
    if exchange.request_id:
        lines.append(f"fly-request-id: {exchange.request_id}")
    if exchange.error:
        lines.append(exchange.error)
    return "\n".join([*lines, "", exchange.body_head]).strip()


def _took(exchange: Exchange) -> str:
    # How long one request of a load took is not kept.
    return f", {exchange.total_s * 1000:.0f} ms" if exchange.total_s else ""


def _asked(exchange: Exchange) -> str:
    where = f" in {exchange.region}" if exchange.region else ""
    walked = f", journey {exchange.journey}" if exchange.journey else ""
    return f"Machine {exchange.machine or 'unknown'}{where}{walked}"


def _signatures(seen: Seen, clean: Callable[[str], str]) -> str:
    return _block(clean("\n".join(seen.signatures))) if seen.signatures else ""


def _log(seen: Seen, clean: Callable[[str], str]) -> str:
    if not seen.log_lines:
        return ""
    lines = [(line.at, _line(line, clean)) for line in seen.log_lines]
    if seen.failed_at:
        mark = (seen.failed_at, f"{time_of(seen.failed_at)} ------ the first request fails ------")
        later = next((i for i, (at, _) in enumerate(lines) if at > seen.failed_at), len(lines))
        lines.insert(later, mark)
    return fenced("\n".join(line for _, line in lines))


def _line(line: LogLine, clean: Callable[[str], str]) -> str:
    said = one_line(clean(line.message), _LONGEST_LINE)
    return f"{time_of(line.at)} {line.machine[:6]} {line.region} {line.level} {said}"


def _changes(seen: Seen, clean: Callable[[str], str]) -> Iterator[str]:
    for change in seen.changes:
        yield f"- {_versions(change, clean)}"
        if diff := change.fly_toml_diff:
            left = len(diff) - _DIFF_LINES
            more = [f"… {left} lines more"] if left > 0 else []
            shown = "\n".join((*diff[:_DIFF_LINES], *more))
            yield f"fly.toml of {inline(clean(change.now.app))}:\n\n{_block(clean(shown))}"
        if change.code is not None:
            yield _code(change.code, clean)
        elif change.why_not:
            yield f"The commits between the two are not known: {inline(clean(change.why_not))}"


def _versions(change: Change, clean: Callable[[str], str]) -> str:
    now = _release(change.now, clean)
    if change.before is None:
        return f"{now}; no healthy run of it is recorded here"
    at = at_text(change.before_at)
    if not change.is_deploy:
        return f"{now}, as in the last healthy run at {at}"
    return f"{now}; the last healthy run, at {at}, saw {_release(change.before, clean)}"


def _release(release: Release, clean: Callable[[str], str]) -> str:
    image = inline(clean(release.image)) or "image not known"
    return f"{inline(clean(str(release)))} ({image})"


def _code(code: Comparison, clean: Callable[[str], str]) -> str:
    is_link = code.url.startswith("https://") and ">" not in code.url
    where = f" ([compare](<{code.url}>))" if is_link else ""
    head = f"{code.total} commit{'s' if code.total != 1 else ''} between the two{where}"
    if not code.commits:
        return f"{head}."
    more = [f"- and {code.total - len(code.commits)} more"] * (code.total > len(code.commits))
    lines = [_commit(commit, clean) for commit in code.commits]
    return f"{head}, the newest first:\n\n" + "\n".join((*lines, *more))


def _commit(commit: Commit, clean: Callable[[str], str]) -> str:
    by = f", by {inline(clean(commit.author))}" if commit.author else ""
    return f"- {inline(clean(commit.id))} {inline(clean(commit.subject))}{by}"


def _links(seen: Seen) -> str:
    lines = [f"- [{name}](<{address}>)" for name, address in seen.links]
    if seen.report:
        lines.append(f"- reported in {inline(seen.report)}")
    return "\n".join([*lines, f"- recorded in {inline(seen.evidence)}"])
