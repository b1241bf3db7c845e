"""What the probes below HTTP, and those of databases and buckets, are answered with."""

import ipaddress
from collections.abc import Iterable

from pytest_sre.probes.outcome import Outcome, shown_time


class TcpResult(Outcome, frozen=True, kw_only=True):
    """Whether a TCP connection could be made."""

    host: str
    port: int

    def __repr__(self) -> str:
        return f"<tcp {self.host}:{self.port}: {_seen(self, 'connected')}>"


class TlsResult(Outcome, frozen=True, kw_only=True):
    """The certificate and the protocol that a host presents.

    It is ok when a client that verifies would talk to it. The certificate's fields are filled
    for one that does not verify, too; ``expires_at`` is in Unix seconds and 0 without a
    certificate. ``chain_ok`` and ``hostname_ok`` are None where no certificate was seen.
    """

    host: str
    port: int
    server_name: str
    expires_at: float = 0.0
    names: tuple[str, ...] = ()
    issuer: str = ""
    protocol: str = ""
    cipher: str = ""
    chain_ok: bool | None = None
    hostname_ok: bool | None = None

    @property
    def days_left(self) -> float:
        """How many days the certificate was still valid when seen; negative once expired.

        Raises:
            Inconclusive: when no certificate was seen through a fault of our own.
            AssertionError: when none was seen through a fault of the host.
        """
        self.require_observed()
        if self.chain_ok is None:
            raise AssertionError(f"{self!r}: no certificate was seen")
        return (self.expires_at - self.at) / 86_400

    def __repr__(self) -> str:
        good = f"{self.protocol}, {(self.expires_at - self.at) / 86_400:.0f} days left"
        return f"<tls {self.server_name}:{self.port}: {_seen(self, good)}>"


class DnsResult(Outcome, frozen=True, kw_only=True):
    """The records under a name: addresses, targets or texts, without the final dot."""

    name: str
    type: str
    records: tuple[str, ...] = ()
    ttl_s: int = 0

    def __repr__(self) -> str:
        good = ", ".join(self.records)
        return f"<dns {self.type} {self.name}: {_seen(self, good)}>"


class ServiceResult(Outcome, frozen=True, kw_only=True):
    """Whether a database, a cache or a bucket answered. Credentials are not part of it.

    ``version`` is what the service says it is, empty where it does not; ``total_s`` includes
    making the connection, ``answer_s`` is the question alone. The error kinds are those of HTTP,
    and ``auth`` (it refused our credentials, a fault of our own) and ``answer`` (it answered
    with an error).
    """

    service: str
    place: str
    version: str = ""
    answer_s: float = 0.0

    def __repr__(self) -> str:
        good = f"answered ({self.version})" if self.version else "answered"
        return f"<{self.service} {self.place}: {_seen(self, good)}>"


def matches_host(names: Iterable[str], host: str) -> bool:
    """Tell whether a certificate's names cover a host; ``*`` stands for one leftmost label."""
    wanted = _plain(host)
    if _is_address(wanted):
        return wanted in {_plain(name) for name in names if _is_address(_plain(name))}
    _, _, parent = wanted.partition(".")
    accepted = {wanted, f"*.{parent}"} if parent else {wanted}
    return any(_plain(name) in accepted for name in names)


def _plain(name: str) -> str:
    lowered = name.lower().removesuffix(".")
    return str(ipaddress.ip_address(lowered)) if _is_address(lowered) else lowered


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _seen(outcome: Outcome, good: str) -> str:
    took = shown_time(outcome.total_s)
    if outcome.error_kind:
        return f"{outcome.error_kind} after {took} ({outcome.error})"
    return f"{good} in {took}"
