"""An app's addresses. Only the loopback one leads anywhere: the others are for documentation."""

import ipaddress
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_sre.local.naming import rfc3339

LOOPBACK: Final = "127.0.0.1"
KINDS: Final = ("v4", "v6", "shared_v4", "private_v6", "egress_v4", "egress_v6", "egress_pair")

# RFC 5737 and RFC 3849 reserve these for documentation; fdaa:/16 is Fly's private network.
_NETWORKS: Final = {
    "v4": ipaddress.ip_network("198.51.100.0/24"),
    "v6": ipaddress.ip_network("2001:db8:1::/48"),
    "private_v6": ipaddress.ip_network("fdaa:0:1::/48"),
    "egress_v4": ipaddress.ip_network("203.0.113.0/24"),
    "egress_v6": ipaddress.ip_network("2001:db8:e::/48"),
}


@dataclass(frozen=True)
class Address:
    """One address of an app.

    Args:
        ip: the address.
        kind: what it was asked for as: one of ``KINDS``.
        region: where it is; ``global`` when everywhere.
        service_name: what it was asked for for.
        network: for a private one, the network it is reached from.
        organization: for a private one, the organization it is reached from.
        created_at: Unix seconds.
    """

    ip: str
    kind: str
    region: str = "global"
    service_name: str = ""
    network: str = ""
    organization: str = ""
    created_at: float = field(default_factory=time.time)

    def view(self) -> dict[str, Any]:
        """As the API shows it."""
        shown: dict[str, Any] = {
            "ip": self.ip,
            "type": self.kind,
            "region": self.region,
            "service_name": self.service_name,
            "shared": self.kind == "shared_v4",
            "egress": self.kind.startswith("egress"),
            "created_at": rfc3339(self.created_at),
        }
        if self.network or self.organization:
            shown["network"] = {"name": self.network, "org_slug": self.organization}
        return shown


def shared_address(created_at: float) -> Address:
    """The address that every app has from the start: where its proxy listens."""
    return Address(LOOPBACK, "shared_v4", created_at=created_at)


def free_ip(kind: str, taken: Collection[str]) -> str:
    """An address of that kind that is not taken.

    Raises:
        ValueError: there is no such kind, or none is left.
    """
    if kind == "shared_v4":
        return LOOPBACK
    network = _NETWORKS.get(kind)
    if network is None:
        raise ValueError(f"invalid type {kind!r}: expected one of {', '.join(KINDS)}")
    first = 1 + secrets.randbelow(min(network.num_addresses - 2, 2**40))
    for step in range(len(taken) + 2):
        ip = str(network[1 + (first + step) % (network.num_addresses - 2)])
        if ip not in taken:
            return ip
    raise ValueError(f"no address of type {kind!r} is left")


def assign(
    held: list[Address],
    kind: str,
    *,
    region: str,
    service_name: str,
    network: str,
    organization: str,
) -> Address:
    """Give an app a new address; the shared one is the same however often it is asked for.

    Args:
        held: the app's addresses, to which it is added.
        kind: one of ``KINDS``, but for the pair.
        region: where; everywhere when empty.
        service_name: what for.
        network: for a private one, the network it is reached from.
        organization: for a private one, the organization it is reached from.

    Raises:
        ValueError: there is no such kind, or none is left.
    """
    known = next((each for each in held if each.kind == kind == "shared_v4"), None)
    if known:
        return known
    ip = free_ip(kind, {each.ip for each in held})
    place = (network, organization) if kind == "private_v6" else ("", "")
    address = Address(ip, kind, region or "global", service_name, *place)
    held.append(address)
    return address
