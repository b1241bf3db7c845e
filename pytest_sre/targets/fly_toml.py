"""A fly.toml as a value: what each process group's Machines are made from."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.files import place_of, read_toml
from pytest_sre.targets.fly_sections import (
    Check,
    Deploy,
    Experimental,
    File,
    Metrics,
    Mount,
    Restart,
    Static,
    Vm,
    read_vm,
)
from pytest_sre.targets.fly_services import Service, read_http_service, read_service
from pytest_sre.targets.fly_values import (
    duration_in,
    pairs,
    stated,
    string,
    tables_of,
    texts_by_name,
)
from pytest_sre.targets.reading import Place, key, mapping, matching, table

_EMPTY: Mapping[str, str] = MappingProxyType({})


class _Grouped(Protocol):
    @property
    def groups(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=_Grouped)


@dataclass(frozen=True, kw_only=True)
class FlyToml:
    """What a fly.toml says about an app's Machines.

    ``all_*`` are its sections as written, those of every process group; the methods of the same
    name give those of one group, by Fly's rule: a section that names no group belongs to the
    default group, a ``[[vm]]`` to all. ``all_services`` has ``[http_service]`` first.
    """

    app: str
    primary_region: str | None = None
    kill_signal: str | None = None
    kill_timeout_s: float | None = None
    env: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    processes: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    all_services: tuple[Service, ...] = ()
    all_checks: tuple[Check, ...] = ()
    all_mounts: tuple[Mount, ...] = ()
    all_vms: tuple[Vm, ...] = ()
    all_restarts: tuple[Restart, ...] = ()
    all_metrics: tuple[Metrics, ...] = ()
    all_files: tuple[File, ...] = ()
    statics: tuple[Static, ...] = ()
    deploy: Deploy = field(default_factory=Deploy)
    experimental: Experimental = field(default_factory=Experimental)

    @property
    def groups(self) -> tuple[str, ...]:
        """The process groups in the file's order; ``("app",)`` when it names none."""
        return tuple(self.processes) or ("app",)

    @property
    def default_group(self) -> str:
        """The group of sections that name none: ``app``, else the first one in sorted order."""
        return "app" if "app" in self.groups else min(self.groups)

    def command(self, group: str) -> str | None:
        """Give what a group's Machines execute; None for the image's own command."""
        cmd = self.experimental.cmd
        return self.processes.get(group) or (shlex.join(cmd) if cmd else None)

    def services(self, group: str) -> tuple[Service, ...]:
        """Give the ports of a group that the proxy routes to."""
        return self._of(group, self.all_services)

    def checks(self, group: str) -> tuple[Check, ...]:
        """Give a group's own health checks, those of ``[checks]``; each has a name and a type."""
        return self._of(group, self.all_checks)

    def mounts(self, group: str) -> tuple[Mount, ...]:
        """Give the volumes of a group's Machines."""
        return self._of(group, self.all_mounts)

    def metrics(self, group: str) -> tuple[Metrics, ...]:
        """Give where a group's metrics are scraped."""
        return self._of(group, self.all_metrics)

    def files(self, group: str) -> tuple[File, ...]:
        """Give the files that are written into a group's Machines."""
        return self._of(group, self.all_files)

    def restart(self, group: str) -> Restart | None:
        """Give a group's restart policy; None when the platform's default holds."""
        return next(iter(self._of(group, self.all_restarts)), None)

    def vm(self, group: str) -> Vm | None:
        """Give the size of a group's Machines; None when they keep the one they have."""
        named = [vm for vm in self.all_vms if group in vm.groups]
        return next(iter(named + [vm for vm in self.all_vms if not vm.groups]), None)

    def health_paths(self, group: str) -> tuple[str, ...]:
        """Give the paths of a group's HTTP checks that can be asked for from outside.

        These are the checks of its web services, and those of ``[checks]`` on the port of one,
        that are made by GET. Each path is given once.
        """
        services = [service for service in self.services(group) if service.is_web]
        ports = {service.internal_port for service in services}
        checks = [check for service in services for check in service.checks]
        checks += [check for check in self.checks(group) if check.port in ports]
        return tuple(dict.fromkeys(check.path or "/" for check in checks if _is_http_get(check)))

    def _of(self, group: str, sections: Iterable[S]) -> tuple[S, ...]:
        default = (self.default_group,)
        return tuple(section for section in sections if group in (section.groups or default))


def _is_http_get(check: Check) -> bool:
    return check.type == "http" and (check.method or "GET").upper() == "GET"


def load_fly_toml(path: Path) -> FlyToml:
    """Read a fly.toml.

    Keys that are not about Machines, or unknown, are passed over: it is Fly's file.

    Raises:
        ConfigError: it is missing, not TOML, or a value is of the wrong type.
    """
    place = place_of(path)
    document = table(_Document, closed=False)(read_toml(path), place)
    fly_toml = _fly_toml(document)
    _refuse_unknown_groups(fly_toml, place)
    return fly_toml


def _read_checks(value: object, place: Place) -> tuple[Check, ...]:
    """Read ``[checks.NAME]``, or the array form in which each check states its name."""
    read = table(Check, closed=False)
    if isinstance(value, list):
        checks = tables_of(read)(value, place)
        places = [place.item(index) for index in range(len(checks))]
    else:
        named = mapping(value, place)
        places = [place / name for name in named]
        checks = tuple(
            replace(read(check, place / name), name=name) for name, check in named.items()
        )
    for check, where in zip(checks, places, strict=True):
        if check.name is None or check.type is None:
            raise where.lacks("type" if check.name else "name")
    return checks


@dataclass(frozen=True, kw_only=True)
class _Document:
    """The keys of the file, retired spellings included."""

    app: str = key("app", matching("[A-Za-z0-9][A-Za-z0-9_-]*", "the name of an app on Fly"))
    primary_region: str | None = key("primary_region", stated, None)
    kill_signal: str | None = key("kill_signal", stated, None)
    kill_timeout_s: float | None = key("kill_timeout", duration_in(1), None)
    env: Mapping[str, str] = key("env", texts_by_name, _EMPTY)
    processes: Mapping[str, str] = key("processes", pairs("name", "command", string), _EMPTY)
    http_service: Service | None = key("http_service", read_http_service, None)
    services: tuple[Service, ...] = key("services", tables_of(read_service), ())
    checks: tuple[Check, ...] = key("checks", _read_checks, ())
    mount: tuple[Mount, ...] = key("mount", tables_of(table(Mount, closed=False)), ())
    mounts: tuple[Mount, ...] = key("mounts", tables_of(table(Mount, closed=False)), ())
    compute: tuple[Vm, ...] = key("compute", tables_of(read_vm), ())
    computes: tuple[Vm, ...] = key("computes", tables_of(read_vm), ())
    vm: tuple[Vm, ...] = key("vm", tables_of(read_vm), ())
    restart: tuple[Restart, ...] = key("restart", tables_of(table(Restart, closed=False)), ())
    metric: tuple[Metrics, ...] = key("metric", tables_of(table(Metrics, closed=False)), ())
    metrics: tuple[Metrics, ...] = key("metrics", tables_of(table(Metrics, closed=False)), ())
    files: tuple[File, ...] = key("files", tables_of(table(File, closed=False)), ())
    statics: tuple[Static, ...] = key("statics", tables_of(table(Static, closed=False)), ())
    deploy: Deploy = key("deploy", table(Deploy, closed=False), Deploy())
    experimental: Experimental = key(
        "experimental", table(Experimental, closed=False), Experimental()
    )


def _fly_toml(found: _Document) -> FlyToml:
    http = (found.http_service,) if found.http_service else ()
    kill_timeout_s = found.kill_timeout_s
    if kill_timeout_s is None:
        kill_timeout_s = found.experimental.kill_timeout_s
    return FlyToml(
        app=found.app,
        primary_region=found.primary_region,
        kill_signal=found.kill_signal,
        kill_timeout_s=kill_timeout_s,
        env=found.env,
        processes=found.processes,
        all_services=http + found.services,
        all_checks=tuple(_with_port(check, found.http_service) for check in found.checks),
        all_mounts=found.mount + found.mounts,
        all_vms=found.compute + found.computes + found.vm,
        all_restarts=found.restart,
        all_metrics=found.metric + found.metrics or _retired_metrics(found.experimental),
        all_files=found.files,
        statics=found.statics,
        deploy=found.deploy,
        experimental=found.experimental,
    )


def _with_port(check: Check, http: Service | None) -> Check:
    return replace(check, port=http.internal_port) if http and check.port is None else check


def _retired_metrics(found: Experimental) -> tuple[Metrics, ...]:
    if found.metrics_port is None and found.metrics_path is None:
        return ()
    return (Metrics(port=found.metrics_port, path=found.metrics_path),)


def _refuse_unknown_groups(fly_toml: FlyToml, place: Place) -> None:
    """A service, check or volume of a group that does not exist would silently be on no Machine."""
    kinds: tuple[tuple[str, tuple[_Grouped, ...]], ...] = (
        ("services", fly_toml.all_services),
        ("checks", fly_toml.all_checks),
        ("mounts", fly_toml.all_mounts),
        ("files", fly_toml.all_files),
    )
    for kind, sections in kinds:
        for group in (name for section in sections for name in section.groups):
            if group not in fly_toml.groups:
                raise unknown_name(
                    where=str(place / kind / "processes"),
                    what="names an unknown process group",
                    name=group,
                    names=fly_toml.groups,
                )
