"""The DNS probe: what records are under a name, asked of a resolver by dnspython."""

import time

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.resolver
import msgspec
from dns.rdtypes.txtbase import TXTBase

from pytest_sre.probes.answers import DnsResult
from pytest_sre.probes.faults import Fault, one_line
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S


async def probe_dns(
    name: str,
    type: str = "A",  # noqa: A002 - what the field calls it
    *,
    resolver: str | None = None,
    resolver_port: int = 53,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> DnsResult:
    """Look a name up.

    A resolver that does not answer, or answers that it cannot, is a fault of our own; a name
    that does not exist, or has no such record, is not.

    Args:
        name: the name to look up, taken as complete.
        type: A, AAAA, CNAME, TXT, MX or any other record type.
        resolver: the address of the resolver to ask; those of this machine when not given.
        resolver_port: its port.
        timeout_s: for all tries together.

    Raises:
        ValueError: when the name, the type or the resolver's address cannot be read.
    """
    blank = DnsResult(at=time.time(), name=name, type=type)
    started = time.perf_counter()
    try:
        asked = _resolver(resolver, resolver_port)
        answer = await asked.resolve(name, type, search=False, lifetime=timeout_s)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN) as error:
        return blank.failed_by(_no_record(error, type), time.perf_counter() - started)
    except (dns.resolver.NoNameservers, dns.resolver.NoResolverConfiguration) as error:
        return blank.failed_by(_own_fault(error), time.perf_counter() - started)
    except (dns.exception.Timeout, OSError) as error:
        return blank.failed_by(_own_fault(error), time.perf_counter() - started)
    except dns.exception.DNSException as error:
        raise ValueError(
            f"expected a name and a record type, found {name!r} and {type!r} ({one_line(error)})"
        ) from None
    return msgspec.structs.replace(
        blank,
        total_s=time.perf_counter() - started,
        records=tuple(sorted(_shown(record) for record in answer)),
        ttl_s=answer.rrset.ttl if answer.rrset else 0,
    )


def _resolver(address: str | None, port: int) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=address is None)
    if address is not None:
        resolver.nameservers = [address]
        resolver.port = port
    return resolver


def _no_record(error: dns.exception.DNSException, record_type: str) -> Fault:
    if isinstance(error, dns.resolver.NoAnswer):
        return Fault("dns-nxdomain", False, f"the name has no {record_type} record")
    return Fault("dns-nxdomain", False, "no such name")


def _own_fault(error: Exception) -> Fault:
    return Fault("dns", True, f"our DNS could not resolve the name: {one_line(error)}")


def _shown(record: dns.rdata.Rdata) -> str:
    if isinstance(record, TXTBase):
        return b"".join(record.strings).decode(errors="replace")
    return record.to_text().removesuffix(".")
