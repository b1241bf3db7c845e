"""What Fly refuses in a configuration, so that it need not be sent to learn it: pure.

Only what is certain to be refused. Sizes, regions and images are Fly's to judge, which may have
new ones.

Source: fly-go's ``machine_types.go`` and ``duration.go``, and the OpenAPI description.
"""

import re
from collections.abc import Iterator

from pytest_sre.fly.config import CheckConfig, File, GoDuration, MachineConfig, Port, Service

_GO_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_LARGEST_PORT = 65_535
_POLICIES = ("no", "always", "on-failure")
_SCHEDULES = ("hourly", "daily", "weekly", "monthly")
_PERSISTENCES = ("never", "restart", "always", "none", "", 0, 1, 2, 3)
_AUTOSTOPS = (None, "", False, True, "off", "stop", "suspend")
_CHECK_TYPES = ("tcp", "http")
_CHECK_KINDS = ("", "informational", "readiness")


def refusals(config: MachineConfig) -> frozenset[str]:
    """Say what Fly would refuse: each with the field, what is allowed and what was found."""
    return frozenset(_refusals(config))


def _refusals(config: MachineConfig) -> Iterator[str]:
    if not config.image and not config.containers:
        yield "image: expected the name of an image, found none"
    yield from _unless_one_of("schedule", config.schedule, (None, "", *_SCHEDULES))
    if config.restart:
        yield from _unless_one_of("restart.policy", config.restart.policy, _POLICIES)
    if config.stop_config:
        yield from _unless_duration("stop_config.timeout", config.stop_config.timeout)
    if config.guest:
        field = "guest.persist_rootfs"
        yield from _unless_one_of(field, config.guest.persist_rootfs, _PERSISTENCES)
    if config.rootfs:
        yield from _unless_one_of("rootfs.persist", config.rootfs.persist, _PERSISTENCES)
    for place, service in enumerate(config.services):
        yield from _of_service(f"services[{place}]", service)
    for name, check in config.checks.items():
        yield from _of_check(f"checks.{name}", check)
    for place, mount in enumerate(config.mounts):
        yield from _unless_absolute(f"mounts[{place}].path", mount.path)
    for place, file in enumerate(config.files):
        yield from _of_file(f"files[{place}]", file)


def _of_service(field: str, service: Service) -> Iterator[str]:
    yield from _unless_one_of(f"{field}.protocol", service.protocol, ("tcp", "udp"))
    yield from _unless_one_of(f"{field}.autostop", service.autostop, _AUTOSTOPS)
    yield from _unless_port(f"{field}.internal_port", service.internal_port)
    for place, port in enumerate(service.ports):
        yield from _of_port(f"{field}.ports[{place}]", port)
    for place, check in enumerate(service.checks):
        yield from _of_check(f"{field}.checks[{place}]", check)


def _of_port(field: str, port: Port) -> Iterator[str]:
    for name in ("port", "start_port", "end_port"):
        yield from _unless_port(f"{field}.{name}", getattr(port, name))


def _of_check(field: str, check: CheckConfig) -> Iterator[str]:
    yield from _unless_one_of(f"{field}.type", check.type, _CHECK_TYPES)
    yield from _unless_one_of(f"{field}.kind", check.kind, _CHECK_KINDS)
    yield from _unless_port(f"{field}.port", check.port)
    for name in ("interval", "timeout", "grace_period"):
        yield from _unless_duration(f"{field}.{name}", getattr(check, name))


def _of_file(field: str, file: File) -> Iterator[str]:
    yield from _unless_absolute(f"{field}.guest_path", file.guest_path)
    sources = (file.raw_value, file.secret_name, file.image_config)
    if sum(source is not None for source in sources) != 1:
        yield f"{field}: expected one of raw_value, secret_name and image_config"


def _unless_one_of(field: str, value: object, allowed: tuple[object, ...]) -> Iterator[str]:
    if value not in allowed:
        words = ", ".join(str(each) for each in allowed if each and each is not True)
        yield f"{field}: expected one of {words}, found {value!r}"


def _unless_port(field: str, value: int | None) -> Iterator[str]:
    if value is not None and not 0 <= value <= _LARGEST_PORT:
        yield f"{field}: expected a port from 1 to {_LARGEST_PORT}, found {value}"


def _unless_absolute(field: str, path: str) -> Iterator[str]:
    if not path.startswith("/"):
        yield f"{field}: expected an absolute path, found {path!r}"


def _unless_duration(field: str, value: GoDuration | None) -> Iterator[str]:
    if isinstance(value, str) and not _GO_DURATION.fullmatch(value):
        yield f"{field}: expected a duration such as 1m30s, found {value!r}"
