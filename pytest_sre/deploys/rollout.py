"""Deploys an image to an app, by the platform's API, and waits until its Machines are healthy."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from pytest_sre.deploys.plan import Place, places
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.machine_config import machine_config
from pytest_sre.fly.models import Machine, Release
from pytest_sre.targets import AppSpec

_AT_ONCE = 8
_POLL_S = 0.05
# A process that ended this often without being asked will not come up by waiting.
_HOPELESS_EXITS = 2


def deploy(
    fly: Fly, spec: AppSpec, *, image: str, organization: str, healthy_within_s: float
) -> Release:
    """Bring an image onto every Machine of an app, making those that are missing.

    Args:
        fly: the platform.
        spec: the app, with its fly.toml and its Machines.
        image: what to run.
        organization: who a new app is to belong to.
        healthy_within_s: how long the Machines may take until their checks pass.

    Returns:
        The release: ``complete`` when every Machine started and passes its checks, otherwise
        ``failed``. A failed one is left as it is, to be looked at.

    Raises:
        FlyError: the platform refuses a step.
    """
    if spec.name not in {app.name for app in fly.apps(organization)}:
        fly.create_app(spec.name, organization)
    release = fly.create_release(spec.name, image=image)
    existing = fly.machines(spec.name)
    missing = _missing(spec, existing)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        made = pool.map(lambda place: _create(fly, spec, place, image, release), missing)
        changed = pool.map(lambda machine: _update(fly, spec, machine, image, release), existing)
        expected = {machine.id for machine in (*made, *changed)}
    healthy = _become_healthy(fly, spec.name, expected, healthy_within_s)
    return fly.update_release(release.id, "complete" if healthy else "failed")


def _missing(spec: AppSpec, existing: Iterable[Machine]) -> list[Place]:
    """Take the Machines that exist from those that are wanted."""
    wanted = list(places(spec))
    for machine in existing:
        place = Place(machine.group, machine.region)
        if place in wanted:
            wanted.remove(place)
    return wanted


def _create(fly: Fly, spec: AppSpec, place: Place, image: str, release: Release) -> Machine:
    config = _config(spec, place.group, image, release)
    for mount in config.mounts:
        if mount.volume is None and mount.name:
            fly.create_volume(spec.name, mount.name, region=place.region, size_gb=1)
    return fly.create_machine(spec.name, config, region=place.region)


def _update(fly: Fly, spec: AppSpec, machine: Machine, image: str, release: Release) -> Machine:
    config = _config(spec, machine.group, image, release, machine.settings)
    return fly.update_machine(spec.name, machine.id, config)


def _config(
    spec: AppSpec, group: str, image: str, release: Release, base: MachineConfig | None = None
) -> MachineConfig:
    command = spec.processes.get(group)
    return machine_config(
        spec.toml, group, image=image, release=release, command=command, base=base
    )


def _become_healthy(fly: Fly, app: str, expected: set[str], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        machines = [machine for machine in fly.machines(app) if machine.id in expected]
        if len(machines) == len(expected) and all(map(is_healthy, machines)):
            return True
        if any(map(is_hopeless, machines)):
            return False
        time.sleep(_POLL_S)
    return False


def is_healthy(machine: Machine) -> bool:
    """Whether a Machine runs and all the checks that it has pass."""
    wanted = len(machine.settings.checks) + sum(len(s.checks) for s in machine.settings.services)
    passing = [check for check in machine.checks if check.status == "passing"]
    return machine.state == "started" and len(passing) >= wanted


def is_hopeless(machine: Machine) -> bool:
    """Whether a Machine's process has ended by itself so often that it won't come up."""
    exits = sum(event.is_unasked_exit for event in machine.events)
    return exits >= _HOPELESS_EXITS or machine.state == "failed"
