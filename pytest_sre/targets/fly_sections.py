"""The sections of a fly.toml as values, each declared with the keys it is read from.

What is not stated is None, never a default of the platform's: the two differ when a Machine is
compared with its fly.toml. ``groups`` are the process groups a section names; empty when it
names none.
"""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pytest_sre.targets.fly_values import (
    as_text,
    duration_in,
    number,
    pairs,
    size_in,
    stated,
    strings,
    vm_size,
)
from pytest_sre.targets.reading import (
    Place,
    boolean,
    key,
    list_of,
    one_of,
    table,
    text,
)

CheckType = Literal["tcp", "http"]
RestartPolicy = Literal["always", "never", "on-failure"]

_CHECK_TYPES: tuple[CheckType, ...] = ("tcp", "http")
_POLICIES: tuple[RestartPolicy, ...] = ("always", "never", "on-failure")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

port_number = number(0, 65_535)
count = number(0, 2**31 - 1)
group_names = list_of(text)
_milliseconds = duration_in(0.001)


def _share_or_count(value: object, place: Place) -> float:
    """Read a share of the Machines, above 0 and below 1, or a count of them from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**31:
        raise place.wrong(value, "a share such as 0.33, or a count from 1 on")
    return float(value)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A health check of a service, or one of ``[checks]``, which have a name.

    A service's check has no port of its own: it goes to the service's.
    """

    name: str | None = key("name", stated, None)
    type: CheckType | None = key("type", one_of(_CHECK_TYPES), None)
    port: int | None = key("port", port_number, None)
    interval_s: float | None = key("interval", _milliseconds, None)
    timeout_s: float | None = key("timeout", _milliseconds, None)
    grace_period_s: float | None = key("grace_period", _milliseconds, None)
    method: str | None = key("method", stated, None)
    path: str | None = key("path", stated, None)
    protocol: str | None = key("protocol", stated, None)
    tls_skip_verify: bool | None = key("tls_skip_verify", boolean, None)
    tls_server_name: str | None = key("tls_server_name", stated, None)
    headers: Mapping[str, str] = key("headers", pairs("name", "value", as_text), _NO_HEADERS)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume in a Machine: its name (``source``) and where it is seen (``destination``)."""

    source: str = key("source", text)
    destination: str = key("destination", text)
    initial_size_gb: int | None = key("initial_size", size_in("gb"), None)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class Restart:
    """When a Machine whose process ended is started again, in fly.toml's words."""

    policy: RestartPolicy | None = key("policy", one_of(_POLICIES), None)
    retries: int | None = key("retries", count, None)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Where the app's own metrics are scraped."""

    port: int | None = key("port", port_number, None)
    path: str | None = key("path", stated, None)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class Static:
    """A folder of a Machine, or a bucket, that the proxy serves by itself."""

    guest_path: str = key("guest_path", text)
    url_prefix: str = key("url_prefix", text)
    tigris_bucket: str = key("tigris_bucket", text, "")
    index_document: str = key("index_document", text, "")


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a Machine: what a file here has, what a secret has, or a text."""

    guest_path: str = key("guest_path", text)
    local_path: str | None = key("local_path", stated, None)
    secret_name: str | None = key("secret_name", stated, None)
    raw_value: str | None = key("raw_value", stated, None)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """How a release is rolled out.

    ``max_unavailable`` says how many Machines of a process group may be changed at the same
    time: below 1 a share of them, otherwise a count.
    """

    strategy: str | None = key("strategy", stated, None)
    max_unavailable: float | None = key("max_unavailable", _share_or_count, None)
    release_command: str | None = key("release_command", stated, None)


@dataclass(frozen=True, kw_only=True)
class Experimental:
    """What a Machine executes in place of its image's own command, and retired keys."""

    cmd: tuple[str, ...] | None = key("cmd", strings, None)
    entrypoint: tuple[str, ...] | None = key("entrypoint", strings, None)
    exec: tuple[str, ...] | None = key("exec", strings, None)
    kill_timeout_s: float | None = key("kill_timeout", duration_in(1), None)
    metrics_port: int | None = key("metrics_port", port_number, None)
    metrics_path: str | None = key("metrics_path", stated, None)


@dataclass(frozen=True, kw_only=True)
class Vm:
    """The size of a Machine."""

    cpu_kind: str
    cpus: int
    memory_mb: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _VmKeys:
    size: tuple[str, int, int] | None = key("size", vm_size, None)
    memory: int | None = key("memory", size_in("mb"), None)
    memory_mb: int | None = key("memory_mb", count, None)
    cpus: int | None = key("cpus", count, None)
    cpu_kind: str | None = key("cpu_kind", stated, None)
    groups: tuple[str, ...] = key("processes", group_names, ())


_DEFAULT_SIZE = ("shared", 1, 256)


def read_vm(value: object, place: Place) -> Vm:
    """Read one ``[[vm]]``: the size's name first, then what is stated beside it."""
    found = table(_VmKeys, closed=False)(value, place)
    cpu_kind, cpus, memory_mb = found.size or _DEFAULT_SIZE
    return Vm(
        cpu_kind=found.cpu_kind or cpu_kind,
        cpus=found.cpus or cpus,
        memory_mb=found.memory_mb or found.memory or memory_mb,
        groups=found.groups,
    )
