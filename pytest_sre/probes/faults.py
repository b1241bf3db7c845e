"""What went wrong with an observation, and whether it is our own fault."""

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from pytest_sre.verdict import Inconclusive

_SHOWN_CHARS = 200

_OWN_LIMITS = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
_OWN_ROUTES = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}
_OWN_ERRNOS = _OWN_LIMITS | _OWN_ROUTES
_RESETS = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN}

# The resolver answered that there is no such name, or no address under it.
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

_ERRNO_OF_BARE: dict[type[ConnectionError], int] = {ConnectionRefusedError: errno.ECONNREFUSED}
_ERRNO_IN_TEXT = re.compile(r"\[Errno (\d+)\]")


class Fault(NamedTuple):
    """Why no answer came.

    ``kind`` is ``dns``, ``dns-nxdomain``, ``network``, ``refused``, ``reset``, ``timeout``,
    ``tls``, ``protocol``, or for a database or a bucket also ``auth`` and ``answer``;
    ``own`` is true when the cause is on our side of the network; ``text`` is one line.
    """

    kind: str
    own: bool
    text: str


def own_cause(kind: str) -> str:
    """Return the short key under which our own faults of a kind are grouped."""
    return {"dns": "own dns", "auth": "own credentials"}.get(kind, "own network")


def missing_extra(probe: str, extra: str) -> Inconclusive:
    """Return the exception that says which extra a probe's driver comes with."""
    return Inconclusive(
        f"the {probe} probe needs a driver that is not installed; "
        f"run: pip install 'pytest-sre[{extra}]'",
        cause=f"missing extra {extra}",
    )


def fault_of(error: BaseException, *, resolving: bool = False) -> Fault:
    """Classify the exception that an observation ended with.

    Args:
        error: what was raised; its causes are looked at too.
        resolving: the name was still being resolved, which makes a timeout one of our DNS.
    """
    for link in _chain(error):
        fault = _fault_of_link(link, resolving=resolving)
        if fault is not None:
            return fault
    return Fault("protocol", False, one_line(error))


def one_line(error: BaseException) -> str:
    """Return an exception's text as one short line, never empty."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _fault_of_link(error: BaseException, *, resolving: bool) -> Fault | None:
    if isinstance(error, socket.gaierror):
        return _fault_of_name(error)
    if isinstance(error, ssl.SSLError):
        return Fault("tls", False, _tls_text(error))
    if isinstance(error, TimeoutError):
        return _fault_of_time(resolving=resolving)
    if isinstance(error, OSError):
        return _fault_of_errno(error)
    return None


def _fault_of_name(error: socket.gaierror) -> Fault:
    reason = error.strerror or one_line(error)
    if error.errno in _NO_SUCH_NAME:
        return Fault("dns-nxdomain", False, f"no such name: {reason}")
    return Fault("dns", True, f"our DNS could not resolve the name: {reason}")


def _fault_of_time(*, resolving: bool) -> Fault:
    if resolving:
        return Fault("dns", True, "our DNS did not resolve the name in time")
    return Fault("timeout", False, "no answer in time")


def _tls_text(error: ssl.SSLError) -> str:
    # Python leaves these attributes out of an error that is not OpenSSL's own.
    verify, reason = getattr(error, "verify_message", ""), getattr(error, "reason", None) or ""
    reason = verify or reason.lower().replace("_", " ") or one_line(error)
    return f"TLS failed: {reason}"


def _fault_of_errno(error: OSError) -> Fault | None:
    codes = _errnos(error)
    if not codes:
        return None
    # With several addresses, one that was reached says more than one without a route.
    code = next((c for c in codes if c not in _OWN_ERRNOS), codes[0])
    reason = errno.errorcode.get(code, str(code))
    if code in _OWN_LIMITS:
        return Fault("network", True, f"our own limits: {reason}")
    if code in _OWN_ROUTES:
        return Fault("network", True, f"no route from here: {reason}")
    if code == errno.ECONNREFUSED:
        return Fault("refused", False, "connection refused")
    if code == errno.ETIMEDOUT:
        return Fault("timeout", False, "no answer in time")
    if code in _RESETS:
        return Fault("reset", False, "connection cut")
    return Fault("network", False, f"the connection failed: {reason}")


def _errnos(error: OSError) -> list[int]:
    """Return the error's number, or those listed in the text of a combined error."""
    if error.errno is not None:
        return [error.errno]
    if isinstance(error, ConnectionError):  # asyncio raises these bare
        return [_ERRNO_OF_BARE.get(type(error), errno.ECONNRESET)]
    return [int(code) for code in _ERRNO_IN_TEXT.findall(str(error))]
