"""The environment of a Machine's process: a minimal base, the image's, the Machine's own."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sre.fly.config import MachineConfig

_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FILES_VARIABLE: Final = "FLY_FILES_DIR"
_NOT_WORD: Final = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True)
class Identity:
    """What a Machine is told about itself."""

    app: str
    machine_id: str
    region: str
    group: str
    image: str
    version: str
    primary_region: str


def base_environment(temporary: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """The environment that every Machine starts from.

    Nothing else of the outer environment is passed on, so no token leaks into a Machine.

    Args:
        temporary: the Machine's own directory for temporary files.
        outer: the server's environment, of which only ``HOME`` and ``PATH`` are read.
    """
    here = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([here, outer.get("PATH") or _DEFAULT_PATH]),
        "HOME": outer.get("HOME") or str(temporary),
        "LANG": "C.UTF-8",
        # What listens here is for this machine alone; an app's own setting overrides it.
        "HOST": "127.0.0.1",
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        # The image's directory is the user's: running it leaves nothing there.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def machine_environment(identity: Identity, config: MachineConfig) -> dict[str, str]:
    """The variables that Fly sets in every Machine."""
    guest = config.guest
    return {
        "FLY_APP_NAME": identity.app,
        "FLY_MACHINE_ID": identity.machine_id,
        "FLY_ALLOC_ID": identity.machine_id,
        "FLY_REGION": identity.region,
        "FLY_PROCESS_GROUP": identity.group,
        "FLY_IMAGE_REF": identity.image,
        "FLY_MACHINE_VERSION": identity.version,
        # Where it can listen and be reached; the address in its record is of a network there
        # is none of here.
        "FLY_PRIVATE_IP": "127.0.0.1",
        "FLY_PUBLIC_IP": "127.0.0.1",
        "FLY_VM_MEMORY_MB": str(guest.memory_mb if guest else 256),
        "PRIMARY_REGION": identity.primary_region,
    }


def port_environment(ports: Mapping[int, int]) -> dict[str, str]:
    """``PORT`` (the first) and ``PORT_<internal port>`` for each.

    Args:
        ports: internal port to the loopback port to listen on.
    """
    named = {f"PORT_{internal}": str(port) for internal, port in ports.items()}
    first = next(iter(ports.values()), None)
    return named if first is None else {"PORT": str(first), **named}


def proxy_environment(proxy_url: str, machine_id: str) -> dict[str, str]:
    """The variables by which HTTP clients find the proxy that knows ``.internal`` names.

    Args:
        proxy_url: where it is.
        machine_id: by which it knows who calls.
    """
    # Some clients, urllib among them, send no user name without a password.
    url = proxy_url.replace("://", f"://{machine_id}:none@", 1)
    none = "127.0.0.1,localhost"
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")
    return {**dict.fromkeys(names, url), "no_proxy": none, "NO_PROXY": none}


def volume_variable(name: str) -> str:
    """The variable that names a volume's directory: ``FLY_VOLUME_SHOP_DATA``."""
    return f"FLY_VOLUME_{_NOT_WORD.sub('_', name.upper()).strip('_')}"


def internal_ports(config: MachineConfig) -> tuple[int, ...]:
    """The internal ports that are declared: of services, of checks, of the own metrics."""
    services = [service.internal_port for service in config.services]
    service_checks = [check.port for service in config.services for check in service.checks]
    checks = [check.port for check in config.checks.values()]
    metrics = [config.metrics.port] if config.metrics else []
    declared = [*services, *service_checks, *checks, *metrics]
    return tuple(dict.fromkeys(port for port in declared if port))
