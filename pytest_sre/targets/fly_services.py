"""The services of a fly.toml: ``[http_service]`` and ``[[services]]`` as one kind of value."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from dataclasses import dataclass, replace
from typing import Literal

from pytest_sre.targets.fly_sections import (
    Check,
    CheckType,
    count,
    group_names,
    port_number,
)
from pytest_sre.targets.fly_values import tables_of
from pytest_sre.targets.reading import (
    Place,
    Reader,
    boolean,
    key,
    list_of,
    matching,
    one_of,
    table,
    text,
)

Protocol = Literal["tcp", "udp"]
Autostop = Literal["off", "stop", "suspend"]

_PROTOCOLS: tuple[Protocol, ...] = ("tcp", "udp")
_WEB_PORTS = frozenset({80, 443})
_AUTOSTOPS: tuple[Autostop, ...] = ("off", "stop", "suspend")


@dataclass(frozen=True, kw_only=True)
class Port:
    """A public port of a service."""

    port: int | None = key("port", port_number, None)
    handlers: tuple[str, ...] = key("handlers", list_of(text), ())
    force_https: bool = key("force_https", boolean, default=False)


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """How much a Machine takes at once: connections or requests."""

    type: str = key("type", text, "connections")
    soft_limit: int | None = key("soft_limit", count, None)
    hard_limit: int | None = key("hard_limit", count, None)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A port that the proxy routes to. ``checks`` has TCP checks first, each with its type."""

    protocol: Protocol
    internal_port: int
    ports: tuple[Port, ...] = ()
    concurrency: Concurrency | None = None
    checks: tuple[Check, ...] = ()
    autostop: Autostop | None = None
    autostart: bool | None = None
    min_machines_running: int | None = None
    groups: tuple[str, ...] = ()

    @property
    def is_web(self) -> bool:
        """Whether it is reached by a browser, that is over HTTP on one of its default ports."""
        return self.protocol == "tcp" and any(port.port in _WEB_PORTS for port in self.ports)


def _read_autostop(value: object, place: Place) -> Autostop:
    if isinstance(value, bool):
        return "stop" if value else "off"
    return one_of(_AUTOSTOPS)(value, place)


def _read_concurrency(value: object, place: Place) -> Concurrency:
    """Read the table, or the old ``"soft,hard"``."""
    if not isinstance(value, str):
        return table(Concurrency, closed=False)(value, place)
    limits = matching(r" *[0-9]{1,9} *, *[0-9]{1,9} *", 'limits such as "20,25"')(value, place)
    soft, hard = map(int, limits.split(","))
    return Concurrency(type="requests", soft_limit=soft, hard_limit=hard)


def _checks_of(kind: CheckType) -> Reader[tuple[Check, ...]]:
    read_all = tables_of(table(Check, closed=False))

    def read(value: object, place: Place) -> tuple[Check, ...]:
        return tuple(replace(check, type=kind) for check in read_all(value, place))

    return read


@dataclass(frozen=True, kw_only=True)
class _CommonKeys:
    internal_port: int = key("internal_port", port_number)
    concurrency: Concurrency | None = key("concurrency", _read_concurrency, None)
    autostop: Autostop | None = key("auto_stop_machines", _read_autostop, None)
    autostart: bool | None = key("auto_start_machines", boolean, None)
    min_machines_running: int | None = key("min_machines_running", count, None)
    groups: tuple[str, ...] = key("processes", group_names, ())


@dataclass(frozen=True, kw_only=True)
class _ServiceKeys(_CommonKeys):
    protocol: Protocol = key("protocol", one_of(_PROTOCOLS), "tcp")
    ports: tuple[Port, ...] = key("ports", tables_of(table(Port, closed=False)), ())
    tcp_checks: tuple[Check, ...] = key("tcp_checks", _checks_of("tcp"), ())
    http_checks: tuple[Check, ...] = key("http_checks", _checks_of("http"), ())


@dataclass(frozen=True, kw_only=True)
class _HttpServiceKeys(_CommonKeys):
    force_https: bool = key("force_https", boolean, default=False)
    checks: tuple[Check, ...] = key("checks", _checks_of("http"), ())


def read_service(value: object, place: Place) -> Service:
    """Read one of ``[[services]]``."""
    found = table(_ServiceKeys, closed=False)(value, place)
    return _service(found, found.protocol, found.ports, found.tcp_checks + found.http_checks)


def read_http_service(value: object, place: Place) -> Service:
    """Read ``[http_service]``: a service on the ports of HTTP and HTTPS."""
    found = table(_HttpServiceKeys, closed=False)(value, place)
    http = Port(port=80, handlers=("http",), force_https=found.force_https)
    https = Port(port=443, handlers=("http", "tls"))
    return _service(found, "tcp", (http, https), found.checks)


def _service(
    common: _CommonKeys, protocol: Protocol, ports: tuple[Port, ...], checks: tuple[Check, ...]
) -> Service:
    return Service(
        protocol=protocol,
        internal_port=common.internal_port,
        ports=ports,
        concurrency=common.concurrency,
        checks=checks,
        autostop=common.autostop,
        autostart=common.autostart,
        min_machines_running=common.min_machines_running,
        groups=common.groups,
    )
