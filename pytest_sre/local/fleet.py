"""Everything the platform holds: images, apps, and what belongs to an app."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.files import CLOCKS, COMPILED, PIDS_FILE
from pytest_sre.local.images import Image
from pytest_sre.local.logbook import Logbook
from pytest_sre.local.machines.checks import CheckRunner
from pytest_sre.local.machines.clocks import Clocks
from pytest_sre.local.machines.disk_limits import DiskLimits
from pytest_sre.local.machines.execution import Surroundings
from pytest_sre.local.machines.forking import ForkServers
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.process import Ports
from pytest_sre.local.machines.records import Begun, Blueprint, MachineRecord
from pytest_sre.local.machines.state import State
from pytest_sre.local.metrics.meter import Meter
from pytest_sre.local.naming import numeric_id, ulid
from pytest_sre.local.network import Network
from pytest_sre.local.pids import PidFile
from pytest_sre.local.rate_limits import RateLimits
from pytest_sre.local.releases import Release
from pytest_sre.local.resources.addresses import Address, shared_address
from pytest_sre.local.resources.certificates import Hostname
from pytest_sre.local.resources.disks import Disks
from pytest_sre.local.resources.secrets import SecretBook
from pytest_sre.local.resources.volumes import Volume

DEFAULT_NETWORK = "default"
DEFAULT_REGION = "iad"
_KEPT_DESTROYED: Final = 100


@dataclass(frozen=True)
class Known:
    """What a proxy knew of a Machine at a time."""

    state: State
    cordoned: bool
    healthy: bool

    @classmethod
    def of(cls, record: MachineRecord) -> "Known":
        """What is to be known of a Machine now."""
        places = range(len(record.settings.services))
        return cls(record.state, record.cordoned, all(map(record.passes, places)))


@dataclass
class App:
    """An app, with all that belongs to it."""

    name: str
    organization: str
    around: Surroundings
    id: str = field(default_factory=lambda: ulid().lower())
    created_at: float = field(default_factory=time.time)
    url: str = ""
    machines: dict[str, Lifecycle] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    secrets: SecretBook = field(default_factory=SecretBook)
    hostnames: dict[str, Hostname] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)
    meter: Meter = field(default_factory=Meter)
    network: str = DEFAULT_NETWORK
    role: str = ""
    idempotency_key: str = ""
    ends: bool = False
    begun: list[Begun] = field(default_factory=list)
    _destroyed: deque[str] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.addresses.append(shared_address(self.created_at))

    @property
    def numeric_id(self) -> int:
        """The number that some of Fly's calls name it by."""
        return numeric_id(self.id)

    @property
    def logbook(self) -> Logbook:
        """Its log lines."""
        return self.around.logbook

    def present(self) -> list[MachineRecord]:
        """Its Machines that were not destroyed, oldest first."""
        records = (lifecycle.record for lifecycle in self.machines.values())
        return [record for record in records if record.state != "destroyed"]

    def edge_region(self) -> str:
        """Where requests come in: the region of its oldest Machine."""
        return next((record.region for record in self.present()), DEFAULT_REGION)

    def create_machine(
        self, blueprint: Blueprint, *, name: str, region: str, cordoned: bool, skip_launch: bool
    ) -> MachineRecord:
        """Create a Machine, and start it unless told otherwise.

        Raises:
            Refused: there is no host with room for it.
        """
        record = MachineRecord(
            self.name, name, region, blueprint, cordoned, faults=self.around.faults
        )
        lifecycle = Lifecycle(record, self.around)
        lifecycle.require_capacity()
        self.machines[record.id] = lifecycle
        lifecycle.launch(skip=skip_launch)
        return record

    def put_back(self, begun: Sequence[Begun]) -> list[MachineRecord]:
        """Have these Machines as they began, and no others; those that ran then are started.

        What the Machines until now ran has ended.

        Returns:
            Those that are started.
        """
        for gone in self.machines.values():
            gone.execution.clean_up()
        self.known.clear()
        self._destroyed.clear()
        self.machines = {
            each.id: Lifecycle(each.record(self.name, self.around.faults), self.around)
            for each in begun
        }
        for each in begun:
            self.machines[each.id].launch(skip=not each.runs)
        return [self.machines[each.id].record for each in begun if each.runs]

    def note_destroyed(self, record: MachineRecord) -> None:
        """Keep a destroyed Machine readable for a while: as one of the last 100."""
        self._destroyed.append(record.id)
        if len(self._destroyed) > _KEPT_DESTROYED:
            gone = self.machines.pop(self._destroyed.popleft(), None)
            if gone:
                self.meter.forget(gone.record.region, gone.record.id)

    def volume_holders(self) -> dict[str, str]:
        """The Machine that mounts each volume, by the volume's id."""
        return {
            mount.volume: record.id
            for record in self.present()
            for mount in record.settings.mounts
            if mount.volume
        }

    def view(self) -> dict[str, Any]:
        """As the API shows it."""
        present = self.present()
        return {
            "id": self.id,
            "name": self.name,
            "status": "deployed" if present else "pending",
            "machine_count": len(present),
            "volume_count": len(self.volumes),
            "network": self.network,
            "app_role": self.role,
            "cname_target": f"{self.numeric_id:x}.{self.name}.fly.dev",
            "organization": {
                "name": self.organization,
                "slug": self.organization,
                "internal_numeric_id": numeric_id(self.organization),
            },
            "internal_numeric_id": self.numeric_id,
        }


class Fleet:
    """All apps and images of the platform.

    Args:
        directory: the server's state directory.
        apps: where the apps are kept, by name.
        session: the HTTP client for health checks.
        proxy_url: the proxy that Machines are given.
    """

    def __init__(
        self,
        directory: Path,
        apps: dict[str, App],
        session: aiohttp.ClientSession,
        proxy_url: str,
    ) -> None:
        self.apps = apps
        self.images: dict[str, Image] = {}
        self.network = Network()
        self.faults = Faults()
        self.limits = RateLimits()
        self.disks = Disks(directory)
        self.disk_limits = DiskLimits(self.faults, self.lifecycles)
        self.clocks = Clocks(directory / CLOCKS)
        self.fork_servers = ForkServers(directory / COMPILED)
        self._directory = directory
        self._session = session
        self._proxy_url = proxy_url
        self._pids = PidFile(directory / PIDS_FILE)
        self._ports = Ports()

    def settle_faults(self) -> None:
        """Have disks and clocks be as the faults have them now."""
        self.disk_limits.settle()
        self.clocks.settle()

    @property
    def pids(self) -> PidFile:
        """The file of processes that must not outlive the server."""
        return self._pids

    def create_app(
        self,
        name: str,
        organization: str,
        *,
        network: str = DEFAULT_NETWORK,
        role: str = "",
        idempotency_key: str = "",
    ) -> App:
        """Create an app that has nothing yet.

        Args:
            name: no other app has it.
            organization: the slug of who owns it.
            network: the private network that its Machines are in.
            role: what it is for, in the platform's words.
            idempotency_key: by which a repeated call is known.
        """
        logbook = Logbook(name, self.faults)
        around = Surroundings(
            self._directory,
            logbook,
            self._proxy_url,
            self._pids,
            self._ports,
            CheckRunner(self._session, logbook),
            partial(self._edge_region, name),
            partial(self._note_destroyed, name),
            self.faults,
            self.fork_servers,
            self.clocks,
        )
        app = App(
            name,
            organization,
            around,
            network=network,
            role=role,
            idempotency_key=idempotency_key,
        )
        logbook.write(f"App {name} was created", provider="runner")
        self.apps[name] = app
        return app

    def _edge_region(self, name: str) -> str:
        return self.apps[name].edge_region()

    def organizations(self) -> list[str]:
        """The slugs of all organizations: the personal one, and those that own an app."""
        owners = {app.organization for app in self.apps.values()}
        return [PERSONAL, *sorted(owners - {PERSONAL})]

    def _note_destroyed(self, name: str, record: MachineRecord) -> None:
        if name in self.apps:
            self.apps[name].note_destroyed(record)

    def delete_app(self, app: App) -> None:
        """Forget an app that has ended, with its volumes and their content."""
        for volume in [*app.volumes.values()]:
            self.delete_volume(app, volume)
        del self.apps[app.name]

    def delete_volume(self, app: App, volume: Volume) -> None:
        """Delete a volume with its snapshots, and what is on it."""
        del app.volumes[volume.id]
        self.disks.remove(volume.id)
        for snapshot in volume.snapshots:
            self.disks.forget(snapshot.id)

    def find_image(self, ref: str) -> Image | None:
        """The image of that name, with or without a digest at its end."""
        return self.images.get(ref) or self.images.get(ref.partition("@")[0])

    def lifecycles(self) -> list[Lifecycle]:
        """All Machines of all apps."""
        return [each for app in self.apps.values() for each in app.machines.values()]
