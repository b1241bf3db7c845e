"""What every process of a session against a target does with its tests."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path

import pytest

from pytest_sre.chaos.stopping import heeding_signal, stop_file_of_run
from pytest_sre.plugin.judging import hide_own_frames, judge
from pytest_sre.plugin.objectives import Asked, add_objectives
from pytest_sre.plugin.reading import read_choice, read_load_workers
from pytest_sre.plugin.showing import make_safe
from pytest_sre.plugin.stash import EVIDENCE, RUN
from pytest_sre.redaction import Redactor, secret_values
from pytest_sre.report.explaining import explain
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.filing import tracker_of
from pytest_sre.run.load_crew import hire
from pytest_sre.run.run import Run
from pytest_sre.targets import Settings

# Tests that judge the whole bake come late, so that the others run while it observes; those that
# put load on the target, too, so that the bake does not observe that. What perturbs it comes last.
_LATE = frozenset({"bake", "load", "logs"})
PERTURBS = "chaos"
"""The fixture of tests that perturb the target."""
_LAST = frozenset({PERTURBS, "watch"})


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
        stopping.enter_context(heeding_signal(stop_file(run)))
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
                interrupted_file(self.run).touch()

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        """Explain a failed comparison of what was seen, as a table."""
        return explain(op, left, right)


def _place(item: pytest.Item) -> int:
    asked = set(getattr(item, "fixturenames", ()))
    return 2 if _LAST & asked else int(bool(_LATE & asked))


def interrupted_file(run: Run) -> Path:
    """The file that is there once the session was interrupted."""
    return run.recorder.path.with_suffix(".interrupted")


def alone_file(run: Run) -> Path:
    """The file by whose lock a test that perturbs the target is alone with it."""
    return run.recorder.path.with_suffix(".alone")


def stop_file(run: Run) -> Path:
    """The file that stops all chaos of the run."""
    return stop_file_of_run(run.settings.root, run.recorder.path.stem)
