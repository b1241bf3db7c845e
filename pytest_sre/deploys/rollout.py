"""Deploys an image to an app, by the platform's API, and waits until its Machines are healthy."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pytest_sre.deploys.health import (
    Wanted,
    failure,
    is_as_wanted,
    shortcoming,
)
from pytest_sre.deploys.plan import Place, Turns, missing_places, turns
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.errors import FlyError, PreconditionFailed, TimedOut
from pytest_sre.fly.leases import HeldLeases
from pytest_sre.fly.machine_config import machine_config
from pytest_sre.fly.models import Machine, Release
from pytest_sre.targets import AppSpec, ConfigError
from pytest_sre.targets.files import read_toml

_AT_ONCE = 8
# In between it is looked whether waiting still makes sense.
_ONE_WAIT_S = 2.0
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True)
class Deployment:
    """How a deploy ended.

    Attributes:
        app: what was deployed.
        at: when it ended, Unix seconds.
        release: ``complete`` when every Machine is what it was changed to and, where it runs,
            passes its checks; otherwise ``failed``.
        failures: which Machines are not, and why, in words.
    """

    app: str
    at: float
    release: Release
    failures: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The release's number."""
        return self.release.version

    @property
    def status(self) -> str:
        """``complete`` or ``failed``."""
        return self.release.status


def deploy(
    fly: Fly, spec: AppSpec, *, image: str, organization: str, healthy_within_s: float
) -> Deployment:
    """Bring an image onto every Machine of an app, making those that are missing.

    Machines that exist are changed in turns, as ``fly deploy`` does with the strategy rolling:
    of each process group the first one alone, then so many at once as ``max_unavailable`` says.
    Meanwhile their leases are held, so that nobody else changes them. Machines of process
    groups that the fly.toml does not name are left alone. The first failure ends it, and all is
    left as it then is, to be looked at.

    Args:
        fly: the platform.
        spec: the app, with its fly.toml and its Machines.
        image: what to run.
        organization: who a new app is to belong to.
        healthy_within_s: how long a Machine may take until its checks pass.

    Raises:
        ConfigError: the fly.toml is gone, or a file that its ``[[files]]`` name cannot be read;
            nothing was changed.
        FlyError: the platform refuses a step; the release has then failed.
    """
    contents = _contents(spec)
    if spec.name not in {app.name for app in fly.apps(organization)}:
        fly.create_app(spec.name, organization)
    definition = read_toml(spec.path)
    release = fly.create_release(spec.name, image=image, definition=definition)
    rollout = _Rollout(fly, spec, image, release, healthy_within_s, contents)
    try:
        failures = rollout.run()
    except FlyError:
        fly.update_release(release.id, "failed")
        raise
    ended = fly.update_release(release.id, "failed" if failures else "complete")
    return Deployment(spec.name, time.time(), ended, failures)


@dataclass(frozen=True)
class _Rollout:
    fly: Fly
    spec: AppSpec
    image: str
    release: Release
    healthy_within_s: float
    contents: Mapping[str, bytes]

    def run(self) -> tuple[str, ...]:
        """Make and change Machines; return what failed, in words."""
        groups = self.spec.toml.groups
        existing = [m for m in self.fly.machines(self.spec.name) if m.group in groups]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            made = [*pool.map(self._make, missing_places(self.spec, existing))]
        failures = tuple(failed for _, failed in made if failed)
        wanted = dict(machine for machine, _ in made)
        if failures or not existing:
            return failures
        ids = [machine.id for machine in existing]
        with self.fly.leases(self.spec.name, ids, description="a deploy") as leases:
            changes = _Changes(self, leases, wanted)
            failures = changes.make(existing)
        return failures or self._last_look(wanted)

    def _make(self, place: Place) -> tuple[tuple[str, Wanted], str]:
        config = self.config(place.group, None)
        for mount in config.mounts:
            if mount.volume is None and mount.name:
                self.fly.create_volume(self.spec.name, mount.name, region=place.region, size_gb=1)
        made = self.fly.create_machine(self.spec.name, config, region=place.region)
        wanted = Wanted(made.instance_id, self.image)
        return (made.id, wanted), self.become_healthy(made, wanted)

    def config(self, group: str, base: MachineConfig | None) -> MachineConfig:
        """Say what a group's Machines are made from by this deploy."""
        return machine_config(
            self.spec.toml,
            group,
            image=self.image,
            release=self.release,
            command=self.spec.processes.get(group),
            base=base,
            contents=self.contents,
        )

    def become_healthy(self, machine: Machine, wanted: Wanted) -> str:
        """Wait until a Machine is as wanted; say in words why it is not."""
        deadline = time.monotonic() + self.healthy_within_s
        self._start(machine, wanted, deadline)
        for pause_s in _growing_pauses_s():
            now = self.fly.machine(self.spec.name, machine.id)
            if is_as_wanted(now, wanted):
                return ""
            if why := failure(now, wanted):
                return f"{_label(now)} {why}"
            if time.monotonic() + pause_s > deadline:
                return f"{_label(now)} {shortcoming(now)}"
            time.sleep(pause_s)
        raise AssertionError("the pauses do not end")

    def _start(self, machine: Machine, wanted: Wanted, deadline: float) -> None:
        """Wait until a Machine has started, or never will."""
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                self.fly.wait(
                    self.spec.name,
                    machine.id,
                    "started",
                    version=wanted.instance_id or None,
                    timeout_s=min(left_s, _ONE_WAIT_S),
                )
            except TimedOut:
                if failure(self.fly.machine(self.spec.name, machine.id), wanted):
                    return
            else:
                return

    def _last_look(self, wanted: dict[str, Wanted]) -> tuple[str, ...]:
        """Look once more when all are done: one may have crashed or been put back meanwhile."""
        there = (m for m in self.fly.machines(self.spec.name) if m.id in wanted)
        found = ((_label(machine), failure(machine, wanted[machine.id])) for machine in there)
        return tuple(f"{label} {why}" for label, why in found if why)


@dataclass(frozen=True)
class _Changes:
    """The changes of a rollout, made under leases; ``wanted`` takes down what was asked for."""

    rollout: _Rollout
    leases: HeldLeases
    wanted: dict[str, Wanted]

    def make(self, machines: Iterable[Machine]) -> tuple[str, ...]:
        """Change all groups side by side; return what failed, in words."""
        by_group: dict[str, list[Machine]] = {}
        for machine in machines:
            by_group.setdefault(machine.group, []).append(machine)
        limit = self.rollout.spec.toml.deploy.max_unavailable
        with ThreadPoolExecutor(len(by_group)) as pool:
            failed = pool.map(
                lambda group: self._make_group(turns(group, limit)), by_group.values()
            )
            return tuple(why for group in failed for why in group)

    def _make_group(self, plan: Turns) -> list[str]:
        steps: tuple[tuple[tuple[Machine, ...], int, Callable[[Machine], str]], ...] = (
            (plan.first, 1, self._change),
            (plan.rest, plan.at_once, self._change),
            (plan.asleep, _AT_ONCE, self._change_asleep),
        )
        for machines, at_once, change in steps:
            if failures := _in_parallel(machines, at_once, change):
                return failures
        return []

    def _change(self, machine: Machine) -> str:
        wanted = self._update(machine, skip_launch=False)
        if machine.is_at_rest:
            self._wake(machine)
        return self.rollout.become_healthy(machine, wanted)

    def _wake(self, machine: Machine) -> None:
        app, nonce = self.rollout.spec.name, self.leases.nonce(machine.id)
        with suppress(PreconditionFailed):  # It is starting already.
            self.rollout.fly.start(app, machine.id, nonce=nonce)

    def _change_asleep(self, machine: Machine) -> str:
        self._update(machine, skip_launch=True)
        return ""

    def _update(self, machine: Machine, *, skip_launch: bool) -> Wanted:
        fly, app = self.rollout.fly, self.rollout.spec.name
        updated = fly.update_machine(
            app,
            machine.id,
            self.rollout.config(machine.group, machine.settings),
            skip_launch=skip_launch,
            nonce=self.leases.nonce(machine.id),
        )
        wanted = Wanted(updated.instance_id, self.rollout.image, is_to_run=not skip_launch)
        self.wanted[machine.id] = wanted
        return wanted


def _contents(spec: AppSpec) -> dict[str, bytes]:
    paths = {file.local_path for file in spec.toml.all_files if file.local_path}
    return {path: _content(spec, path) for path in paths}


def _content(spec: AppSpec, path: str) -> bytes:
    try:
        return (spec.path.parent / path).read_bytes()
    except OSError as error:
        raise ConfigError(
            where=f"{spec.path}: files",
            found=f"names {path}, which cannot be read: {error.strerror}",
            expected="a file beside the fly.toml",
        ) from None


def _in_parallel(
    machines: tuple[Machine, ...], at_once: int, change: Callable[[Machine], str]
) -> list[str]:
    """Change Machines, so many at a time; after the first failure none is begun."""
    failures: list[str] = []

    def unless_failed(machine: Machine) -> None:
        if not failures and (why := change(machine)):
            failures.append(why)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(unless_failed, machines))
    return failures


def _growing_pauses_s() -> Iterator[float]:
    """Give pauses that suit both a Machine that is up at once and one that takes its time."""
    pause_s = _SHORTEST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 1.3, _LONGEST_PAUSE_S)


def _label(machine: Machine) -> str:
    return f"{machine.group}-{machine.region}-{machine.id[:6]}"
