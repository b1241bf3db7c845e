"""Configuration: from fly.toml and sre.toml to the target of a run and what is allowed on it.

Only files are read here; nothing is contacted. Every mistake is a `ConfigError`. The names are
loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.targets.durations import format_duration, parse_duration_s
    from pytest_sre.targets.errors import ConfigError
    from pytest_sre.targets.fly_toml import FlyToml, load_fly_toml
    from pytest_sre.targets.load import load_issue_settings, load_settings, target_names
    from pytest_sre.targets.settings import (
        AppSpec,
        BakeSettings,
        IssueSettings,
        LogSettings,
        Permission,
        ReleaseSettings,
        Settings,
        Target,
    )

_HOMES = {
    "AppSpec": "settings",
    "BakeSettings": "settings",
    "ConfigError": "errors",
    "FlyToml": "fly_toml",
    "IssueSettings": "settings",
    "LogSettings": "settings",
    "Permission": "settings",
    "ReleaseSettings": "settings",
    "Settings": "settings",
    "Target": "settings",
    "format_duration": "durations",
    "load_fly_toml": "fly_toml",
    "load_issue_settings": "load",
    "load_settings": "load",
    "parse_duration_s": "durations",
    "target_names": "load",
}

__all__ = [
    "AppSpec",
    "BakeSettings",
    "ConfigError",
    "FlyToml",
    "IssueSettings",
    "LogSettings",
    "Permission",
    "ReleaseSettings",
    "Settings",
    "Target",
    "format_duration",
    "load_fly_toml",
    "load_issue_settings",
    "load_settings",
    "parse_duration_s",
    "target_names",
]


def __getattr__(name: str) -> object:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'pytest_sre.targets' has no attribute {name!r}") from None
    return getattr(import_module(f"pytest_sre.targets.{home}"), name)
