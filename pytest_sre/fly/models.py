"""What the platform's API answers, as typed values.

Read leniently: unknown fields are ignored, missing ones have defaults, a state never seen
before is kept as text. Field names are the API's own.
"""

import datetime as dt
from typing import Final

import msgspec

from pytest_sre.fly.config import MachineConfig

_AT_REST: Final = frozenset({"created", "stopped", "suspended", "failed"})
_GONE: Final = frozenset({"destroying", "destroyed"})


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


class MonitorEvent(msgspec.Struct, frozen=True):
    """The older form of an event's details."""

    exit_event: ExitEvent | None = None


class EventRequest(msgspec.Struct, frozen=True):
    """The details of an event."""

    exit_event: ExitEvent | None = None
    restart_count: int = 0
    monitor_event: MonitorEvent | None = msgspec.field(default=None, name="MonitorEvent")


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
    def ended(self) -> ExitEvent | None:
        """How the Machine's process ended, where the event says so in whichever form."""
        request = self.request or EventRequest()
        older = request.monitor_event
        return request.exit_event or (older.exit_event if older else None)

    @property
    def is_unasked_exit(self) -> bool:
        """Whether the Machine's process ended without having been told to."""
        return self.type == "exit" and not (self.ended and self.ended.requested_stop)


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
    def is_at_rest(self) -> bool:
        """Whether no process of it runs, and it is not on its way to another state."""
        return self.state in _AT_REST

    @property
    def is_gone(self) -> bool:
        """Whether it is destroyed, or about to be; such are still listed for a while."""
        return self.state in _GONE

    @property
    def is_reachable(self) -> bool:
        """Whether its host answers the platform."""
        return self.host_status == "ok"

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
    """A disk of an app. ``snapshot_retention`` is in days."""

    id: str
    name: str = ""
    state: str = ""
    size_gb: int = 0
    region: str = ""
    zone: str = ""
    encrypted: bool = False
    fstype: str = ""
    attached_machine_id: str | None = None
    bytes_used: int = 0
    bytes_total: int = 0
    snapshot_retention: int = 0
    auto_backup_enabled: bool = False
    host_status: str = ""
    created_at: dt.datetime | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """A copy of a volume; ``size`` is what it takes, ``volume_size`` what it holds, in bytes."""

    id: str
    status: str = ""
    digest: str = ""
    size: int = 0
    volume_size: int = 0
    retention_days: int | None = None
    created_at: dt.datetime | None = None


class Secret(msgspec.Struct, frozen=True):
    """A secret by name and digest; its value is never read."""

    name: str
    digest: str = ""
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None


class IssuedCertificate(msgspec.Struct, frozen=True):
    """One certificate as it was issued: of type rsa or ecdsa."""

    type: str = ""
    expires_at: dt.datetime | None = None
    certificate_authority: str = ""


class CertificateEntry(msgspec.Struct, frozen=True):
    """What serves a hostname: the platform's own certificates, or one that was brought along."""

    source: str = ""
    status: str = ""
    issuer: str = ""
    created_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    issued: list[IssuedCertificate] = msgspec.field(default_factory=list)


class Certificate(msgspec.Struct, frozen=True):
    """The certificates of one of the app's hostnames."""

    hostname: str
    status: str = ""
    configured: bool = False
    acme_requested: bool = False
    dns_provider: str = ""
    certificates: list[CertificateEntry] = msgspec.field(default_factory=list)

    @property
    def expires_at(self) -> dt.datetime | None:
        """When the first of them expires; None when the platform does not say."""
        entries = self.certificates
        times = [entry.expires_at for entry in entries]
        times += [issued.expires_at for entry in entries for issued in entry.issued]
        return min((time for time in times if time), default=None)


class IpAssignment(msgspec.Struct, frozen=True):
    """An address of an app; ``shared`` with other apps, or ``egress`` for what goes out."""

    ip: str
    region: str = ""
    service_name: str = ""
    shared: bool = False
    egress: bool = False
    created_at: dt.datetime | None = None


class Region(msgspec.Struct, frozen=True):
    """A place where Machines can be; the coordinates are in degrees."""

    code: str
    name: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    deprecated: bool = False
    gateway_available: bool = False
    requires_paid_plan: bool = False
    capacity: int = 0
    geo_region: str = ""


class TokenInfo(msgspec.Struct, frozen=True):
    """What one token may be used for: these apps of an organization, or all of them."""

    token_id: str = ""
    organization: str = ""
    org_slug: str = ""
    apps: list[str] = msgspec.field(default_factory=list)
    user: str = ""


class MachineVersion(msgspec.Struct, frozen=True):
    """What one version of a Machine was made from."""

    version: str
    user_config: MachineConfig | None = None


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
