"""What a process of the shop is told by its environment."""

import os
from dataclasses import dataclass


class ConfigurationError(Exception):
    """The environment lacks a setting, or holds one that cannot be used."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which Machine this is, and which release runs on it."""

    machine: str
    region: str
    release: str
    revision: str

    @classmethod
    def from_environment(cls) -> "Identity":
        """Read what the platform and the image say; by hand, a Machine is called `local`."""
        return cls(
            machine=os.environ.get("FLY_MACHINE_ID", "local"),
            region=os.environ.get("FLY_REGION", "local"),
            release=os.environ.get("SHOP_RELEASE", "unknown"),
            revision=os.environ.get("REVISION", "unknown"),
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process listens."""

    host: str
    port: int

    @classmethod
    def from_environment(cls, default_port: int) -> "Address":
        """Read `HOST` (every IPv4 interface when unset) and `PORT`.

        Raises:
            ConfigurationError: `PORT` is not a port number.
        """
        port = os.environ.get("PORT", str(default_port))
        if not port.isdecimal() or int(port) > 65535:
            raise ConfigurationError(f"PORT must be a port number, found {port!r}")
        return cls(host=os.environ.get("HOST", "0.0.0.0"), port=int(port))


def required(name: str) -> str:
    """Return the setting `name`.

    Raises:
        ConfigurationError: it is not set, or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value
