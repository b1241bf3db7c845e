"""Resolving a name and connecting to it, as two steps whose faults are told apart."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

from pytest_sre.probes.faults import fault_of


class Unreachable(Exception):  # noqa: N818 - caught by the probes, never shown
    """No connection was made; ``fault`` says why."""

    def __init__(self, error: OSError, *, resolving: bool) -> None:
        super().__init__(str(error))
        self.fault = fault_of(error, resolving=resolving)
        self.error = error


@contextlib.asynccontextmanager
async def connection(
    host: str,
    port: int,
    timeout_s: float,
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str = "",
) -> AsyncIterator[asyncio.WriteTransport]:
    """Connect, with a TLS handshake if asked, and cut the connection at the end.

    Raises:
        Unreachable: when that fails, or takes longer than ``timeout_s`` in all.
    """
    resolved = False
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            resolved = True
            _, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=server_name if tls else None
            )
    except OSError as error:
        raise Unreachable(error, resolving=not resolved) from None
    try:
        yield writer.transport
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
