"""A pytest-xdist worker: joins the run that the controller began."""

import os
from collections.abc import Generator

import pytest

from pytest_sre.plugin.objectives import Asked
from pytest_sre.plugin.session import PERTURBS, TestSession, alone_file, interrupted_file
from pytest_sre.plugin.signals import end_in_order
from pytest_sre.recording import Recorder
from pytest_sre.run.handover import Handover
from pytest_sre.run.platforms import rejoin_platform
from pytest_sre.run.redacting import redactor
from pytest_sre.run.run import Run
from pytest_sre.targets import Settings
from pytest_sre.turns.alone import beside_others

HANDOVER = "sre"
"""By which a worker finds what it was told."""


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
        with beside_others(alone_file(self.run), alone=_perturbs(item)):
            if interrupted_file(self.run).exists():
                pytest.exit("the session was interrupted", returncode=pytest.ExitCode.INTERRUPTED)
            return (yield)

    def pytest_sessionfinish(self) -> None:
        """Leave it."""
        if self.run:
            self.run.end()


def _perturbs(item: pytest.Item) -> bool:
    return PERTURBS in getattr(item, "fixturenames", ())
