"""Reads what the user said into values; a mistake ends pytest with exit code 4."""

import dataclasses
import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.tokens import token_from_environment
from pytest_sre.journeys import JourneyFileError, load_journeys
from pytest_sre.local.images import ReleaseFileError, read_release_file
from pytest_sre.logs.rules import usable_rules
from pytest_sre.plugin.paths import experiment_files
from pytest_sre.run.load_crew import Wanted, read_wanted
from pytest_sre.targets import ConfigError, Permission, Settings, load_settings, parse_duration_s
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.settings import PERMISSIONS

INCONCLUSIVE_CHOICES = ("fail", "pass")


def read_settings(config: pytest.Config, target: str) -> Settings:
    """Read the settings of a target, and import its journeys. Nothing is contacted.

    Raises:
        pytest.UsageError: there is a mistake in them, or a Fly target has no token.
    """
    file: str | None = config.getoption("sre_config")
    try:
        settings = load_settings(
            config.rootpath if file is None else Path(file).resolve().parent,
            target,
            config_file=Path(file).resolve() if file else None,
            allow=_permissions(config.getoption("sre_allow")),
            chaos_on=_chaos_on(config),
        )
        read_choice(config)
        settings = _with_bake(settings, config.getoption("sre_bake"))
        if settings.target.platform == "fly":
            token_from_environment(os.environ)
        _check_release(settings, config.getoption("sre_local_release"))
        load_journeys(settings.journeys)
        if settings.logs.rules:
            usable_rules(settings.logs.rules)
    except (ConfigError, FlyError, JourneyFileError, ReleaseFileError) as error:
        raise pytest.UsageError(str(error)) from None
    return settings


def check_paths(config: pytest.Config) -> None:
    """Require that what is to be collected is there, since pytest looks only after the deploy.

    Raises:
        pytest.UsageError: some of it is not.
    """
    given = [] if config.option.pyargs else config.args
    for argument in given:
        path = argument.partition("[")[0].partition("::")[0]
        if not (config.invocation_params.dir / path).exists():
            raise pytest.UsageError(f"file or directory not found: {argument}")


def check_experiments(config: pytest.Config) -> None:
    """Require that the experiments of a run, and what is said of their parameters, can be run.

    Raises:
        pytest.UsageError: there is a mistake in them.
    """
    if config.option.continue_on_collection_errors:
        # The run is to go on without what is broken.
        return
    files = [*experiment_files(config)]
    if files or config.getoption("sre_chaos_set"):
        # Without experiments their reader is not needed.
        from pytest_sre.plugin.experiments import refuse_mistakes

        refuse_mistakes(config, files)


def read_load_workers(config: pytest.Config, settings: Settings) -> Wanted | None:
    """Read ``--sre-load-workers``; None when processes of this machine make loads.

    Raises:
        pytest.UsageError: it cannot be understood, or cannot be had.
    """
    text: str | None = config.getoption("sre_load_workers")
    if text is None:
        return None
    try:
        return read_wanted(text, config.getoption("sre_load_image"), settings)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def read_since(config: pytest.Config, now: float) -> float | None:
    """Read ``--sre-since`` as Unix seconds; None for the deploy.

    Raises:
        pytest.UsageError: it is neither ``deploy``, nor a duration, nor a time that has passed.
    """
    text: str = config.getoption("sre_since")
    if text == "deploy":
        return None
    try:
        return now - parse_duration_s(text)
    except ValueError:
        pass
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise pytest.UsageError(
            f"--sre-since is {text!r}\n"
            "expected deploy, an age such as 15m, or a time such as 2026-01-31T12:00Z"
        ) from None
    since_at = (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()
    if since_at > now:
        raise pytest.UsageError(
            f"--sre-since is {text!r}, which is still to come\n"
            "expected a time in the past; one without an offset is taken for UTC"
        )
    return since_at


def read_report_path(config: pytest.Config) -> Path | None:
    """Read ``--sre-report``: where the report goes; None when none is wanted.

    Raises:
        pytest.UsageError: a file cannot be there.
    """
    file: str | None = config.getoption("sre_report")
    if file is None:
        return None
    path = config.invocation_params.dir / file
    if path.suffix.lower() not in {".html", ".htm"} or path.is_dir():
        raise pytest.UsageError(
            f"--sre-report is {file!r}\nexpected the path of a file, such as report.html"
        )
    return path


def read_choice(config: pytest.Config) -> str:
    """Read ``sre_inconclusive``: fail or pass."""
    choice: str = config.getini("sre_inconclusive")
    if choice not in INCONCLUSIVE_CHOICES:
        raise unknown_name(
            where="pytest's configuration: sre_inconclusive",
            what="is",
            name=choice,
            names=INCONCLUSIVE_CHOICES,
        )
    return choice


def read_override(config: pytest.Config) -> None:
    """Read ``--sre-override-freeze``.

    Raises:
        pytest.UsageError: it gives no reason.
    """
    reason: str | None = config.getoption("sre_override_freeze")
    if reason is not None and not reason.strip():
        raise pytest.UsageError(
            "--sre-override-freeze is empty\n"
            'expected why this release is to pass all the same, such as "fixes the outage"'
        )


def _chaos_on(config: pytest.Config) -> str:
    """Read ``--sre-chaos-on``; what a file or a variable says for good, nobody has typed."""
    option, name = "--sre-chaos-on", config.getoption("sre_chaos_on")
    is_typed = any(
        arg == option or arg.startswith(f"{option}=") for arg in config.invocation_params.args
    )
    # A worker is told what its controller has read.
    if name is None or is_typed or hasattr(config, "workerinput"):
        return name or ""
    raise pytest.UsageError(
        f"{option} is {name!r}, from addopts or PYTEST_ADDOPTS\n"
        "expected it on the command line itself: it is to be said for each run that is meant"
    )


def _permissions(text: str) -> frozenset[Permission]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(_permission(name, PERMISSIONS) for name in names)


def _permission(name: str, known: Iterable[Permission]) -> Permission:
    for permission in known:
        if permission == name:
            return permission
    raise unknown_name(
        where="--sre-allow", what="has an unknown permission", name=name, names=known
    )


def _check_release(settings: Settings, release: str | None) -> None:
    if release is None:
        return
    target = settings.target
    if target.platform != "local":
        raise ConfigError(
            where="--sre-local-release",
            found=f"is {release!r}, and target {target.name} is on platform {target.platform}",
            expected="a target on platform local",
            hint="deploy it with fly deploy, and verify it without this option",
        )
    for spec in target.apps:
        read_release_file(spec.path.parent / "releases" / f"{release}.toml")


def _with_bake(settings: Settings, window: str | None) -> Settings:
    if window is None:
        return settings
    try:
        window_s = parse_duration_s(window)
    except ValueError as error:
        raise ConfigError(
            where="--sre-bake", found=f"is {window!r}", expected=f"a duration ({error})"
        ) from None
    if window_s <= 0:
        raise ConfigError(
            where="--sre-bake",
            found=f"is {window!r}",
            expected="a time longer than 0",
            hint="without an observation no release can be called healthy",
        )
    return dataclasses.replace(settings, bake=dataclasses.replace(settings.bake, window_s=window_s))
