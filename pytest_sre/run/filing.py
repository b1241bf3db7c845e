"""Files what runs found: keeps it in the outbox, and delivers what waits there."""

import functools
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pytest_sre.fly.metrics import Prometheus
from pytest_sre.incidents.telling import IncidentTeller
from pytest_sre.issues.delivery import Delivered, deliver
from pytest_sre.issues.journal import Journal, dead_runs
from pytest_sre.issues.opening import LOCAL, is_live, open_history, open_project, open_tracker
from pytest_sre.issues.outbox import Outbox, outbox_dir
from pytest_sre.issues.telling import foreseen, told
from pytest_sre.issues.tracker import TrackerError
from pytest_sre.issues.values import Policy, Sighting
from pytest_sre.judge.causes import Failure
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.local.commands import Outcome
from pytest_sre.recording import RecordingError
from pytest_sre.redaction import Redactor, secret_values
from pytest_sre.run.acting import deploy_text, tell_incidents
from pytest_sre.run.deployed import changes_since_healthy
from pytest_sre.run.reporting import shown_path
from pytest_sre.run.repository import find_repository
from pytest_sre.run.run import Run
from pytest_sre.run.sightings import Around, sighting_of, sighting_of_dead
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.targets import (
    ConfigError,
    IssueSettings,
    Settings,
    load_issue_settings,
    load_settings,
)
from pytest_sre.verdict import Inconclusive

Mode = Literal["off", "dry-run", "file"]


class Filing:
    """Takes down what fails in a run, and files it when the run has ended.

    Args:
        run: the run.
        mode: whether issues are filed, only shown, or neither.
        tracker: where they are filed.
        at: when the run began, Unix seconds.
        report: where the run's report will be; None when there will be none.

    Raises:
        OSError: the outbox cannot be written.
    """

    def __init__(
        self, run: Run, mode: Mode, tracker: str, at: float, *, report: Path | None = None
    ) -> None:
        self._run, self._mode, self._tracker = run, mode, tracker
        self._report = report
        self._clean = Redactor(secret_values(os.environ))
        target = run.settings.target
        folder = outbox_dir(run.settings.root)
        name = run.recorder.path.stem
        files = mode == "file"
        self._journal = (
            Journal(folder, name, tracker, target.name, at, incidents=target.incidents)
            if files
            else None
        )
        for made in run.platform.deployed if files else ():
            tell_incidents(run.settings, tracker, deploy_text(made), at=made.at)

    def started(self, test: str) -> None:
        """A test begins."""
        if self._journal:
            self._journal.started(self._clean(test))

    def failed(self, failure: Failure) -> None:
        """A test failed; it is not lost from now on."""
        if self._journal:
            self._journal.failed(self._cleaned(failure))

    def _cleaned(self, failure: Failure) -> Failure:
        message, test = self._clean(failure.message), self._clean(failure.test)
        return replace(failure, message=message, test=test)

    def finish(
        self, conclusion: Conclusion, *, passed: frozenset[str], runbooks: Mapping[str, str]
    ) -> Iterator[str]:
        """File what the run came to; say what was done, a line a matter.

        Args:
            conclusion: what the run came to.
            passed: functions of tests that passed with all their parameters.
            runbooks: the path of the runbook of each test that has one.
        """
        if self._mode == "off":
            return
        at = time.time()
        around = self._around(runbooks, has_failed=bool(conclusion.causes))
        sighting = sighting_of(around, conclusion, tracker=self._tracker, passed=passed, at=at)
        if self._mode == "dry-run":
            yield from foreseen(sighting)
            return
        yield from self._file(sighting)

    def _around(self, runbooks: Mapping[str, str], *, has_failed: bool) -> Around:
        """Gather what findings have in common; who knows of commits is asked if there are some."""
        settings = self._run.settings
        api_url = settings.issues.api_url
        history = open_history(self._tracker, settings.issues, os.environ) if has_failed else None
        return Around(
            run=self._run,
            changes=changes_since_healthy(self._run, self._clean, history),
            runbooks=runbooks,
            repository=find_repository(settings.root, self._tracker, api_url, os.environ),
            clean=self._clean,
            environment=os.environ,
            report=shown_path(self._report, settings.root) if self._report else "",
        )

    def _file(self, sighting: Sighting) -> Iterator[str]:
        settings = self._run.settings
        try:
            Outbox(outbox_dir(settings.root)).put(sighting)
        except OSError as error:
            yield f"not filed, the outbox cannot be written: {error}"
            return
        if self._journal:
            self._journal.close()
            self._journal = None
        yield from deliver_waiting(settings.root, settings.issues)


def tracker_of(settings: Settings, *, is_asked: bool) -> str:
    """Where a target's issues go.

    A local platform's go to no tracker that others see, unless that was asked for.

    Args:
        settings: the target's.
        is_asked: the command line asks for issues to be filed.
    """
    is_practice = settings.target.platform == "local" and is_live(settings.issues.tracker)
    return LOCAL if is_practice and not is_asked else settings.issues.tracker


def deliver_waiting(root: Path, settings: IssueSettings) -> Iterator[str]:
    """Deliver what waits in a project's outbox; say what was done, a line a matter.

    Args:
        root: the project's folder.
        settings: how issues live, and how trackers are reached.
    """
    outbox = Outbox(outbox_dir(root))
    clean = Redactor(secret_values(os.environ))
    for path, dead in dead_runs(outbox.folder):
        outbox.put(sighting_of_dead(dead, settings, clean))
        path.unlink(missing_ok=True)
    for tracker in sorted({event.tracker for _, event in outbox.waiting()}):
        yield from told(_delivered(outbox, tracker, root, settings), tracker)


def deliver_by_hand(root: Path) -> Outcome:
    """Deliver what waits in a project's outbox; exit code 1 when some of it still does.

    Args:
        root: the project's folder.
    """
    try:
        lines = tuple(deliver_waiting(root, load_issue_settings(root)))
    except ConfigError as error:
        return Outcome(4, (str(error),))
    still_waits = any(Outbox(outbox_dir(root)).waiting())
    return Outcome(1 if still_waits else 0, lines or ("nothing waits in .sre/outbox",))


def _delivered(outbox: Outbox, tracker: str, root: Path, settings: IssueSettings) -> Delivered:
    policy = Policy(settings.max_per_run, settings.recover_after, settings.reopen_within_s)
    try:
        opened = open_tracker(tracker, settings, root, os.environ)
    except TrackerError as error:
        return Delivered(waiting=len(list(outbox.waiting(tracker))), problem=str(error))
    clean = Redactor(secret_values(os.environ))
    teller = IncidentTeller(
        root,
        functools.partial(_error_ratio, root),
        functools.partial(_spent_between, root),
        settings.assignees,
        clean,
    )
    project = open_project(opened, settings)
    return deliver(outbox, opened, policy, tell_incident=teller, project=project)


def _error_ratio(root: Path, target: str) -> float | None:
    try:
        return load_settings(root, target).bake.error_ratio
    except ConfigError:
        return None


def _spent_between(
    root: Path, target: str, from_at: float, until_at: float
) -> tuple[tuple[str, float], ...]:
    """What objectives lost, by the ledger; nothing where it, or the settings, cannot be read."""
    try:
        settings = load_settings(root, target)
        windows = Windows(settings, _no_metrics)
        found = [(one.name, windows.spent(one, from_at, until_at)) for one in settings.objectives]
    except (ConfigError, RecordingError):
        return ()
    return tuple((name, share) for name, share in found if share is not None)


def _no_metrics() -> Prometheus:
    raise Inconclusive("metrics are not asked for what is past")
