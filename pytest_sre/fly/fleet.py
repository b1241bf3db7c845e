"""The apps and Machines of a target, as tests see them."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pytest_sre.fly.images import same_image
from pytest_sre.fly.models import Check, Event, Machine, Release
from pytest_sre.fly.watch import FleetWatch
from pytest_sre.targets import AppSpec, FlyToml, Settings
from pytest_sre.verdict import Inconclusive, NotAsked

_POLL_S = 0.1


class Spread(AbstractSet[str]):
    """The values that the Machines of an app show, as a set; remembers who shows which.

    ``shown`` has a Machine's label and its value, for each Machine; two may have one label.
    """

    def __init__(self, shown: Iterable[tuple[str, str]]) -> None:
        self.shown = tuple(shown)
        self._values = dict.fromkeys(value for _, value in self.shown)

    def __contains__(self, value: object) -> bool:
        return value in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "{" + ", ".join(repr(value) for value in sorted(self)) + "}"

    @classmethod
    def _from_iterable(cls, values: Iterable[str]) -> AbstractSet[str]:  # type: ignore[override]
        return frozenset(values)


@dataclass(frozen=True, repr=False)
class FlyMachine:
    """One Machine of the target, as it was listed when the run began."""

    app: "FlyApp"
    id: str
    name: str
    region: str
    group: str

    @property
    def label(self) -> str:
        """A short name for people, such as ``web-iad-148e21``."""
        return f"{self.group}-{self.region}-{self.id[:6]}"

    @property
    def now(self) -> Machine:
        """The Machine as the platform describes it now.

        Raises:
            Inconclusive: it is no longer there.
            FlyError: the platform does not say.
        """
        for machine in self.app.watch.machines(self.app.name):
            if machine.id == self.id:
                return machine
        raise Inconclusive(f"{self.label} was there when the run began and is gone")

    @property
    def state(self) -> str:
        """Its state now, such as ``started``."""
        return self.now.state

    @property
    def checks(self) -> list[Check]:
        """The last results of its health checks."""
        return self.now.checks

    @property
    def serves(self) -> bool:
        """Whether users reach it over HTTP, by the proxy."""
        return any(service.is_web for service in self.app.toml.services(self.group))

    @property
    def health_paths(self) -> tuple[str, ...]:
        """The paths of its HTTP checks that can be asked for from outside."""
        return self.app.toml.health_paths(self.group)

    @property
    def expected_checks(self) -> int:
        """How many health checks its fly.toml gives it."""
        services = self.app.toml.services(self.group)
        return len(self.app.toml.checks(self.group)) + sum(len(s.checks) for s in services)

    def settled_checks(self, within_s: float = 10.0) -> list[Check]:
        """Wait until every check has a result, and give them as they are when the time is up.

        Of a Machine whose process has just ended by itself there are none to wait for.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            checks = self.checks
            has_all = len(checks) >= self.expected_checks and not any(map(is_waiting, checks))
            if has_all or self.exits(time.time() - within_s):
                break
            time.sleep(_POLL_S)
        return self.checks

    def require_results(self) -> None:
        """Pass when its checks have come to results, or one of them to a bad one.

        Raises:
            Inconclusive: there is only to be waited for.
        """
        require_results(self.label, self.checks)

    @property
    def is_asleep(self) -> bool:
        """Whether it is stopped as it is meant to be: for want of traffic, or in reserve."""
        now = self.now
        return now.settings.may_sleep and now.state in {"stopped", "suspended"}

    def require_awake(self) -> None:
        """Ask nothing of a Machine that is meant to be stopped; asking might start it.

        Raises:
            NotAsked: it is asleep.
        """
        if self.is_asleep:
            raise NotAsked(f"{self.label} is stopped until it is needed, as it may be")

    def exits(self, since_at: float) -> list[Event]:
        """Its process's ends that nobody asked for, oldest first.

        Args:
            since_at: only those at or after this Unix time.
        """
        return sorted(
            (e for e in self.now.events if e.at >= since_at and e.is_unasked_exit),
            key=lambda event: event.at,
        )

    def __repr__(self) -> str:
        return f"<Machine {self.label}>"


class FlyApp:
    """One app of the target: its Machines, its release, and where it is reached.

    Args:
        spec: its fly.toml, and what the target says of it.
        url: where users reach it.
        watch: what knows its Machines.
        settings: how the run judges it.
        since_at: from when on, Unix seconds; its deploy when None.
    """

    def __init__(
        self,
        spec: AppSpec,
        url: str,
        watch: FleetWatch,
        settings: Settings,
        since_at: float | None,
    ) -> None:
        self.spec, self.url, self.watch = spec, url.rstrip("/"), watch
        self.objectives = settings.bake
        self.reports = settings.release
        self.machines: tuple[FlyMachine, ...] = ()
        self._since_at = since_at

    @property
    def name(self) -> str:
        """Its name on the platform."""
        return self.spec.name

    @property
    def toml(self) -> FlyToml:
        """Its fly.toml."""
        return self.spec.toml

    @property
    def live(self) -> tuple[Machine, ...]:
        """Its Machines as the platform lists them now, new ones included."""
        return self.watch.machines(self.name)

    @property
    def known(self) -> tuple[Machine, ...]:
        """Its Machines as they were last listed; nobody is asked."""
        return self.watch.known(self.name)

    @property
    def serving(self) -> tuple[FlyMachine, ...]:
        """The Machines that users reach over HTTP, by the proxy."""
        return tuple(machine for machine in self.machines if machine.serves)

    @property
    def forces_https(self) -> bool:
        """Whether its fly.toml sends whoever comes without TLS to it."""
        services = (s for group in self.toml.groups for s in self.toml.services(group))
        return any(port.force_https for service in services for port in service.ports)

    def is_up(self, group: str) -> bool:
        """Whether a process group has a Machine that is started and whose checks all pass.

        Raises:
            Inconclusive: it has none, and one that may be, were its checks to come to a result.
        """
        of_group = [machine for machine in self.live if machine.group == group]
        if any(map(is_well, of_group)):
            return True
        for machine in of_group:
            if machine.state == "started":
                require_results(self.label_of(machine), machine.checks)
        return False

    def unwell(self) -> list[str]:
        """List the Machines that are not started, or of whose checks one does not pass."""
        asleep = {machine.id for machine in self.machines if machine.is_asleep}
        unwell = (m for m in self.live if not is_well(m) and m.id not in asleep)
        return [self.label_of(machine) for machine in unwell]

    def missing_machines(self) -> list[str]:
        """List what the fleet lacks or has too much of, by process group and region, in words.

        Where the target does not state how many Machines a group has, one is expected.
        """
        found = Counter((machine.group, machine.region) for machine in self.live)
        lines = []
        for group in self.toml.groups:
            stated = self.spec.machines.get(group)
            if stated is None:
                if not any(of_group == group for of_group, _ in found):
                    lines.append(f"{group}: expected at least 1 Machine, found none")
                continue
            regions = {region for of_group, region in found if of_group == group}
            for region in sorted(regions | set(stated)):
                expected, there = stated.get(region, 0), found[group, region]
                if expected != there:
                    lines.append(f"{group} in {region}: expected {expected}, found {there}")
        return lines

    @property
    def release(self) -> "AppRelease":
        """The newest release.

        Raises:
            Inconclusive: the platform knows none.
            FlyError: the platform does not say.
        """
        newest = next(iter(self.watch.releases(self.name)), None)
        if newest is None:
            raise Inconclusive(f"the platform knows no release of {self.name}")
        return AppRelease(self, newest)

    @property
    def since_at(self) -> float:
        """From when on the run judges, Unix seconds: the deploy, unless the run says otherwise."""
        if self._since_at is not None:
            return self._since_at
        created_at = self.release.created_at
        if created_at is None:
            raise Inconclusive(f"the platform does not say when {self.name} was released")
        return created_at

    def label_of(self, machine: Machine) -> str:
        """Name a Machine as the tests do."""
        return f"{machine.group}-{machine.region}-{machine.id[:6]}"

    def __repr__(self) -> str:
        return f"<app {self.name}>"


def is_waiting(check: Check) -> bool:
    """Whether the platform has not come to a result of a check yet: it is a ``warning`` then."""
    return check.status == "warning"


def require_results(label: str, checks: Iterable[Check]) -> None:
    """Pass when a Machine's checks have come to results, or one of them to a bad one.

    Raises:
        Inconclusive: there is only to be waited for.
    """
    undecided = [check for check in checks if check.status != "passing"]
    if undecided and all(map(is_waiting, undecided)):
        names = ", ".join(check.name for check in undecided)
        what = f"Fly has no result of check {names} on {label}"
        raise Inconclusive(what, cause="platform checks")


def is_well(machine: Machine) -> bool:
    """Whether a Machine is started and all its checks pass."""
    return machine.state == "started" and all(c.status == "passing" for c in machine.checks)


@dataclass(frozen=True, repr=False)
class AppRelease:
    """The release that ought to be running, and what the Machines run."""

    app: FlyApp
    model: Release

    @property
    def version(self) -> int:
        """Its number, as in ``v42``."""
        return self.model.version

    @property
    def status(self) -> str:
        """What became of its deploy: pending, running, complete, failed, interrupted."""
        return self.model.status

    @property
    def is_complete(self) -> bool:
        """Whether its deploy ended well."""
        return self.status in {"complete", "succeeded"}

    def require_ended(self) -> None:
        """Pass when its deploy has ended; until then old and new Machines run side by side.

        Raises:
            Inconclusive: it has not, or the platform does not say.
        """
        if self.status in {"pending", "running"}:
            raise Inconclusive(f"v{self.version} is still being deployed", cause="still deploying")
        if not self.status:
            raise Inconclusive(f"the platform does not say how the deploy of v{self.version} ended")

    @property
    def image(self) -> str:
        """The image that it deploys."""
        return self.model.image_ref

    @property
    def created_at(self) -> float | None:
        """When its deploy began, Unix seconds."""
        return self.model.created_at.timestamp() if self.model.created_at else None

    @property
    def images(self) -> Spread:
        """The images that the app's Machines run now; the release's own by the release's name.

        Raises:
            Inconclusive: the platform does not say what is deployed, or what a Machine runs.
        """
        if not self.image:
            raise Inconclusive(f"the platform does not say which image v{self.version} deploys")
        unknown = [self.app.label_of(m) for m in self.app.live if not m.settings.image]
        if unknown:
            raise Inconclusive(f"the platform does not say which image {', '.join(unknown)} runs")
        return Spread((self.app.label_of(m), self._image_of(m)) for m in self.app.live)

    @property
    def digests(self) -> Spread:
        """The digests of the images that the app's Machines run now, where they are known."""
        known = (m for m in self.app.live if m.image_ref.digest)
        return Spread((self.app.label_of(m), m.image_ref.digest) for m in known)

    @property
    def versions(self) -> Spread:
        """The release numbers that the app's Machines were configured by, such as ``v42``."""
        return Spread((self.app.label_of(m), f"v{m.release_version}") for m in self.app.live)

    @property
    def revision(self) -> str:
        """The build revision on the image's label; empty when it carries none."""
        labels = (m.image_ref.labels or {} for m in self.app.live if self._runs(m))
        return next((found for found in map(_revision, labels) if found), "")

    def _runs(self, machine: Machine) -> bool:
        return same_image(machine.settings.image, self.image)

    def _image_of(self, machine: Machine) -> str:
        return self.image if self._runs(machine) else machine.settings.image

    def __repr__(self) -> str:
        return f"<release v{self.version} of {self.app.name}: {self.image}>"


def _revision(labels: Mapping[str, str]) -> str:
    return labels.get("org.opencontainers.image.revision") or labels.get("GH_SHA") or ""
