"""The TLS probe: what certificate and protocol a host presents, and whether they verify.

A certificate that does not verify is looked at again without verification, so that the answer
says what is wrong with it and not only that something is.
"""

import ssl
import time
from typing import NamedTuple

import msgspec
from cryptography import x509

from pytest_sre.probes.addresses import Unreachable, connection
from pytest_sre.probes.answers import TlsResult, matches_host
from pytest_sre.probes.faults import Fault
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S

_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH = 62, 64  # X509_V_ERR_HOSTNAME_MISMATCH, _IP_ADDRESS_


class _Look(NamedTuple):
    """One handshake."""

    certificate: x509.Certificate
    protocol: str
    cipher: str


class _Host(NamedTuple):
    """Who is looked at, and how long a look may take."""

    host: str
    port: int
    server_name: str
    timeout_s: float


async def probe_tls(
    host: str,
    port: int = 443,
    server_name: str | None = None,
    *,
    ca: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> TlsResult:
    """Make a TLS handshake as a client that verifies would.

    Args:
        host: where to connect to.
        port: its port.
        server_name: the name to ask for and to verify; ``host`` when not given.
        ca: a PEM file of the only authorities to trust; those of the system when not given.
        timeout_s: for each of at most three handshakes.
    """
    target = _Host(host, port, server_name or host, timeout_s)
    blank = TlsResult(at=time.time(), host=host, port=port, server_name=target.server_name)
    started = time.perf_counter()
    try:
        look = await _look(target, _verifying(ca))
    except Unreachable as unreachable:
        failed = blank.failed_by(unreachable.fault, time.perf_counter() - started)
        if failed.error_kind not in {"tls", "reset"}:
            return failed
        return await _look_again(failed, target, ca, unreachable.error)
    seen = _described(blank, look, chain_ok=True, hostname_ok=True)
    return msgspec.structs.replace(seen, total_s=time.perf_counter() - started)


async def _look_again(
    failed: TlsResult, target: _Host, ca: str | None, error: OSError
) -> TlsResult:
    """Fill in what is presented by a host that does not verify."""
    try:
        look = await _look(target, _lenient())
    except Unreachable:
        return failed
    if failed.error_kind == "reset":
        text = f"TLS failed: the handshake was cut, though one by {look.protocol} works"
        failed = failed.failed_by(Fault("tls", False, text), failed.total_s)
    chain_ok = await _chain_ok(target, ca, error)
    names = _names(look.certificate)
    hostname_ok = matches_host(names, target.server_name)
    return _described(failed, look, chain_ok=chain_ok, hostname_ok=hostname_ok)


async def _chain_ok(target: _Host, ca: str | None, error: OSError) -> bool | None:
    """Tell whether the chain verifies, where OpenSSL stopped at another fault."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return None
    if error.verify_code not in {_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH}:
        return False
    context = _verifying(ca)
    context.check_hostname = False
    try:
        await _look(target, context)
    except Unreachable:
        return False
    return True


async def _look(target: _Host, context: ssl.SSLContext) -> _Look:
    async with connection(
        target.host, target.port, target.timeout_s, tls=context, server_name=target.server_name
    ) as transport:
        handshake: ssl.SSLObject = transport.get_extra_info("ssl_object")
        der = handshake.getpeercert(binary_form=True) or b""
        cipher = handshake.cipher()
        return _Look(
            x509.load_der_x509_certificate(der),
            handshake.version() or "",
            cipher[0] if cipher else "",
        )


def _verifying(ca: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def _lenient() -> ssl.SSLContext:
    """Accept any certificate and any protocol, to see which they are; nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _described(
    result: TlsResult, look: _Look, *, chain_ok: bool | None, hostname_ok: bool
) -> TlsResult:
    return msgspec.structs.replace(
        result,
        expires_at=look.certificate.not_valid_after_utc.timestamp(),
        names=_names(look.certificate),
        issuer=look.certificate.issuer.rfc4514_string(),
        protocol=look.protocol,
        cipher=look.cipher,
        chain_ok=chain_ok,
        hostname_ok=hostname_ok,
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    hosts = alternatives.value.get_values_for_type(x509.DNSName)
    addresses = alternatives.value.get_values_for_type(x509.IPAddress)
    return (*hosts, *map(str, addresses))
