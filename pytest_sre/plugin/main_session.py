"""The process with the terminal: begins the run, collects its results, concludes it."""

import functools
import os
import time
from typing import Protocol

import pytest

import pytest_sre
from pytest_sre.fly.errors import FlyError
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.local.images import ReleaseFileError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.plugin.objectives import Asked
from pytest_sre.plugin.progress import ProgressLine
from pytest_sre.plugin.reading import read_report_path
from pytest_sre.plugin.reports import Judged, Results, failure_of
from pytest_sre.plugin.runbooks import unactionable
from pytest_sre.plugin.session import TestSession, alone_file, interrupted_file, stop_file
from pytest_sre.plugin.signals import end_in_order
from pytest_sre.plugin.stash import RUN
from pytest_sre.plugin.worker_session import HANDOVER
from pytest_sre.recording import Recorder, RecordingError
from pytest_sre.recording.notes import ENDED_AT, PROCESS, STARTED_AT, TARGET, VERDICT, VERSION
from pytest_sre.recording.store import new_run_path
from pytest_sre.redaction import Redactor, one_line, printable, secret_values
from pytest_sre.report.block import Seen, verdict_block
from pytest_sre.run.concluding import conclude_run
from pytest_sre.run.deployed import note_deployed
from pytest_sre.run.filing import Filing, Mode, tracker_of
from pytest_sre.run.platforms import open_platform, runs_by_hand
from pytest_sre.run.recovering import what_is_left
from pytest_sre.run.redacting import redactor
from pytest_sre.run.reporting import report_lines
from pytest_sre.run.run import Run
from pytest_sre.targets import ConfigError, Settings
from pytest_sre.verdict import Verdict

_COLOURS = {Verdict.HEALTHY: "green", Verdict.UNHEALTHY: "red", Verdict.INCONCLUSIVE: "yellow"}
_ORDINARY = frozenset(
    {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
)


class Node(Protocol):
    """What pytest-xdist calls one of its workers."""

    workerinput: dict[str, object]


class MainSession(TestSession):
    """The process with the terminal: begins the run, collects its results, concludes it."""

    def __init__(
        self, config: pytest.Config, settings: Settings, asked: Asked, since_at: float | None
    ) -> None:
        super().__init__(config, settings, asked)
        self._since_at = since_at
        self._results = Results()
        self._filing: Filing | None = None
        self._report_path = read_report_path(config)
        self._reported: list[str] = []
        self._filed: list[str] = []
        self._unactionable: list[str] = []
        self._conclusion: tuple[Conclusion, Seen] | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the platform, list the Machines, begin the bake."""
        self._config.add_cleanup(end_in_order())
        at = time.time()
        target = self._settings.target.name
        self._say_what_takes_time()
        for line in what_is_left(self._settings.root).splitlines():
            self.say(line)
        try:
            path = new_run_path(self._settings.root, target, at)
            recorder = Recorder(path, _about(target, at), clean=redactor(os.environ))
            release = self._config.getoption("sre_local_release")
            platform = open_platform(self._settings, release=release)
        except (ReleaseFileError, ConfigError) as error:
            raise pytest.UsageError(str(error)) from None
        except (LocalPlatformError, FlyError, RecordingError) as error:
            pytest.exit(
                f"the run could not begin\n{error}", returncode=pytest.ExitCode.TESTS_FAILED
            )
        run = Run.begin(self._settings, platform, recorder, self._since_at)
        self.begin(run)
        for file in (stop_file(run), interrupted_file(run), alone_file(run)):
            self._config.add_cleanup(functools.partial(file.unlink, missing_ok=True))
        if not session.config.option.collectonly:
            self._filing = self._begin_filing(run, at)
            run.start_bake()
            run.on_wait = ProgressLine(self._config)

    def _begin_filing(self, run: Run, at: float) -> Filing | None:
        asked: Mode | None = self._config.getoption("sre_issues")
        tracker = tracker_of(run.settings, is_asked=asked == "file")
        try:
            return Filing(run, asked or "file", tracker, at, report=self._report_path)
        except OSError as error:
            self._filed.append(f"nothing is filed, the outbox cannot be written: {error}")
            return None

    def _say_what_takes_time(self) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter and self._settings.target.platform == "local" and reporter.verbosity >= 0:
            apps = ", ".join(spec.name for spec in self._settings.target.apps)
            doing = f"deploying {apps} to the local platform"
            release = self._config.getoption("sre_local_release")
            if release is None and runs_by_hand(self._settings.root):
                doing = "using the local platform that runs here"
            self.say(doing)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Node) -> None:
        """Tell a pytest-xdist worker what it needs to join."""
        if self.run:
            node.workerinput[HANDOVER] = self.run.handover().to_text()

    def pytest_report_header(self) -> str:
        """Say what is verified."""
        target = self._settings.target
        apps = ", ".join(spec.name for spec in target.apps)
        return f"sre: target {target.name} ({target.platform}), {apps}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Name the tests that would alert without telling anyone what to do.

        Raises:
            pytest.UsageError: there are some, and ``sre_require_runbook`` is true.
        """
        self._unactionable = unactionable(session.items)
        if self._unactionable and self._config.getini("sre_require_runbook"):
            raise pytest.UsageError("\n".join(self._unactionable))

    def pytest_report_collectionfinish(self) -> list[str]:
        """Show them."""
        return [f"sre: unactionable alert: {complaint}" for complaint in self._unactionable]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take in that a whole file was skipped or broken, so that it is not taken for tested."""
        if report.skipped:
            self._results.add_skipped_file(report.nodeid)
        elif report.failed:
            self._results.add_broken_file(report.nodeid, report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Take in that a test begins; before it is shown."""
        self._results.begin(nodeid)
        if self._filing:
            self._filing.started(nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in how a phase of a test ended, wherever it ran; before it is shown."""
        failure = failure_of(report)
        if self._filing and failure:
            self._filing.failed(failure)
        self._results.add(report)
        if report.when == "teardown" and self.run:
            self.run.recorder.write(self._results.row(report.nodeid))

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show a test that could not decide as such."""
        is_test = isinstance(report, pytest.TestReport)
        if is_test and report.failed and Judged.of(report).is_inconclusive:
            return "failed", "I", ("INCONCLUSIVE", {"yellow": True})
        return None

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Conclude, and end what was begun."""
        run = self.run
        if run is None:
            return
        try:
            if not session.config.option.collectonly:
                self._conclude(session, run, exitstatus)
        finally:
            run.end()
            del self._config.stash[RUN]

    def _conclude(self, session: pytest.Session, run: Run, exitstatus: int) -> None:
        was_cut = exitstatus not in _ORDINARY
        conclusion, seen = conclude_run(
            run,
            self._results.failures,
            self._results.suites,
            was_cut=was_cut,
            looked=self._results.looked,
        )
        self._conclusion = conclusion, seen
        if not was_cut and run.observed():
            self._filed += [f"slo: {problem}" for problem in run.objectives.keep()]
        note_deployed(run, Redactor(secret_values(os.environ)))
        run.recorder.note(ENDED_AT, str(time.time()))
        run.recorder.note(VERDICT, conclusion.verdict.value)
        if self._filing:
            self._filed += self._file(self._filing, conclusion)
        if self._report_path:
            self._reported += report_lines(run, self._report_path)
        if was_cut:
            return
        is_fine = conclusion.verdict is Verdict.HEALTHY or (
            conclusion.verdict is Verdict.INCONCLUSIVE and self._lets_pass
        )
        session.exitstatus = pytest.ExitCode.OK if is_fine else pytest.ExitCode.TESTS_FAILED

    def _file(self, filing: Filing, conclusion: Conclusion) -> list[str]:
        """File what was found; whatever goes wrong there changes nothing about the verdict."""
        passed, runbooks = self._results.passed, self._results.runbooks
        try:
            return list(filing.finish(conclusion, passed=passed, runbooks=runbooks))
        except Exception as error:  # noqa: BLE001 - see above; what failed is in the outbox
            broke = f"filing broke off with {type(error).__name__}: {error}"
            return [one_line(broke), "what failed waits in .sre/outbox; see pytest-sre deliver"]

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the verdict, below everything that pytest itself has to say."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if self._conclusion is None or reporter is None:
            return
        conclusion, seen = self._conclusion
        # What tests said is in it.
        first, *rest = (printable(self._clean(line)) for line in verdict_block(conclusion, seen))
        reporter.section("release verdict")
        reporter.write_line(first, **{_COLOURS[conclusion.verdict]: True, "bold": True})
        for line in rest:
            reporter.write_line(line)
        for line in map(printable, self._reported):
            reporter.write_line(f"  report   {line}")
        for line in map(printable, self._filed):
            reporter.write_line(f"  issues   {line}")


def _about(target: str, at: float) -> dict[str, str]:
    return {
        TARGET: target,
        STARTED_AT: str(at),
        VERSION: pytest_sre.__version__,
        PROCESS: str(os.getpid()),
    }
