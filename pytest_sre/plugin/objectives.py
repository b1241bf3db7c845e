"""Each objective of the target is a test: ``slo::checkout-availability``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from pytest_sre.plugin.stash import EVIDENCE, RUN
from pytest_sre.targets import Settings
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.objectives import Objective

ROOT: Final = "slo"
_SEPARATOR: Final = "::"
_BUDGET: Final = "[budget]"


@dataclass(frozen=True)
class Asked:
    """Which tests of objectives were asked for; None for all of them."""

    names: frozenset[str] | None = None

    def has(self, name: str) -> bool:
        """Whether a test of this name was asked for; an objective's name has its budget, too."""
        return self.names is None or bool({name, name.removesuffix(_BUDGET)} & self.names)


def take_arguments(config: pytest.Config, settings: Settings) -> Asked:
    """Take the tests of objectives out of the paths that pytest is to collect.

    Without any path all objectives are tested, with paths only those named among them.

    Raises:
        pytest.UsageError: there is no such objective.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return Asked()
    ours = [argument for argument in config.args if _is_ours(argument, config)]
    config.args[:] = [argument for argument in config.args if argument not in ours]
    names = frozenset(argument.partition(_SEPARATOR)[2] for argument in ours)
    known = [name for name, _ in _tests(settings.objectives)]
    for name in sorted(names - {""}):
        if name not in known:
            wrong = unknown_name(where=ROOT, what="has no objective", name=name, names=known)
            raise pytest.UsageError(str(wrong))
    return Asked(None if "" in names else names)


def add_objectives(
    session: pytest.Session, items: list[pytest.Item], settings: Settings, asked: Asked
) -> None:
    """Add the tests of objectives to those that were collected."""
    # As if a file of this name were in the project's suites: its runbooks are looked for there.
    path = settings.root / "suites" / ROOT
    tree = ObjectiveTests.from_parent(session, name=ROOT, nodeid=ROOT, path=path)
    tree.tests = [
        ObjectiveTest.make(tree, name, objective, settings.source or path)
        for name, objective in _tests(settings.objectives)
        if asked.has(name)
    ]
    # As pytest itself does it for a file, so that they are counted among what was collected.
    report = session.ihook.pytest_make_collect_report(collector=tree)
    session.ihook.pytest_collectreport(report=report)
    items.extend(tree.tests)


def _is_ours(argument: str, config: pytest.Config) -> bool:
    if argument.startswith(f"{ROOT}{_SEPARATOR}"):
        return True
    return argument == ROOT and not (config.invocation_params.dir / ROOT).exists()


def _tests(objectives: Sequence[Objective]) -> Iterator[tuple[str, Objective]]:
    for objective in objectives:
        yield objective.name, objective
        if objective.freeze_below is not None:
            yield f"{objective.name}{_BUDGET}", objective


class ObjectiveTests(pytest.Collector):
    """The objectives of the target that were asked for."""

    tests: Sequence[pytest.Item] = ()

    def collect(self) -> Sequence[pytest.Item]:
        """Give their tests."""
        return self.tests


class ObjectiveTest(pytest.Item):
    """The test of one objective, or of whether its error budget lets a release pass."""

    # What it looks at, by the names of the fixtures that a written test would ask for.
    fixturenames = ("bake", "slo", "sre_run")
    _objective: Objective
    _source: Path

    @classmethod
    def make(
        cls, tree: ObjectiveTests, name: str, objective: Objective, source: Path
    ) -> "ObjectiveTest":
        """Make the test of this name."""
        made: ObjectiveTest = cls.from_parent(tree, name=name)
        made._objective, made._source = objective, source
        marker = pytest.mark.sre(severity=objective.severity, runbook=objective.runbook or "")
        made.add_marker(marker)
        return made

    def runtest(self) -> None:
        """Judge it."""
        objectives = self.config.stash[RUN].objectives
        if self.name.endswith(_BUDGET):
            override: str = self.config.getoption("sre_override_freeze") or ""
            objectives.check_freeze(self._objective.name, override)
        else:
            objectives.check(self._objective.name, self.stash[EVIDENCE])

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show what was concluded, without a traceback: no line of it is the user's."""
        del style
        return str(excinfo.value) or excinfo.typename

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the file that states it."""
        return self._source, None, f"{ROOT}{_SEPARATOR}{self.name}"
