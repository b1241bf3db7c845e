"""Which names a Machine can resolve, while a fault says that it cannot resolve all."""

import ipaddress

from pytest_sre.local.faults.kinds import DnsFailure
from pytest_sre.local.machines.records import MachineRecord


def is_resolved(record: MachineRecord, host: str) -> bool:
    """Whether a Machine gets an address for a host; an address needs none."""
    if _is_address(host):
        return True
    return not any(
        not fault.hosts or _plain(host) in map(_plain, fault.hosts)
        for fault in record.faults.all_of(DnsFailure, record.site)
    )


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
