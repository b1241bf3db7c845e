"""What a Machine is made from: fly.toml, image and release as a Machine's configuration."""

import base64
import shlex
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from pytest_sre.fly.config import (
    CheckConfig,
    Concurrency,
    File,
    Guest,
    Header,
    MachineConfig,
    MachineInit,
    Metrics,
    Mount,
    Port,
    Restart,
    Service,
    Static,
    StopConfig,
)
from pytest_sre.fly.models import Release
from pytest_sre.targets import FlyToml, format_duration
from pytest_sre.targets import fly_sections as sections
from pytest_sre.targets import fly_services as services

_AUTOSTOP: Mapping[str, bool | str] = {"off": False, "stop": True, "suspend": "suspend"}


def machine_config(
    toml: FlyToml,
    group: str,
    *,
    image: str,
    release: Release | None,
    command: str | None = None,
    base: MachineConfig | None = None,
    contents: Mapping[str, bytes] = MappingProxyType({}),
) -> MachineConfig:
    """Return the configuration that ``fly deploy`` gives to a group's Machines.

    Args:
        toml: the app's fly.toml.
        group: the process group.
        image: what to run.
        release: the release that deploys it; None leaves the release's metadata as it is.
        command: what to execute where the fly.toml has no command for the group.
        base: the Machine's present configuration; its size, volumes, metadata and
            whatever else are kept where the fly.toml does not speak of them.
        contents: what is in the files that its ``[[files]]`` name by ``local_path``.

    Raises:
        KeyError: one of these is not among the contents.
    """
    base = base or MachineConfig()
    wanted = [_service(service) for service in toml.services(group)]
    return msgspec.structs.replace(
        base,
        image=image,
        env=_env(toml, group),
        metadata=base.metadata | _metadata(group, release),
        init=_init(toml, toml.command(group) or command),
        guest=_guest(toml, group) or base.guest,
        services=wanted,
        checks={check.name or "": _own_check(check) for check in toml.checks(group)},
        mounts=_mounts(toml, group, base),
        restart=_restart(toml.restart(group)),
        stop_config=_stop_config(toml),
        metrics=_metrics(toml, group),
        statics=[_static(static) for static in toml.statics],
        files=[_file(file, contents) for file in toml.files(group)],
        # A Machine that users are routed to is no reserve.
        standbys=[] if wanted else base.standbys,
    )


def _env(toml: FlyToml, group: str) -> dict[str, str]:
    region = {"PRIMARY_REGION": toml.primary_region} if toml.primary_region else {}
    return {**toml.env, "FLY_PROCESS_GROUP": group, **region}


def _metadata(group: str, release: Release | None) -> dict[str, str]:
    metadata = {"fly_platform_version": "v2", "fly_process_group": group}
    if release is None:
        return metadata
    return metadata | {
        "fly_release_id": release.id,
        "fly_release_version": str(release.version),
    }


def _init(toml: FlyToml, command: str | None) -> MachineInit | None:
    init = MachineInit(
        cmd=shlex.split(command) if command else None,
        entrypoint=_listed(toml.experimental.entrypoint),
        exec=_listed(toml.experimental.exec),
    )
    return None if init == MachineInit() else init


def _listed(words: tuple[str, ...] | None) -> list[str] | None:
    return list(words) if words else None


def _guest(toml: FlyToml, group: str) -> Guest | None:
    vm = toml.vm(group)
    return Guest(cpu_kind=vm.cpu_kind, cpus=vm.cpus, memory_mb=vm.memory_mb) if vm else None


def _service(service: services.Service) -> Service:
    return Service(
        protocol=service.protocol,
        internal_port=service.internal_port,
        ports=[_port(port) for port in service.ports],
        checks=[_check(check) for check in service.checks],
        concurrency=_concurrency(service.concurrency),
        autostop=_AUTOSTOP[service.autostop] if service.autostop else None,
        autostart=service.autostart,
        min_machines_running=service.min_machines_running,
    )


def _port(port: services.Port) -> Port:
    return Port(port=port.port, handlers=_listed(port.handlers), force_https=port.force_https)


def _concurrency(limits: services.Concurrency | None) -> Concurrency | None:
    if limits is None:
        return None
    return Concurrency(type=limits.type, soft_limit=limits.soft_limit, hard_limit=limits.hard_limit)


def _own_check(check: sections.Check) -> CheckConfig:
    """Translate one of ``[checks]``, whose method alone is written in capitals."""
    method = check.method.upper() if check.method else None
    return msgspec.structs.replace(_check(check), method=method)


def _check(check: sections.Check) -> CheckConfig:
    return CheckConfig(
        type=check.type or "tcp",
        port=check.port,
        interval=_duration(check.interval_s),
        timeout=_duration(check.timeout_s),
        grace_period=_duration(check.grace_period_s),
        method=check.method,
        path=check.path,
        protocol=check.protocol,
        tls_skip_verify=check.tls_skip_verify,
        tls_server_name=check.tls_server_name,
        headers=[Header(name, [value]) for name, value in check.headers.items()] or None,
    )


def _mounts(toml: FlyToml, group: str, base: MachineConfig) -> list[Mount]:
    """Translate the mounts; a volume that is attached in the same place stays attached."""
    attached = {mount.path: mount for mount in base.mounts}
    mounts = []
    for wanted in toml.mounts(group):
        present = attached.get(wanted.destination, Mount(wanted.destination))
        mounts.append(msgspec.structs.replace(present, name=wanted.source))
    return mounts


def _restart(restart: sections.Restart | None) -> Restart | None:
    if restart is None:
        return None
    default = Restart()
    policy = {"never": "no", None: default.policy}.get(restart.policy, restart.policy)
    retries = default.max_retries if restart.retries is None else restart.retries
    return Restart(policy=policy or default.policy, max_retries=retries)


def _metrics(toml: FlyToml, group: str) -> Metrics | None:
    stated = next(iter(toml.metrics(group)), None)
    return Metrics(port=stated.port, path=stated.path or "") if stated else None


def _static(static: sections.Static) -> Static:
    return Static(
        guest_path=static.guest_path,
        url_prefix=static.url_prefix,
        tigris_bucket=static.tigris_bucket,
        index_document=static.index_document,
    )


def _file(file: sections.File, contents: Mapping[str, bytes]) -> File:
    """Translate a file the way flyctl does, which encodes ``raw_value`` whatever it is."""
    if file.local_path is not None:
        content = contents[file.local_path]
    elif file.raw_value is not None:
        content = file.raw_value.encode()
    else:
        return File(guest_path=file.guest_path, secret_name=file.secret_name)
    return File(guest_path=file.guest_path, raw_value=base64.b64encode(content).decode())


def _stop_config(toml: FlyToml) -> StopConfig | None:
    stop = StopConfig(signal=toml.kill_signal, timeout=_duration(toml.kill_timeout_s))
    return None if stop == StopConfig() else stop


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else format_duration(seconds)
