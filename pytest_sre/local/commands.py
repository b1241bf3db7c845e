"""What ``pytest-sre local status|env|down`` does; the command line prints what is returned."""

import io
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from pytest_sre.fly.models import Machine
from pytest_sre.local.files import PIDS_FILE, remove_files
from pytest_sre.local.flyctl import flyctl_variables
from pytest_sre.local.pids import reap
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError

_WIDTH = 100


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Args:
        exit_code: 0 when it did what was asked.
        lines: what to print.
    """

    exit_code: int
    lines: tuple[str, ...]


def status(state_dir: Path, *, as_json: bool = False) -> Outcome:
    """The Machines of the platform that runs, as a table or as JSON; exit code 1 when none does."""
    platform = LocalPlatform.attach(state_dir)
    if platform is None:
        text = '{"running": false}' if as_json else f"no local platform runs in {state_dir}"
        return Outcome(1, (text,))
    try:
        apps = platform.apps()
        machines = {app: platform.machines(app) for app in apps}
        ports = {app: platform.ports(app) for app in apps}
    except LocalPlatformError as error:
        return Outcome(1, tuple(str(error).splitlines()))
    finally:
        platform.close()
    if as_json:
        shown = {
            "running": True,
            "url": platform.api_url,
            "pid": platform.pid,
            "ca_file": str(platform.ca_file) if platform.ca_file.exists() else None,
            "apps": [
                {**_app_view(app, url, machines[app]), "ports": ports[app]}
                for app, url in apps.items()
            ],
        }
        return Outcome(0, (msgspec.json.encode(shown).decode(),))
    head = f"the local platform runs: {platform.api_url} (process {platform.pid})"
    urls = tuple(f"{app}: {url}" for app, url in apps.items())
    others = tuple(
        f"{app}, port {port}: {url}"
        for app, own in ports.items()
        for port, url in own.items()
        if url != apps[app]
    )
    trust = (f"the certificate to trust: {platform.ca_file}",) if platform.ca_file.exists() else ()
    return Outcome(0, (head, *urls, *others, *trust, *_table(machines)))


def env(state_dir: Path, *, as_json: bool = False) -> Outcome:
    """The variables by which flyctl talks to the platform that runs, as a shell reads them."""
    platform = LocalPlatform.attach(state_dir)
    if platform is None:
        missing = f"expected a local platform in {state_dir}, found none"
        return Outcome(1, (missing, "start it with: pytest-sre local up"))
    platform.close()
    variables = flyctl_variables(platform.api_url, platform.token, state_dir)
    if as_json:
        return Outcome(0, (msgspec.json.encode(variables).decode(),))
    return Outcome(0, tuple(f"export {name}={quote(it)}" for name, it in variables.items()))


def down(state_dir: Path) -> Outcome:
    """Stop the platform, with all its Machines, also those that a killed server left behind."""
    platform = LocalPlatform.attach(state_dir)
    if platform is not None:
        platform.stop()
        if LocalPlatform.attach(state_dir) is not None:
            return Outcome(1, (f"process {platform.pid} did not end; kill it",))
    left = reap(state_dir / PIDS_FILE)
    if state_dir.is_dir():
        remove_files(state_dir)
    if platform is None and not left:
        return Outcome(0, (f"no local platform runs in {state_dir}",))
    ended = "the local platform was stopped" if platform else f"{left} Machines were left and ended"
    return Outcome(0, (f"{ended}; nothing is left of it",))


def _app_view(app: str, url: str, machines: list[Machine]) -> dict[str, Any]:
    rows = [
        {
            "id": each.id,
            "name": each.name,
            "group": each.group,
            "region": each.region,
            "state": each.state,
            "checks": {check.name: check.status for check in each.checks},
            "image": each.settings.image,
        }
        for each in machines
    ]
    return {"name": app, "url": url, "machines": rows}


def _table(machines: dict[str, list[Machine]]) -> list[str]:
    """The Machines of all apps, a line each."""
    table = Table("app", "Machine", "group", "region", "state", "checks", "image", box=None)
    for app, listed in machines.items():
        for each in listed:
            passing = sum(check.status == "passing" for check in each.checks)
            checks = f"{passing}/{len(each.checks)} passing" if each.checks else "none"
            image = each.settings.image.rpartition("/")[2]
            table.add_row(app, each.id, each.group, each.region, each.state, checks, image)
    output = io.StringIO()
    Console(file=output, width=_WIDTH, color_system=None).print(table)
    return [line.rstrip() for line in output.getvalue().splitlines()]
