"""A pytest session against a target: begins the run, judges its tests, concludes."""

import contextlib
import functools
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import pytest

import pytest_sre
from pytest_sre.chaos.stopping import heeding_signal, stop_file_of_run
from pytest_sre.fly.errors import FlyError
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.local.images import ReleaseFileError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.plugin.judging import hide_own_frames, judge
from pytest_sre.plugin.objectives import Asked, add_objectives, take_arguments
from pytest_sre.plugin.options import target_name
from pytest_sre.plugin.paths import chosen_suites, suite_paths
from pytest_sre.plugin.progress import ProgressLine
from pytest_sre.plugin.reading import (
    check_experiments,
    read_choice,
    read_load_workers,
    read_override,
    read_report_path,
    read_settings,
    read_since,
)
from pytest_sre.plugin.reports import Judged, Results, failure_of
from pytest_sre.plugin.runbooks import unactionable
from pytest_sre.plugin.showing import make_safe
from pytest_sre.plugin.signals import end_in_order
from pytest_sre.plugin.stash import EVIDENCE, RUN
from pytest_sre.recording import Recorder, RecordingError
from pytest_sre.recording.notes import ENDED_AT, PROCESS, STARTED_AT, TARGET, VERDICT, VERSION
from pytest_sre.recording.store import new_run_path
from pytest_sre.redaction import Redactor, one_line, printable, secret_values
from pytest_sre.report.block import Seen, verdict_block
from pytest_sre.report.explaining import explain
from pytest_sre.run.concluding import conclude_run
from pytest_sre.run.deployed import note_deployed
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.filing import Filing, Mode, tracker_of
from pytest_sre.run.handover import Handover
from pytest_sre.run.load_crew import hire
from pytest_sre.run.platforms import open_platform, rejoin_platform, runs_by_hand
from pytest_sre.run.recovering import what_is_left
from pytest_sre.run.redacting import redactor
from pytest_sre.run.reporting import report_lines
from pytest_sre.run.run import Run
from pytest_sre.shipping import suites_dir
from pytest_sre.targets import ConfigError, Settings
from pytest_sre.turns.alone import beside_others
from pytest_sre.verdict import Verdict

_HANDOVER = "sre"
# Tests that judge the whole bake come late, so that the others run while it observes; those that
# put load on the target, too, so that the bake does not observe that. What perturbs it comes last.
_LATE = frozenset({"bake", "load", "logs"})
_PERTURBS = "chaos"
_LAST = frozenset({_PERTURBS, "watch"})
_COLOURS = {Verdict.HEALTHY: "green", Verdict.UNHEALTHY: "red", Verdict.INCONCLUSIVE: "yellow"}


class Node(Protocol):
    """What pytest-xdist calls one of its workers."""

    workerinput: dict[str, object]


def take_session(config: pytest.Config) -> None:
    """Make this pytest session one against the target.

    Raises:
        pytest.UsageError: there is a mistake in what the user said; nothing was contacted.
    """
    settings = read_settings(config, target_name(config) or "")
    read_override(config)
    asked = take_arguments(config, settings)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = _default_paths(config, settings)
    told: str | None = getattr(config, "workerinput", {}).get(_HANDOVER)
    if told is not None:
        config.pluginmanager.register(WorkerSession(config, settings, asked, told), "sre-session")
        return
    check_experiments(config)
    since_at = read_since(config, time.time())
    config.pluginmanager.register(MainSession(config, settings, asked, since_at), "sre-session")


def _default_paths(config: pytest.Config, settings: Settings) -> list[str]:
    try:
        names = chosen_suites(config.getini("sre_suites"), settings)
        paths = suite_paths(settings.root, suites_dir(), names)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    return [str(path) for path in paths]


class TestSession:
    """What every process of a run does with the tests that it runs."""

    __test__ = False

    def __init__(self, config: pytest.Config, settings: Settings, asked: Asked) -> None:
        self._config, self._settings, self._asked = config, settings, asked
        self._lets_pass = read_choice(config) == "pass"
        self._load_workers = read_load_workers(config, settings)
        self._clean = Redactor(secret_values(os.environ))

    @property
    def run(self) -> Run | None:
        """The run, while it lasts."""
        return self._config.stash.get(RUN, None)

    def begin(self, run: Run) -> None:
        """Take a run for that of this process."""
        self._config.stash[RUN] = run
        stopping = contextlib.ExitStack()
        stopping.enter_context(heeding_signal(_stop_file(run)))
        self._config.add_cleanup(stopping.close)
        asked = self._config.getoption("sre_issues")
        files = asked in {None, "file"}
        run.tracker = tracker_of(run.settings, is_asked=asked == "file") if files else ""
        if self._load_workers:
            run.load_crew = hire(
                self._load_workers,
                self._settings,
                run.platform,
                run=run.recorder.path.stem,
                tell=lambda line: run.on_wait(line) if run.on_wait else None,
                warn=self.say,
            )

    def say(self, line: str) -> None:
        """Show a line in the terminal, if this process has one."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter:
            reporter.write_line(f"sre: {line}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Add the objectives' tests, and put those that judge the whole bake at the end."""
        add_objectives(session, items, self._settings, self._asked)
        yield
        items.sort(key=_place)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Prepare to keep what the test sees."""
        if self.run:
            item.stash[EVIDENCE] = Evidence(item.nodeid, self.run.recorder.write)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Let no test pass on a load that shows nothing, whatever it asserted."""
        ended = yield
        evidence = item.stash.get(EVIDENCE, None)
        for result in evidence.loads if evidence else ():
            result.require_conclusive()
        return ended

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge how a phase of a test ended, and say what was seen when it failed."""
        if self.run and call.excinfo:
            hide_own_frames(call.excinfo.value)
        report = yield
        if self.run:
            judge(item, call, report, self.run, lets_pass=self._lets_pass)
            make_safe(report, self._clean)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Tell the other processes of the session, which may not have been signalled."""
        if self.run:
            with contextlib.suppress(OSError):
                _interrupted_file(self.run).touch()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        """Explain a failed comparison of what was seen, as a table."""
        return explain(op, left, right)


class WorkerSession(TestSession):
    """A pytest-xdist worker: joins the run that the controller began."""

    def __init__(self, config: pytest.Config, settings: Settings, asked: Asked, told: str) -> None:
        super().__init__(config, settings, asked)
        self._told = Handover.from_text(told)

    def pytest_sessionstart(self) -> None:
        """Join the run."""
        # A terminal that is closed tells all processes at once. By this code the others stop, too.
        self._config.add_cleanup(end_in_order(pytest.ExitCode.INTERRUPTED))
        platform = rejoin_platform(self._settings, self._told.platform)
        recorder = Recorder(self._told.recording_path, clean=redactor(os.environ))
        self.begin(Run.join(self._settings, platform, recorder, self._told))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin no test beside one that perturbs the target, and none after an interrupt."""
        if self.run is None:
            return (yield)
        with beside_others(_alone_file(self.run), alone=_perturbs(item)):
            if _interrupted_file(self.run).exists():
                pytest.exit("the session was interrupted", returncode=pytest.ExitCode.INTERRUPTED)
            return (yield)

    def pytest_sessionfinish(self) -> None:
        """Leave it."""
        if self.run:
            self.run.end()


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
        for file in (_stop_file(run), _interrupted_file(run), _alone_file(run)):
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
            node.workerinput[_HANDOVER] = self.run.handover().to_text()

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


_ORDINARY = frozenset(
    {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
)


def _about(target: str, at: float) -> dict[str, str]:
    return {
        TARGET: target,
        STARTED_AT: str(at),
        VERSION: pytest_sre.__version__,
        PROCESS: str(os.getpid()),
    }


def _perturbs(item: pytest.Item) -> bool:
    return _PERTURBS in getattr(item, "fixturenames", ())


def _place(item: pytest.Item) -> int:
    asked = set(getattr(item, "fixturenames", ()))
    return 2 if _LAST & asked else int(bool(_LATE & asked))


def _interrupted_file(run: Run) -> Path:
    return run.recorder.path.with_suffix(".interrupted")


def _alone_file(run: Run) -> Path:
    return run.recorder.path.with_suffix(".alone")


def _stop_file(run: Run) -> Path:
    return stop_file_of_run(run.settings.root, run.recorder.path.stem)
