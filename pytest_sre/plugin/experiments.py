"""Each experiment is a test: ``chaos/lose-a-region.yaml::lose-a-region``.

Without a target it is only read: a file that cannot be run, or not be undone, is an error.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from pytest_sre.chaos.experiments.configuration import read_settings, set_values
from pytest_sre.chaos.experiments.experiment import Experiment
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.plugin.stash import EVIDENCE, RUN
from pytest_sre.targets import ConfigError
from pytest_sre.targets.errors import unknown_name

OPTION: Final = "--sre-chaos-set"


class ExperimentFile(pytest.File):
    """A file of chaostoolkit."""

    def collect(self) -> Iterable[pytest.Item]:
        """Give its one test.

        Raises:
            pytest.Collector.CollectError: it cannot be run.
        """
        try:
            experiment = read_experiment(self.path, self.config.rootpath)
            values = set_values(experiment.configuration, read_parameters(self.config), OPTION)
        except ConfigError as error:
            raise self.CollectError(str(error)) from None
        return [ExperimentTest.make(self, experiment, values)]


class ExperimentTest(pytest.Item):
    """The test of one experiment."""

    # What it does, by the names of the fixtures that a written test would ask for.
    fixturenames = ("chaos", "sre_run")
    experiment: Experiment
    _values: dict[str, object]

    @classmethod
    def make(
        cls, file: ExperimentFile, experiment: Experiment, values: dict[str, object]
    ) -> "ExperimentTest":
        """Make the test of a file.

        Args:
            file: it.
            experiment: what it says.
            values: what its parameters are instead.
        """
        made: ExperimentTest = cls.from_parent(file, name=experiment.name)
        made.experiment, made._values = experiment, values
        terms = experiment.terms
        made.add_marker(pytest.mark.sre(severity=terms.severity, runbook=terms.runbook))
        return made

    def runtest(self) -> None:
        """Run it; without a target it was read, and that is all."""
        run = self.config.stash.get(RUN, None)
        if run is None:
            return
        if run.own_fault:
            raise run.own_fault
        from pytest_sre.chaos.experiments.running import run_experiment
        from pytest_sre.run.chaos import chaos_ground

        with chaos_ground(run, self.stash[EVIDENCE]) as ground:
            result = run_experiment(self.experiment, ground, values=self._values)
        result.require()

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show what was concluded, without a traceback: no line of it is the user's."""
        del style
        cause = excinfo.value.__cause__
        return "\n".join(str(each) for each in (excinfo.value, cause) if each and str(each))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name its file."""
        return self.path, None, self.experiment.title


def read_parameters(config: pytest.Config) -> dict[str, str]:
    """Read the parameters of the command line.

    Raises:
        pytest.UsageError: one is not of the form ``NAME=VALUE``.
    """
    try:
        return read_settings(tuple(config.getoption("sre_chaos_set")), OPTION)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


def refuse_mistakes(config: pytest.Config, files: Iterable[Path]) -> None:
    """Require that experiments can be run, each with what the command line says of it.

    Raises:
        pytest.UsageError: one cannot, or none has a parameter of the command line.
    """
    given = read_parameters(config)
    try:
        found = [read_experiment(file, config.rootpath) for file in files]
        for experiment in found:
            set_values(experiment.configuration, given, OPTION)
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    _require_known(given, found)


def refuse_unknown_parameters(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Require that each parameter of the command line is one of an experiment.

    Raises:
        pytest.UsageError: one is of none.
    """
    found = [item.experiment for item in items if isinstance(item, ExperimentTest)]
    _require_known(read_parameters(config), found)


def _require_known(given: Iterable[str], found: Sequence[Experiment]) -> None:
    known = {name for experiment in found for name in experiment.configuration}
    for name in given:
        if name not in known:
            what = "names a parameter that no experiment of this run has:"
            wrong = unknown_name(where=OPTION, what=what, name=name, names=known)
            raise pytest.UsageError(str(wrong))
