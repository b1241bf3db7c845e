"""What a Machine is made from, as the platform's API writes it, in typed values.

Read leniently: an enumeration's new value stays text, a duration may be Go's text or a number of
nanoseconds. What has no field here is not lost by an update: see ``config_documents``. Field
names are the API's own. None and empty mean "not stated".

Source: fly-go's ``machine_types.go`` and the OpenAPI description of the Machines API.
"""

from typing import Any

import msgspec

from pytest_sre.targets.durations import parse_duration_s

GoDuration = str | int
"""A duration as Go's text, such as ``1m30s``, or as a whole number of nanoseconds."""

_NANOSECONDS = 1_000_000_000


def _seconds(duration: GoDuration | None) -> float | None:
    if duration is None or duration == "":
        return None
    if isinstance(duration, int):
        return duration / _NANOSECONDS
    return parse_duration_s(duration)


class Guest(msgspec.Struct, frozen=True):
    """The size of a Machine."""

    cpu_kind: str = "shared"
    cpus: int = 1
    memory_mb: int = 256
    max_memory_mb: int | None = None
    gpus: int | None = None
    gpu_kind: str = ""
    host_dedication_id: str = ""
    persist_rootfs: str | int = ""
    kernel_args: list[str] = msgspec.field(default_factory=list)


class MachineInit(msgspec.Struct, frozen=True):
    """What a Machine executes instead of its image's own command."""

    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    exec: list[str] | None = None
    tty: bool = False
    swap_size_mb: int | None = None
    kernel_args: list[str] = msgspec.field(default_factory=list)


class Restart(msgspec.Struct, frozen=True):
    """When a Machine whose process ended is started again: no, always or on-failure."""

    policy: str = "on-failure"
    max_retries: int = 10
    gpu_bid_price: float | None = None


class StopConfig(msgspec.Struct, frozen=True):
    """How a Machine is asked to stop, and how long it may take."""

    signal: str | None = None
    timeout: GoDuration | None = None

    @property
    def timeout_s(self) -> float | None:
        """How long it may take, seconds; None when it is not stated.

        Raises:
            ValueError: what is stated is not a duration.
        """
        return _seconds(self.timeout)


class Header(msgspec.Struct, frozen=True):
    """A header that a health check sends."""

    name: str = ""
    values: list[str] = msgspec.field(default_factory=list)


class CheckConfig(msgspec.Struct, frozen=True):
    """A health check to be made, of a service or one of the Machine's own, which have a kind."""

    type: str = "tcp"
    port: int | None = None
    kind: str = ""
    interval: GoDuration | None = None
    timeout: GoDuration | None = None
    grace_period: GoDuration | None = None
    method: str | None = None
    path: str | None = None
    protocol: str | None = None
    tls_skip_verify: bool | None = None
    tls_server_name: str | None = None
    headers: list[Header] | None = None

    @property
    def interval_s(self) -> float | None:
        """Between two checks, seconds; ``ValueError`` when it is not a duration."""
        return _seconds(self.interval)

    @property
    def timeout_s(self) -> float | None:
        """For one check, seconds; ``ValueError`` when it is not a duration."""
        return _seconds(self.timeout)

    @property
    def grace_period_s(self) -> float | None:
        """After the start, seconds; ``ValueError`` when it is not a duration."""
        return _seconds(self.grace_period)


class TlsOptions(msgspec.Struct, frozen=True):
    """How the proxy speaks TLS on a port."""

    alpn: list[str] = msgspec.field(default_factory=list)
    versions: list[str] = msgspec.field(default_factory=list)
    default_self_signed: bool | None = None


class ReplayCache(msgspec.Struct, frozen=True):
    """Which replayed requests the proxy remembers the Machine of."""

    path_prefix: str = ""
    ttl_seconds: int | None = None
    type: str = ""
    name: str = ""
    allow_bypass: bool = False


class HttpResponseOptions(msgspec.Struct, frozen=True):
    """What the proxy does to responses; a header's value is text, a list of it, or false."""

    headers: dict[str, Any] = msgspec.field(default_factory=dict)
    pristine: bool | None = None


class HttpOptions(msgspec.Struct, frozen=True):
    """How the proxy speaks HTTP on a port; the timeouts are in seconds."""

    compress: bool | None = None
    response: HttpResponseOptions | None = None
    h2_backend: bool | None = None
    idle_timeout: int | None = None
    headers_read_timeout: int | None = None
    replay_cache: list[ReplayCache] = msgspec.field(default_factory=list)


class ProxyProtoOptions(msgspec.Struct, frozen=True):
    """How the proxy says who connects: the PROXY protocol's version."""

    version: str = ""
    fly_src: bool | None = None


class Port(msgspec.Struct, frozen=True):
    """A public port of a service, or a range of them."""

    port: int | None = None
    handlers: list[str] | None = None
    force_https: bool = False
    start_port: int | None = None
    end_port: int | None = None
    tls_options: TlsOptions | None = None
    http_options: HttpOptions | None = None
    proxy_proto_options: ProxyProtoOptions | None = None


class Concurrency(msgspec.Struct, frozen=True):
    """How much a Machine takes at once: connections or requests."""

    type: str = "connections"
    soft_limit: int | None = None
    hard_limit: int | None = None


class Service(msgspec.Struct, frozen=True):
    """A port that the proxy routes to.

    ``autostop`` is false or ``"off"``, true or ``"stop"``, or ``"suspend"``.
    """

    protocol: str = "tcp"
    internal_port: int = 8080
    ports: list[Port] = msgspec.field(default_factory=list)
    checks: list[CheckConfig] = msgspec.field(default_factory=list)
    concurrency: Concurrency | None = None
    autostop: bool | str | None = None
    autostart: bool | None = None
    min_machines_running: int | None = None
    force_instance_key: str | None = None
    force_instance_description: str | None = None

    @property
    def may_sleep(self) -> bool:
        """Whether the proxy may stop its Machines for want of traffic."""
        return self.autostop not in (None, False, "", "off")


class Mount(msgspec.Struct, frozen=True):
    """A volume in a Machine."""

    path: str = ""
    volume: str | None = None
    name: str | None = None
    size_gb: int | None = None
    encrypted: bool | None = None
    extend_threshold_percent: int | None = None
    add_size_gb: int | None = None
    add_size_percent: int | None = None
    min_add_size_gb: int | None = None
    size_gb_limit: int | None = None


class Static(msgspec.Struct, frozen=True):
    """A folder of a Machine, or a bucket, that the proxy serves by itself."""

    guest_path: str = ""
    url_prefix: str = ""
    tigris_bucket: str = ""
    index_document: str = ""


class File(msgspec.Struct, frozen=True):
    """A file written into a Machine: base64 text, a secret that holds such, or an image's config.

    ``mode`` has the bits of chmod(2).
    """

    guest_path: str = ""
    raw_value: str | None = None
    secret_name: str | None = None
    image_config: str | None = None
    mode: int | None = None


class Metrics(msgspec.Struct, frozen=True):
    """Where a Machine's own metrics are scraped."""

    port: int | None = None
    path: str = ""
    https: bool = False


class DnsOption(msgspec.Struct, frozen=True):
    """An option of a Machine's resolver."""

    name: str = ""
    value: str = ""


class DnsForwardRule(msgspec.Struct, frozen=True):
    """Which server answers for the names below a base name."""

    basename: str = ""
    addr: str = ""


class Dns(msgspec.Struct, frozen=True):
    """A Machine's names, and how it looks up those of others."""

    skip_registration: bool = False
    nameservers: list[str] = msgspec.field(default_factory=list)
    searches: list[str] = msgspec.field(default_factory=list)
    options: list[DnsOption] = msgspec.field(default_factory=list)
    dns_forward_rules: list[DnsForwardRule] = msgspec.field(default_factory=list)
    hostname: str = ""
    hostname_fqdn: str = ""


class SecretVariable(msgspec.Struct, frozen=True):
    """An environment variable that a secret sets; of the same name when none is stated."""

    env_var: str = ""
    name: str = ""


class FieldVariable(msgspec.Struct, frozen=True):
    """An environment variable that a field of the Machine sets, such as its id or region."""

    env_var: str = ""
    field_ref: str = ""


class Process(msgspec.Struct, frozen=True):
    """One of several processes of a Machine."""

    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    secrets: list[SecretVariable] = msgspec.field(default_factory=list)
    ignore_app_secrets: bool = False
    env_from: list[FieldVariable] = msgspec.field(default_factory=list)


class ContainerDependency(msgspec.Struct, frozen=True):
    """What another container must have reached before this one starts."""

    name: str = ""
    condition: str = ""


class ContainerMount(msgspec.Struct, frozen=True):
    """One of the Machine's ``volumes`` in a container."""

    name: str = ""
    path: str = ""


class Container(msgspec.Struct, frozen=True):
    """One of several containers of a Machine; its health checks are kept as they are written."""

    name: str = ""
    image: str = ""
    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str = ""
    env: dict[str, str] = msgspec.field(default_factory=dict)
    secrets: list[SecretVariable] = msgspec.field(default_factory=list)
    env_from: list[FieldVariable] = msgspec.field(default_factory=list)
    files: list[File] = msgspec.field(default_factory=list)
    restart: Restart | None = None
    stop: StopConfig | None = None
    depends_on: list[ContainerDependency] = msgspec.field(default_factory=list)
    healthchecks: list[dict[str, Any]] = msgspec.field(default_factory=list)
    mounts: list[ContainerMount] = msgspec.field(default_factory=list)


class TemporaryFolder(msgspec.Struct, frozen=True):
    """Scratch space of a Machine, on disk or in memory."""

    storage_type: str = ""
    size_mb: int | None = None


class ContainerVolume(msgspec.Struct, frozen=True):
    """What containers can mount by its name: scratch space or an image."""

    name: str = ""
    temp_dir: TemporaryFolder | None = None
    image: str = ""


class Rootfs(msgspec.Struct, frozen=True):
    """A Machine's root file system: whether it outlives a stop, and its size."""

    persist: str | int = ""
    size_gb: int | None = None


class CacheDrive(msgspec.Struct, frozen=True):
    """A disk for data that may be lost."""

    size_mb: int | None = None


class Spot(msgspec.Struct, frozen=True):
    """What share of its full price a Machine is run for at most."""

    max_price_fraction: float | None = None


class MachineConfig(msgspec.Struct, frozen=True):
    """What a Machine is made from."""

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
    files: list[File] = msgspec.field(default_factory=list)
    statics: list[Static] = msgspec.field(default_factory=list)
    metrics: Metrics | None = None
    dns: Dns | None = None
    processes: list[Process] = msgspec.field(default_factory=list)
    containers: list[Container] = msgspec.field(default_factory=list)
    volumes: list[ContainerVolume] = msgspec.field(default_factory=list)
    rootfs: Rootfs | None = None
    cache_drive: CacheDrive | None = None
    spot: Spot | None = None
    size: str = ""
    disable_machine_autostart: bool | None = None

    @property
    def may_sleep(self) -> bool:
        """Whether the platform may keep its Machine stopped: for want of traffic, or in reserve."""
        return bool(self.standbys) or any(service.may_sleep for service in self.services)
