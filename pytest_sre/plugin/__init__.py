"""The only code that knows pytest: options, hooks, fixtures, reports.

Loading it costs every pytest run on the machine, so nothing heavy is imported here: what a run
against a target needs is loaded when ``--sre-target`` is given.
"""

from typing import TYPE_CHECKING

import pytest

from pytest_sre.plugin.fixtures import (
    alerts,
    bake,
    chaos,
    eventually,
    fly_app,
    fly_machine,
    journey,
    journey_name,
    load,
    logs,
    probe,
    risk,
    slo,
    sre_run,
    watch,
)
from pytest_sre.plugin.options import add_options, target_name
from pytest_sre.plugin.paths import EXPERIMENTS
from pytest_sre.plugin.runbooks import unactionable
from pytest_sre.plugin.stash import RUN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "alerts",
    "bake",
    "chaos",
    "eventually",
    "fly_app",
    "fly_machine",
    "journey",
    "journey_name",
    "load",
    "logs",
    "probe",
    "risk",
    "slo",
    "sre_run",
    "watch",
]

_MARKER = (
    'sre(severity, runbook): how much a failure of this test matters ("critical", "high", '
    '"medium" or "low") and the runbook to follow, a file in the nearest runbooks/ folder'
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the command line's options and the ini keys."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """With a target and no path, load the conftests of the suites, not those of ``testpaths``.

    What the project's unit tests import may not be installed where a release is verified.
    """
    given = early_config.known_args_namespace
    # An objective, such as slo::checkout, is no path either.
    paths = [each for each in given.file_or_dir if each.partition("::")[0] != "slo"]
    if getattr(given, "sre_target", None) is not None and not paths:
        root = early_config.rootpath
        anchors = [root / "conftest.py", root / "suites", root / "chaos"]
        # This file stands for "none": beside it is no conftest.
        given.file_or_dir = [str(path) for path in anchors if path.exists()] or [__file__]


def pytest_configure(config: pytest.Config) -> None:
    """Without a target stay out of the way; with one, read the settings and take the session."""
    config.addinivalue_line("markers", _MARKER)
    if config.getoption("sre_chaos_set"):
        from pytest_sre.plugin.experiments import read_parameters

        read_parameters(config)
    if target_name(config) is not None:
        from pytest_sre.plugin.taking import take_session

        take_session(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a Machine, an app or a journey, for the tests that ask for one."""
    if {"fly_machine", "fly_app", "journey_name"} & set(metafunc.fixturenames):
        from pytest_sre.plugin.parameters import parametrize

        parametrize(metafunc, metafunc.config.stash.get(RUN, None))


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Refuse parameters that no experiment has; one that could not be read may have any."""
    if session.config.getoption("sre_chaos_set") and not session.testsfailed:
        from pytest_sre.plugin.experiments import refuse_unknown_parameters

        refuse_unknown_parameters(session.config, items)


def pytest_report_collectionfinish(
    config: pytest.Config, items: "Sequence[pytest.Item]"
) -> list[str]:
    """Without a target name the experiments that would alert without telling what to do."""
    if target_name(config) is not None:
        return []
    experiments = [item for item in items if item.path.suffix in EXPERIMENTS]
    return [f"sre: unactionable alert: {complaint}" for complaint in unactionable(experiments)]


def pytest_collect_file(file_path: "Path", parent: pytest.Collector) -> pytest.Collector | None:
    """Take the files of experiments for tests: those in ``chaos/``, and those that are named."""
    if file_path.suffix not in EXPERIMENTS:
        return None
    is_named = parent.session.isinitpath(file_path)
    if not is_named and (parent.config.rootpath / "chaos") not in file_path.parents:
        return None
    from pytest_sre.plugin.experiments import ExperimentFile

    found: pytest.Collector = ExperimentFile.from_parent(parent, path=file_path)
    return found
