"""What the platform's API answers, as typed values.

Read leniently: unknown fields are ignored, missing ones have defaults, a state never seen
before is kept as text. Field names are the API's own.
"""

import datetime as dt
from typing import Any

import msgspec

from pytest_sre.fly.config import MachineConfig


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
