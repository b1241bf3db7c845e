"""What the platform's API answers, as typed values.

Read leniently: unknown fields are ignored, missing ones have defaults, a state never seen
before is kept as text. Field names are the API's own.
"""

import datetime as dt
from typing import Any

import msgspec


class ImageRef(msgspec.Struct, frozen=True):
    """The image a Machine runs."""

    registry: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    labels: dict[str, str] | None = None


class Check(msgspec.Struct, frozen=True):
    """The last result of one health check on one Machine: passing, warning or critical."""

    name: str = ""
    status: str = ""
    output: str = ""
    updated_at: dt.datetime | None = None


class ExitEvent(msgspec.Struct, frozen=True):
    """How the Machine's main process ended."""

    exit_code: int = 0
    guest_exit_code: int = 0
    guest_signal: int = 0
    signal: int = 0
    oom_killed: bool = False
    requested_stop: bool = False
    restarting: bool = False
    exited_at: dt.datetime | None = None


class EventRequest(msgspec.Struct, frozen=True):
    """The details of an event."""

    exit_event: ExitEvent | None = None
    restart_count: int = 0


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a Machine; ``timestamp`` is in Unix milliseconds."""

    id: str = ""
    type: str = ""
    status: str = ""
    source: str = ""
    timestamp: int = 0
    request: EventRequest | None = None

    @property
    def at(self) -> float:
        """When it happened, Unix seconds."""
        return self.timestamp / 1000

    @property
    def is_unasked_exit(self) -> bool:
        """Whether the Machine's process ended without having been told to."""
        ended = self.request.exit_event if self.request else None
        return self.type == "exit" and not (ended and ended.requested_stop)


class Guest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The size of a Machine."""

    cpu_kind: str = "shared"
    cpus: int = 1
    memory_mb: int = 256


class MachineInit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a Machine executes instead of its image's own command."""

    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    exec: list[str] | None = None


class Restart(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a Machine whose process ended is started again: no, always or on-failure."""

    policy: str = "on-failure"
    max_retries: int = 10


class StopConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a Machine is asked to stop, and how long it may take (a Go duration)."""

    signal: str | None = None
    timeout: str | None = None


class Header(msgspec.Struct, frozen=True):
    """A header that a health check sends."""

    name: str
    values: list[str]


class CheckConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A health check to be made; durations are Go durations such as ``15s``."""

    type: str = "tcp"
    port: int | None = None
    interval: str | None = None
    timeout: str | None = None
    grace_period: str | None = None
    method: str | None = None
    path: str | None = None
    protocol: str | None = None
    tls_skip_verify: bool | None = None
    tls_server_name: str | None = None
    headers: list[Header] | None = None


class Port(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public port of a service."""

    port: int | None = None
    handlers: list[str] | None = None
    force_https: bool = False


class Concurrency(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much a Machine takes at once: connections or requests."""

    type: str = "connections"
    soft_limit: int | None = None
    hard_limit: int | None = None


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """A port that the proxy routes to. ``autostop`` is false, true or ``"suspend"``."""

    protocol: str = "tcp"
    internal_port: int = 8080
    ports: list[Port] = msgspec.field(default_factory=list)
    checks: list[CheckConfig] = msgspec.field(default_factory=list)
    concurrency: Concurrency | None = None
    autostop: bool | str | None = None
    autostart: bool | None = None
    min_machines_running: int | None = None


class Mount(msgspec.Struct, frozen=True, omit_defaults=True):
    """A volume in a Machine."""

    path: str
    volume: str | None = None
    name: str | None = None
    size_gb: int | None = None


class MachineConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a Machine is made from. An update replaces all of it."""

    image: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    init: MachineInit | None = None
    guest: Guest | None = None
    services: list[Service] = msgspec.field(default_factory=list)
    checks: dict[str, CheckConfig] = msgspec.field(default_factory=dict)
    mounts: list[Mount] = msgspec.field(default_factory=list)
    restart: Restart | None = None
    stop_config: StopConfig | None = None
    standbys: list[str] = msgspec.field(default_factory=list)
    schedule: str | None = None
    auto_destroy: bool = False

    @property
    def may_sleep(self) -> bool:
        """Whether the platform may keep its Machine stopped: for want of traffic, or in reserve."""
        return bool(self.standbys) or any(service.autostop for service in self.services)


class MachineLease(msgspec.Struct, frozen=True):
    """Who may change a Machine for a while; ``expires_at`` is in Unix seconds."""

    nonce: str = ""
    owner: str = ""
    description: str = ""
    expires_at: int = 0
    version: str = ""


class Machine(msgspec.Struct, frozen=True):
    """One Machine of an app."""

    id: str
    name: str = ""
    state: str = "unknown"
    region: str = ""
    instance_id: str = ""
    private_ip: str = ""
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    image_ref: ImageRef = ImageRef()
    config: MachineConfig | None = None
    incomplete_config: MachineConfig | None = None
    events: list[Event] = msgspec.field(default_factory=list)
    checks: list[Check] = msgspec.field(default_factory=list)
    cordoned: bool = False
    host_status: str = "ok"
    nonce: str = ""
    lease: MachineLease | None = None

    @property
    def settings(self) -> MachineConfig:
        """Its configuration, as far as the platform knows it."""
        return self.config or self.incomplete_config or MachineConfig()

    @property
    def group(self) -> str:
        """Its process group."""
        metadata = self.settings.metadata
        return metadata.get("fly_process_group") or metadata.get("process_group") or "app"

    @property
    def release_version(self) -> int:
        """The number of the release that configured it; 0 when it was made by hand."""
        text = self.settings.metadata.get("fly_release_version", "")
        return int(text) if text.isdecimal() else 0


class Organization(msgspec.Struct, frozen=True):
    """Who an app belongs to."""

    slug: str = ""
    name: str = ""


class App(msgspec.Struct, frozen=True):
    """An app: the name under which Machines are deployed."""

    name: str
    id: str = ""
    status: str = ""
    machine_count: int = 0
    organization: Organization = Organization()


class Release(msgspec.Struct, frozen=True):
    """One release of an app. Status: pending, running, complete, failed, interrupted."""

    id: str = ""
    version: int = 0
    status: str = ""
    image_ref: str = ""
    stable: bool = False
    in_progress: bool = False
    strategy: str = ""
    created_at: dt.datetime | None = None


class Volume(msgspec.Struct, frozen=True):
    """A disk of an app."""

    id: str
    name: str = ""
    state: str = ""
    size_gb: int = 0
    region: str = ""
    encrypted: bool = False
    attached_machine_id: str | None = None
    created_at: dt.datetime | None = None


class Secret(msgspec.Struct, frozen=True):
    """A secret by name and digest; its value is never read."""

    name: str
    digest: str = ""
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class Certificate(msgspec.Struct, frozen=True):
    """A certificate of one of the app's hostnames."""

    hostname: str = ""
    status: str = ""
    configured: bool = False
    dns_provider: str = ""
    certificates: list[dict[str, Any]] = msgspec.field(default_factory=list)


class IpAssignment(msgspec.Struct, frozen=True):
    """An address of an app."""

    ip: str = ""
    type: str = ""
    region: str = ""
    shared: bool = False
    created_at: dt.datetime | None = None


class ExecResult(msgspec.Struct, frozen=True):
    """What a command run inside a Machine left behind."""

    exit_code: int | None = None
    exit_signal: int | None = None
    stdout: str = ""
    stderr: str = ""


class LogEntry(msgspec.Struct, frozen=True):
    """One line from the logs API."""

    at: float
    message: str
    level: str = ""
    machine: str = ""
    region: str = ""
    provider: str = ""
    error_code: int | None = None
