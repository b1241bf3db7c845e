"""Actions on what Machines reach, and on what they have: network, names, processors, disk."""

# ruff: noqa: D417 - what all take is documented once

from pytest_sre.chaos.actions import (
    CpuPressure,
    DegradeNetwork,
    DependencyOutage,
    DiskFull,
    DnsFailure,
    MemoryPressure,
    Partition,
    PlatformFault,
    SkewClock,
)
from pytest_sre.chaos.fly.documenting import among_machines
from pytest_sre.chaos.fly.standing import perform, which


@among_machines
def degrade_network(
    to: str = "anywhere",
    latency_s: float = 0.0,
    jitter_s: float = 0.0,
    loss_ratio: float = 0.0,
    bandwidth_bytes_s: float = 0.0,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Make the way between Machines and something worse.

    Args:
        to: anywhere, client, outside, app:NAME, group:APP/GROUP or machine:ID; on Fly host:NAME.
        latency_s: how much later what is sent arrives, seconds.
        jitter_s: by how much that varies, seconds.
        loss_ratio: the share that is lost, from 0 to 1.
        bandwidth_bytes_s: at most so many bytes a second pass; as many as can when 0.
    """
    told: dict[str, object] = {
        "to": to,
        "latency_s": latency_s,
        "jitter_s": jitter_s,
        "loss_ratio": loss_ratio,
        "bandwidth_bytes_s": bandwidth_bytes_s or None,
        "lasts_s": lasts_s,
    }
    return perform(DegradeNetwork, told | which(app, group, region, ids, count, share))


@among_machines
def partition(
    to: str = "anywhere",
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Let nothing pass between Machines and something, and tell nobody.

    Args:
        to: anywhere, client, outside, app:NAME, group:APP/GROUP or machine:ID; on Fly host:NAME.
    """
    told: dict[str, object] = {"to": to, "lasts_s": lasts_s}
    return perform(Partition, told | which(app, group, region, ids, count, share))


@among_machines
def dns_failure(
    hosts: str = "",
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Resolve no names in Machines.

    Args:
        hosts: only these names fail, with commas between them; all when empty.
    """
    told: dict[str, object] = {"hosts": hosts.replace(",", " ").split(), "lasts_s": lasts_s}
    return perform(DnsFailure, told | which(app, group, region, ids, count, share))


@among_machines
def cpu_pressure(
    processors: int = 1,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Burn processors inside Machines.

    Args:
        processors: how many.
    """
    told: dict[str, object] = {"processors": processors, "lasts_s": lasts_s}
    return perform(CpuPressure, told | which(app, group, region, ids, count, share))


@among_machines
def memory_pressure(
    megabytes: int = 64,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Hold memory inside Machines.

    Args:
        megabytes: how much.
    """
    told: dict[str, object] = {"megabytes": megabytes, "lasts_s": lasts_s}
    return perform(MemoryPressure, told | which(app, group, region, ids, count, share))


@among_machines
def disk_full(
    path: str = "",
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Leave no room on the disk of Machines.

    Args:
        path: where; at the root when empty.
    """
    told: dict[str, object] = {"path": path, "lasts_s": lasts_s}
    return perform(DiskFull, told | which(app, group, region, ids, count, share))


@among_machines
def dependency_outage(
    to: str,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Have what Machines depend on refuse them.

    Args:
        to: group:APP/GROUP, app:NAME or host:NAME.
    """
    told: dict[str, object] = {"to": to, "lasts_s": lasts_s}
    return perform(DependencyOutage, told | which(app, group, region, ids, count, share))


@among_machines
def skew_clock(
    by_s: float = 3600.0,
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Set the clock of Machines off.

    Args:
        by_s: by how much, seconds; behind when negative.
    """
    told: dict[str, object] = {"by_s": by_s, "lasts_s": lasts_s}
    return perform(SkewClock, told | which(app, group, region, ids, count, share))


@among_machines
def platform_fault(
    fault: str,
    told: str = "",
    app: str = "",
    group: str = "",
    region: str = "",
    ids: str = "",
    count: int = 0,
    share: float = 0.0,
    lasts_s: float = 60.0,
) -> str:
    """Cause a fault of the local platform; only there.

    Args:
        fault: its kind, as ``pytest-sre local fault`` knows it.
        told: what it is told, such as ``path=/readyz status=503``.
    """
    asked: dict[str, object] = {"fault": fault, "told": told_of(told), "lasts_s": lasts_s}
    return perform(PlatformFault, asked | which(app, group, region, ids, count, share))


def told_of(text: str) -> dict[str, str | int | float]:
    """Read ``name=value`` pairs with spaces between them; a value that is a number becomes one.

    Raises:
        ValueError: one of them is no such pair.
    """
    found: dict[str, str | int | float] = {}
    for pair in text.split():
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError(f"expected name=value, found {pair!r}")
        found[name] = _number(value)
    return found


def _number(text: str) -> str | int | float:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
