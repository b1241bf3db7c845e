"""Takes a pytest session for one against a target, in each of its processes."""

import time

import pytest

from pytest_sre.plugin.main_session import MainSession
from pytest_sre.plugin.objectives import take_arguments
from pytest_sre.plugin.options import target_name
from pytest_sre.plugin.paths import chosen_suites, suite_paths
from pytest_sre.plugin.reading import (
    check_experiments,
    check_paths,
    read_override,
    read_settings,
    read_since,
)
from pytest_sre.plugin.worker_session import HANDOVER, WorkerSession
from pytest_sre.shipping import suites_dir
from pytest_sre.targets import ConfigError, Settings


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
    told: str | None = getattr(config, "workerinput", {}).get(HANDOVER)
    if told is not None:
        config.pluginmanager.register(WorkerSession(config, settings, asked, told), "sre-session")
        return
    check_paths(config)
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
