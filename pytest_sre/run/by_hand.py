"""The local platform started by hand: up, status, down."""

import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.models import Machine
from pytest_sre.local.images import ReleaseFileError
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import LOCAL_ORGANIZATION, by_hand_dir, client_of, deploy_locally
from pytest_sre.targets import ConfigError, Settings, load_settings

_USAGE = 4


def up(root: Path, target: str, release: str | None) -> int:
    """Start the platform and deploy a target's apps to it; give the exit code."""
    try:
        settings = _local_settings(root, target)
        platform = LocalPlatform.attach(by_hand_dir(root)) or LocalPlatform.up(by_hand_dir(root))
        with client_of(platform) as fly:
            for spec in settings.target.apps:
                deployed = deploy_locally(fly, platform, spec, release)
                url = platform.app_url(spec.name)
                _say(f"{spec.name} v{deployed.version}: {deployed.status}, {url}")
        platform.close()
    except (ConfigError, ReleaseFileError) as error:
        return _complain(error, _USAGE)
    except (LocalPlatformError, FlyError) as error:
        return _complain(error, 1)
    _say("it stays up until: pytest-sre local down")
    return 0


def status(root: Path, *, as_json: bool) -> int:
    """Show the platform's apps and Machines; give the exit code, 1 when it is not up."""
    platform = LocalPlatform.attach(by_hand_dir(root))
    if platform is None:
        return _complain("no local platform is up here; start one: pytest-sre local up", 1)
    try:
        with client_of(platform) as fly:
            apps = [app.name for app in fly.apps(LOCAL_ORGANIZATION)]
            machines = {app: fly.machines(app) for app in apps}
        urls = {app: platform.app_url(app) for app in apps}
    except (LocalPlatformError, FlyError) as error:
        return _complain(error, 1)
    finally:
        platform.close()
    if as_json:
        document = {"api": platform.api_url, "pid": platform.pid, "urls": urls}
        _say(msgspec.json.encode({**document, "machines": machines}).decode())
        return 0
    _say(f"API {platform.api_url}, process {platform.pid}")
    for app in apps:
        _say(f"{app}: {urls[app]}")
        Console().print(_table(machines[app]))
    return 0


def down(root: Path) -> int:
    """Stop the platform and all that it started; give the exit code."""
    platform = LocalPlatform.attach(by_hand_dir(root))
    if platform is None:
        _say("no local platform is up here")
        return 0
    platform.stop()
    _say("stopped; nothing is left running")
    return 0


def _local_settings(root: Path, target: str) -> Settings:
    settings = load_settings(root, target)
    if settings.target.platform != "local":
        raise ConfigError(
            where=f"target {target}",
            found=f"is on platform {settings.target.platform}",
            expected="one on platform local",
        )
    return settings


def _table(machines: list[Machine]) -> Table:
    table = Table("Machine", "group", "region", "state", "checks", "image", box=None)
    for machine in machines:
        passing = sum(check.status == "passing" for check in machine.checks)
        table.add_row(
            machine.id,
            machine.group,
            machine.region,
            machine.state + (" (cordoned)" if machine.cordoned else ""),
            f"{passing}/{len(machine.checks)} passing" if machine.checks else "none",
            machine.settings.image,
        )
    return table


def _complain(what: object, code: int) -> int:
    sys.stderr.write(f"{what}\n")
    return code


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
