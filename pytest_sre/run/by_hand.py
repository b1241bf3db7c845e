"""Starting the local platform by hand, with a target's apps on it."""

from pathlib import Path

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.local.commands import Outcome
from pytest_sre.local.images import ReleaseFileError
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.acting import deploy_text, tell_incidents
from pytest_sre.run.filing import tracker_of
from pytest_sre.run.platforms import client_of, deploy_locally, register_images
from pytest_sre.targets import AppSpec, ConfigError, Settings, load_settings

_USAGE = 4


def up(root: Path, target: str, release: str | None, *, limit_rates: bool = False) -> Outcome:
    """Start the platform, unless it runs, and deploy a target's apps to it.

    Args:
        root: the project.
        target: the name of a target on platform local.
        release: the name of a release in ``releases/``; the code as it is when None.
        limit_rates: from then on, hold callers to Fly's rate limits.
    """
    try:
        lines = _deploy_all(_local_settings(root, target), release, limit_rates=limit_rates)
    except (ConfigError, ReleaseFileError) as error:
        return Outcome(_USAGE, (str(error),))
    except (LocalPlatformError, FlyError, OSError) as error:
        return Outcome(1, (str(error),))
    return Outcome(0, (*lines, "it stays up until: pytest-sre local down"))


def _deploy_all(settings: Settings, release: str | None, *, limit_rates: bool) -> list[str]:
    folder = by_hand_dir(settings.root)
    platform = LocalPlatform.attach(folder) or LocalPlatform.up(folder)
    try:
        with client_of(platform) as fly:
            lines = [
                line
                for spec in settings.target.apps
                for line in _deploy(fly, platform, spec, settings, release)
            ]
        platform.limit_rates(enabled=limit_rates)
        return lines
    finally:
        platform.close()


def _deploy(
    fly: Fly, platform: LocalPlatform, spec: AppSpec, settings: Settings, release: str | None
) -> list[str]:
    images = register_images(platform, spec)
    deployed = deploy_locally(fly, platform, spec, release)
    tracker = tracker_of(settings, is_asked=False)
    waits = tell_incidents(settings, tracker, deploy_text(deployed), at=deployed.at)
    return [
        f"{spec.name} v{deployed.version} at {platform.app_url(spec.name)}",
        *(f"not well: {why}" for why in deployed.failures),
        f"its images: {', '.join(images)}",
        *(["the log of the open incident is told of it by: pytest-sre deliver"] if waits else []),
    ]


def _local_settings(root: Path, target: str) -> Settings:
    settings = load_settings(root, target)
    if settings.target.platform != "local":
        raise ConfigError(
            where=f"target {target}",
            found=f"is on platform {settings.target.platform}",
            expected="one on platform local",
        )
    return settings
