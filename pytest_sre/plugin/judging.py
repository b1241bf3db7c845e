"""Judges how a test ended, and adds to its report what it saw."""

import re
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

import pytest_sre
from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.plugin.paths import suite_of
from pytest_sre.plugin.reports import Judged
from pytest_sre.plugin.runbooks import is_link, runbook_of
from pytest_sre.plugin.stash import EVIDENCE
from pytest_sre.recording.rows import Exchange
from pytest_sre.report.loads import load_table
from pytest_sre.report.perturbations import perturbations_table, timeline
from pytest_sre.report.tables import exchanges_table, log_excerpt
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.excerpts import excerpts_of
from pytest_sre.run.outcomes import is_unclean, why_cut_off, why_inconclusive, why_unseen
from pytest_sre.run.run import Run
from pytest_sre.shipping import demo_dir, suites_dir
from pytest_sre.verdict import NotAsked, Verdict

# A test that looks at these sees what a broken Machine does to users.
_SYMPTOMS = frozenset({"bake", "journey", "logs"})
_PACKAGE = Path(pytest_sre.__file__).parent
_MAX_EXCHANGES = 40
_MAX_LOADS = 3
# How pytest begins what an exception says.
_KIND = re.compile(r"^([\w.]*\.(NotClean|Aborted)|AssertionError|Failed): ")


def hide_own_frames(error: BaseException) -> None:
    """Have pytest leave the plugin's insides out of the traceback it shows."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if _is_inside(Path(frame.f_code.co_filename)):
            frame.f_globals["__tracebackhide__"] = True


def judge(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    run: Run,
    *,
    lets_pass: bool,
) -> None:
    """Put the verdict of one phase of a test on its report.

    Args:
        item: the test.
        call: how the phase ended.
        report: what pytest makes of it; changed here.
        run: the run that the test belongs to.
        lets_pass: show an inconclusive test as skipped, so that it does not fail the run.
    """
    marker = item.get_closest_marker("sre")
    severity = str(marker.kwargs.get("severity", "")) if marker else ""
    suite = suite_of(item.path)
    named = str(marker.kwargs.get("runbook", "")) if marker else ""
    runbook = named if is_link(named) else _shown(runbook_of(item), run.settings.root)
    error = call.excinfo.value if call.excinfo else None
    if error is None and report.failed:
        # pytest fails an xfail(strict=True) that passes, and there is no exception that says so.
        why, cause = report.longreprtext, "own test: xfail"
        Judged(suite, severity, Verdict.INCONCLUSIVE.value, why, cause, runbook=runbook).attach(
            report
        )
        return
    if error is None or isinstance(error, pytest.skip.Exception) or report.skipped:
        passed = call.when == "call" and report.passed
        if passed and EVIDENCE in item.stash:
            item.stash[EVIDENCE].has_passed = True
        verdict = Verdict.HEALTHY.value if passed else ""
        looked = "sre_run" in getattr(item, "fixturenames", ())
        Judged(suite, severity, verdict, looked=passed and looked).attach(report)
        return
    if isinstance(error, NotAsked):
        _skip(item, report, error.reason)
        Judged(suite, severity, not_asked=True).attach(report)
        return
    known = Judged(suite, severity, runbook=runbook)
    _failed(item, call, report, run, known, lets_pass=lets_pass)


def _shown(runbook: Path | None, root: Path) -> str:
    """The path of a runbook for people: relative to the project when it is in it."""
    if runbook is None or not runbook.is_file():
        return ""
    return str(runbook.relative_to(root) if runbook.is_relative_to(root) else runbook)


def _is_inside(path: Path) -> bool:
    is_ours = path.is_relative_to(_PACKAGE)
    return is_ours and not any(path.is_relative_to(folder) for folder in (suites_dir(), demo_dir()))


def _failed(
    item: pytest.Item,
    call: pytest.CallInfo[None],
    report: pytest.TestReport,
    run: Run,
    known: Judged,
    *,
    lets_pass: bool,
) -> None:
    assert call.excinfo is not None
    evidence = item.stash.get(EVIDENCE, None)
    exchanges = evidence.exchanges if evidence else []
    inconclusive = why_inconclusive(_as_assertion(call.excinfo.value)) or why_unseen(exchanges)
    failed = [exchange for exchange in exchanges if not exchange.ok]
    message = inconclusive.reason if inconclusive else _message(call.excinfo, failed)
    machines = _machines(item, run, failed, message)
    perturbations = evidence.perturbations if evidence else []
    # Of a test that perturbed the target, what is cut off is its own doing.
    if inconclusive is None and not perturbations:
        listed = [machine for app in run.apps.values() for machine in app.known]
        about = [machine.id for machine in machines]
        inconclusive = why_cut_off(about, listed, run.left_out())
        message = f"{inconclusive.reason}\n{message}" if inconclusive else message
    Judged(
        suite=known.suite,
        severity="critical" if is_unclean(call.excinfo.value) else known.severity,
        verdict=(Verdict.INCONCLUSIVE if inconclusive else Verdict.UNHEALTHY).value,
        message=message,
        cause=inconclusive.cause if inconclusive else "",
        machines=tuple(machine.id for machine in machines),
        runbook=known.runbook,
        symptom=bool(failed) or bool(_SYMPTOMS & set(getattr(item, "fixturenames", ()))),
        app=_app(item, machines),
        evidence=tuple(timeline(perturbations)),
        perturbed=bool(perturbations) or "chaos" in getattr(item, "fixturenames", ()),
    ).attach(report)
    if inconclusive:
        # Of a test that crashed, pytest's own report says where.
        if not inconclusive.cause.startswith("own test: "):
            report.longrepr = f"INCONCLUSIVE: {message}"
        if lets_pass:
            _skip(item, report, f"inconclusive: {message}")
    if seen := _what_was_seen(run, evidence, machines):
        report.sections.append(("what was seen", seen))


def _as_assertion(error: BaseException) -> BaseException:
    """Take ``pytest.fail`` for the verdict that it is."""
    return AssertionError(str(error)) if isinstance(error, pytest.fail.Exception) else error


def _message(info: pytest.ExceptionInfo[BaseException], failed: Sequence[Exchange]) -> str:
    """Say what failed; where the assertion only says that something is false, what was seen."""
    text = _KIND.sub("", info.exconly(tryshort=True))
    if failed and text.startswith("assert False"):
        return f"{failed[-1].described}\n{text}"
    return text


def _skip(item: pytest.Item, report: pytest.TestReport, reason: str) -> None:
    report.outcome = "skipped"
    _, line, _ = item.reportinfo()
    report.longrepr = (str(item.path), (line or 0) + 1, f"Skipped: {reason}")


def _machines(
    item: pytest.Item, run: Run, failed: Iterable[Exchange], message: str
) -> list[FlyMachine]:
    """Find the Machines that a failure is about.

    They are the test's own one, those that did not answer it well, and those its message names.
    """
    callspec = getattr(item, "callspec", None)
    named = {callspec.params.get("fly_machine")} if callspec else set()
    named |= {exchange.machine for exchange in failed}
    return [m for m in run.machines if m.id in named or m.label in message]


def _app(item: pytest.Item, machines: Sequence[FlyMachine]) -> str:
    """Find the app that a failure is about; none when it is about several, or the target."""
    given = getattr(item, "funcargs", {}).get("fly_app")
    if isinstance(given, FlyApp):
        return given.name
    names = {machine.app.name for machine in machines}
    return names.pop() if len(names) == 1 else ""


def _what_was_seen(run: Run, evidence: Evidence | None, machines: list[FlyMachine]) -> str:
    parts = []
    if evidence and evidence.exchanges:
        labels = {machine.id: machine.label for machine in run.machines}
        failed_first = sorted(evidence.exchanges, key=lambda e: e.ok)
        parts.append(exchanges_table(failed_first[:_MAX_EXCHANGES], labels))
    if evidence and evidence.perturbations:
        parts.append(perturbations_table(evidence.perturbations))
    if evidence:
        parts += [load_table(result) for result in evidence.loads[-_MAX_LOADS:]]
        found = excerpts_of(run, evidence, machines)
        parts += [log_excerpt(one.title, one.events, one.left_out) for one in found if one.events]
    return "\n\n".join(parts)
