"""What the platform remembers of a Machine, and how its API shows it."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from pytest_sre.fly.config import MachineConfig
from pytest_sre.local.faults.kinds import HostUnreachable
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.faults.scopes import Site
from pytest_sre.local.images import Image, split_ref
from pytest_sre.local.machines.check_plans import CheckPlan, CheckResult, planned_checks
from pytest_sre.local.machines.guest_files import GuestFile, planned_files
from pytest_sre.local.machines.guests import completed_guest
from pytest_sre.local.machines.restarts import Exit
from pytest_sre.local.machines.signals import signal_number
from pytest_sre.local.machines.state import State, is_next
from pytest_sre.local.naming import machine_id, private_ip, rfc3339, ulid
from pytest_sre.local.scripts import Reply

_RUNNING: Final[frozenset[State]] = frozenset({"starting", "started", "restarting", "replacing"})
_KEPT_EVENTS = 100
_KEPT_VERSIONS = 50


@dataclass(frozen=True)
class Lease:
    """Who may change a Machine until when; ``expires_at`` in Unix seconds."""

    nonce: str
    owner: str
    description: str
    expires_at: int
    version: str

    def view(self) -> dict[str, Any]:
        """As the API shows it, nonce included."""
        return {
            "nonce": self.nonce,
            "owner": self.owner,
            "description": self.description,
            "expires_at": self.expires_at,
            "version": self.version,
        }


@dataclass(frozen=True)
class Blueprint:
    """What one version of a Machine is made from.

    Args:
        config: as it was sent, with the guest filled in.
        settings: the same, read.
        image: the image, as it was registered then.
        secrets: the app's secrets, as they were set then.
        plans: the checks that the configuration declares.
        files: the files that it puts into the Machine.
    """

    config: dict[str, Any]
    settings: MachineConfig
    image: Image
    secrets: dict[str, str]
    plans: tuple[CheckPlan, ...]
    files: tuple[GuestFile, ...]

    @classmethod
    def read(cls, config: dict[str, Any], image: Image, secrets: dict[str, str]) -> "Blueprint":
        """Read a configuration.

        Raises:
            ValueError: it has a field of a wrong type (``msgspec.ValidationError``), a
                duration or file that cannot be read, or what is not run here.
        """
        config = {**config, "guest": completed_guest(config.get("guest"))}
        settings = msgspec.convert(config, MachineConfig)
        if settings.containers or settings.processes:
            raise ValueError(
                "config.containers and config.processes: a local Machine runs one process"
            )
        if settings.stop_config:
            signal_number(settings.stop_config.signal or "SIGINT")
            settings.stop_config.timeout_s  # noqa: B018 - refuses what is no duration
        checks, files = planned_checks(settings), planned_files(settings, secrets)
        return cls(config, settings, image, secrets, checks, files)


class Responder(Protocol):
    """What answers requests for a Machine that has no process to listen."""

    async def respond(self, method: str, path: str) -> Reply:
        """Answer a request, after the time that the answer takes.

        Args:
            method: in upper case.
            path: without the query.

        Raises:
            ConnectionRefusedError: it does not listen.
            ConnectionResetError: it ended before the answer was complete.
        """


@dataclass
class MachineRecord:
    """One Machine's record. All changes of state go through ``become``."""

    app: str
    name: str
    region: str
    blueprint: Blueprint
    cordoned: bool = False
    id: str = field(default_factory=machine_id)
    private_ip: str = field(default_factory=private_ip)
    state: State = "created"
    instance_id: str = field(default_factory=ulid)
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    events: list[dict[str, Any]] = field(default_factory=list)
    checks: dict[str, CheckResult] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)
    memory_limit_mb: int | None = None
    lease: Lease | None = None
    responder: Responder | None = None
    load: int = 0
    turn: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    faults: Faults = field(default_factory=Faults)

    @property
    def settings(self) -> MachineConfig:
        """The configuration of its current version."""
        return self.blueprint.settings

    @property
    def group(self) -> str:
        """Its process group."""
        metadata = self.settings.metadata
        env = self.settings.env
        return (
            metadata.get("fly_process_group")
            or metadata.get("process_group")
            or env.get("FLY_PROCESS_GROUP")
            or "app"
        )

    @property
    def memory_mb(self) -> int:
        """How much memory it may use: what it has, unless it was limited to less."""
        return min(self._guest_mb, self.memory_limit_mb or self._guest_mb)

    @property
    def _guest_mb(self) -> int:
        guest = self.settings.guest
        return guest.memory_mb if guest else 256

    def limit_memory(self, limit_mb: int) -> None:
        """Let it use less memory than it has, until its next version.

        Raises:
            ValueError: that is not some of what it has.
        """
        if not 1 <= limit_mb <= self._guest_mb:
            raise ValueError(f"invalid limit_mb {limit_mb}: expected 1 to {self._guest_mb}")
        self.memory_limit_mb = limit_mb

    @property
    def site(self) -> Site:
        """Where it is, for the faults that concern it."""
        return Site(self.app, self.id, self.region, self.group)

    @property
    def is_reachable(self) -> bool:
        """Whether its host answers."""
        return self.faults.find(HostUnreachable, self.site) is None

    def passes(self, service: int) -> bool:
        """Whether all checks of a service, and of readiness, pass; one without a result doesn't."""
        return all(
            self.checks[plan.name].status == "passing"
            for plan in self.blueprint.plans
            if plan.service == service or plan.is_readiness
        )

    def become(self, state: State) -> None:
        """Change the state.

        Raises:
            RuntimeError: no Machine goes from its state straight to that one.
        """
        if not is_next(self.state, state):
            raise RuntimeError(f"Machine {self.id}: impossible change: {self.state} -> {state}")
        self.state = state
        self.touch()

    def touch(self) -> None:
        """Something about it was changed."""
        self.updated_at = time.time()
        self.wake()

    def wake(self) -> None:
        """Tell those who wait to look again."""
        self.changed.set()
        self.changed = asyncio.Event()

    def renew(self, blueprint: Blueprint) -> None:
        """Give it a new version."""
        self.versions.append({"version": self.instance_id, "user_config": self.blueprint.config})
        del self.versions[:-_KEPT_VERSIONS]
        self.blueprint = blueprint
        self.memory_limit_mb = None
        self.instance_id = ulid()
        self.touch()

    def fall_back(self, former: "Blueprint", instance_id: str) -> None:
        """Take back the version it had before the newest."""
        del self.versions[-1]
        self.blueprint, self.instance_id = former, instance_id
        self.touch()

    def set_metadata(self, metadata: dict[str, str]) -> None:
        """Change the metadata; the version stays."""
        config = {**self.blueprint.config, "metadata": metadata}
        self.blueprint = Blueprint.read(config, self.blueprint.image, self.blueprint.secrets)
        self.touch()

    def add_event(
        self, kind: str, status: str, *, source: str = "flyd", request: dict[str, Any] | None = None
    ) -> None:
        """Remember that something happened."""
        now = time.time()
        event: dict[str, Any] = {
            "id": ulid(now),
            "type": kind,
            "status": status,
            "source": source,
            "timestamp": int(now * 1000),
        }
        if request is not None:
            event["request"] = request
        self.events.insert(0, event)
        del self.events[_KEPT_EVENTS:]

    def add_exit(self, ended: Exit, *, requested: bool, restarting: bool, restarts: int) -> None:
        """Remember that the process ended, and how."""
        self.add_event(
            "exit",
            "stopped",
            request={
                "exit_event": {
                    "exit_code": ended.exit_code,
                    "guest_exit_code": ended.exit_code,
                    "guest_signal": ended.signal,
                    "signal": ended.signal,
                    "oom_killed": ended.oom_killed,
                    "requested_stop": requested,
                    "restarting": restarting,
                    "exited_at": rfc3339(ended.at),
                },
                "restart_count": restarts,
            },
        )

    def current_lease(self) -> Lease | None:
        """The lease, unless it expired."""
        if self.lease and self.lease.expires_at <= time.time():
            self.lease = None
        return self.lease

    def view(self, *, summary: bool = False, with_lease: bool = False) -> dict[str, Any]:
        """As the API shows it.

        Args:
            summary: leave out config, events, checks and host status.
            with_lease: show who holds its lease.
        """
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "region": self.region,
            "instance_id": self.instance_id,
            "version": self.instance_id,
            "private_ip": self.private_ip,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "image_ref": _image_ref(self.blueprint.image),
            "cordoned": self.cordoned,
        }
        if not summary:
            shown["config"] = self.blueprint.config
            shown["events"] = self.events
            shown["checks"] = [check.view() for check in self.checks.values()]
            shown["host_status"] = "ok" if self.is_reachable else "unreachable"
            if not self.is_reachable:
                shown["incomplete_config"] = shown.pop("config")
        lease = self.current_lease() if with_lease else None
        if lease:
            shown["lease"] = {k: v for k, v in lease.view().items() if k != "nonce"}
        return shown


@dataclass(frozen=True)
class Begun:
    """How a Machine began, to have it so again.

    Attributes:
        runs: it is to run, not stopped.
    """

    id: str
    name: str
    region: str
    private_ip: str
    instance_id: str
    blueprint: Blueprint
    cordoned: bool
    runs: bool

    @classmethod
    def of(cls, record: MachineRecord) -> "Begun":
        """How a Machine is now."""
        return cls(
            record.id,
            record.name,
            record.region,
            record.private_ip,
            record.instance_id,
            record.blueprint,
            record.cordoned,
            record.state in _RUNNING,
        )

    def record(self, app: str, faults: Faults) -> MachineRecord:
        """Make the Machine's record anew: nothing that happened since is in it."""
        return MachineRecord(
            app,
            self.name,
            self.region,
            self.blueprint,
            self.cordoned,
            self.id,
            self.private_ip,
            instance_id=self.instance_id,
            faults=faults,
        )


def _image_ref(image: Image) -> dict[str, Any]:
    registry, repository, tag = split_ref(image.ref)
    return {
        "registry": registry,
        "repository": repository,
        "tag": tag,
        "digest": image.digest,
        "labels": image.labels,
    }
