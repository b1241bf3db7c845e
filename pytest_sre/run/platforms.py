"""Opens the platform that a target is on: Fly.io itself, or its stand-in on this machine."""

import contextlib
import functools
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_sre.deploys.rollout import Deployment, deploy
from pytest_sre.fly.client import Fly, other_host
from pytest_sre.fly.organization import PERSONAL
from pytest_sre.fly.throttle import Throttle
from pytest_sre.fly.tokens import Token
from pytest_sre.local.images import image_from_release, release_names
from pytest_sre.local.leftovers import clear_leftovers
from pytest_sre.local.places import by_hand_dir, local_dir
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.targets import AppSpec, Settings

# How old an answer may be before a test asks again. Fly limits how often it may be asked.
_FRESH_S = {"fly": 2.0, "local": 0.25}
# How long checks may fail beyond their grace period until a local deploy has failed. A busy machine
# boots the Machines of a whole app at once, and one may wait for another.
_BEYOND_GRACE_S = 15.0


@dataclass(frozen=True)
class Platform:
    """A platform that is ready to be asked.

    Attributes:
        fly: its client.
        urls: where each app is reached, by app.
        handle: by which another process of the run finds it.
        fresh_s: how old an answer of its API may be.
        close: ends what was begun for this run.
        other_host: the address that stands in for Fly's own, for a target on Fly.
        deployed: what was deployed for this run.
    """

    fly: Fly
    urls: Mapping[str, str]
    handle: str
    fresh_s: float
    close: Callable[[], None]
    other_host: str = ""
    deployed: tuple[Deployment, ...] = ()

    def url_of(self, spec: AppSpec) -> str:
        """Say where an app is reached."""
        return self.urls[spec.name]


def open_platform(settings: Settings, *, release: str | None) -> Platform:
    """Open a target's platform; a local one is started, and the apps are deployed to it.

    A platform that was started by hand (``pytest-sre local up``) is used as it is, with what
    runs on it, and is left running.

    Args:
        settings: the target's.
        release: the name of the release to deploy locally; the plain code when None.

    Raises:
        FlyError: there is no token, or the platform refuses a step of the deploy.
        LocalPlatformError: the local platform cannot be started.
        ReleaseFileError: there is no such release, or its file cannot be used.
    """
    if settings.target.platform == "fly":
        return _fly(settings)
    clear_leftovers(local_dir(settings.root))
    by_hand = LocalPlatform.attach(by_hand_dir(settings.root))
    platform = by_hand or LocalPlatform.start(run_dir(settings.root))
    close = functools.partial(_let_go, platform) if by_hand else platform.stop
    opened = _local(platform, close)
    try:
        deployed = _deploy_missing(settings, platform, opened.fly, release)
    except BaseException:
        opened.close()
        raise
    return replace(opened, urls=_local_urls(settings, platform), deployed=deployed)


def runs_by_hand(root: Path) -> bool:
    """Whether a local platform of a project runs that was started by hand."""
    found = LocalPlatform.attach(by_hand_dir(root))
    if found is not None:
        found.close()
    return found is not None


def _let_go(platform: LocalPlatform) -> None:
    """Leave a platform that goes on as it was found: without the rules of this run."""
    with contextlib.suppress(LocalPlatformError):
        platform.load_rules({})
    platform.close()


def rejoin_platform(settings: Settings, handle: str) -> Platform:
    """Find the platform that another process of the run opened."""
    if settings.target.platform == "fly":
        return _fly(settings)
    platform = LocalPlatform.attach(Path(handle))
    if platform is None:
        raise LocalPlatformError(f"the local platform of this run is gone: {handle}")
    opened = _local(platform, platform.close)
    return replace(opened, urls=_local_urls(settings, platform))


def run_dir(root: Path) -> Path:
    """A place for the state of a platform that lives as long as one run."""
    return local_dir(root) / f"run-{secrets.token_hex(4)}"


def client_of(platform: LocalPlatform) -> Fly:
    """Make the same client that talks to Fly.io, for a local platform.

    It keeps to Fly's rate limits where the platform does.
    """
    return Fly(
        token=Token(platform.token, "the local platform"),
        api_url=platform.api_url,
        web_url=platform.api_url,
        throttle=Throttle() if platform.limits().enabled else None,
    )


def _fly(settings: Settings) -> Platform:
    fly = Fly.from_environment(os.environ)
    urls = {spec.name: settings.target.url_on_fly(spec.name) for spec in settings.target.apps}
    return Platform(fly, urls, "", _FRESH_S["fly"], fly.close, other_host(os.environ))


def _local(platform: LocalPlatform, close: Callable[[], None]) -> Platform:
    fly = client_of(platform)
    fresh_s = _FRESH_S["fly" if fly.is_throttled else "local"]

    def close_both() -> None:
        fly.close()
        close()

    return Platform(fly, {}, str(platform.state_dir), fresh_s, close_both)


def _local_urls(settings: Settings, platform: LocalPlatform) -> Mapping[str, str]:
    return {spec.name: platform.app_url(spec.name) for spec in settings.target.apps}


def _deploy_missing(
    settings: Settings, platform: LocalPlatform, fly: Fly, release: str | None
) -> tuple[Deployment, ...]:
    """Deploy the apps that do not run yet, or all of them when a release is asked for."""
    there = platform.apps()
    wanted = [spec for spec in settings.target.apps if release or spec.name not in there]
    return tuple(deploy_locally(fly, platform, spec, release) for spec in wanted)


def deploy_locally(
    fly: Fly, platform: LocalPlatform, spec: AppSpec, release: str | None
) -> Deployment:
    """Deploy one app's code, as a release of ``releases/NAME.toml`` or as it is."""
    root = spec.path.parent
    file = root / "releases" / f"{release}.toml" if release else None
    image = image_from_release(root, spec.name, file, commands=spec.processes)
    platform.register_image(image)
    return deploy(
        fly,
        spec,
        image=image.ref,
        organization=PERSONAL,
        healthy_within_s=_longest_grace_s(spec) + _BEYOND_GRACE_S,
    )


def register_images(platform: LocalPlatform, spec: AppSpec) -> list[str]:
    """Make an app's code known as it is and as each of its releases; give the images' names.

    So that other tools can deploy them, by name.

    Raises:
        ReleaseFileError: a release file cannot be used.
    """
    root = spec.path.parent
    files = [root / "releases" / f"{name}.toml" for name in release_names(root)]
    images = [
        image_from_release(root, spec.name, file, commands=spec.processes)
        for file in (None, *files)
    ]
    for image in images:
        platform.register_image(image)
    return [image.ref for image in images]


def _longest_grace_s(spec: AppSpec) -> float:
    toml = spec.toml
    checks = [
        check
        for group in toml.groups
        for check in (
            *toml.checks(group),
            *(of_service for service in toml.services(group) for of_service in service.checks),
        )
    ]
    return max((check.grace_period_s or 0.0 for check in checks), default=0.0) or _BEYOND_GRACE_S
