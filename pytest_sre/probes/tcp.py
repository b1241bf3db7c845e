"""The TCP probe: can a connection be made."""

import time

from pytest_sre.probes.addresses import Unreachable, connection
from pytest_sre.probes.answers import TcpResult
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S


async def probe_tcp(host: str, port: int, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> TcpResult:
    """Connect to a port and close the connection."""
    at, started = time.time(), time.perf_counter()
    try:
        async with connection(host, port, timeout_s):
            total_s = time.perf_counter() - started
    except Unreachable as unreachable:
        blank = TcpResult(at=at, host=host, port=port)
        return blank.failed_by(unreachable.fault, time.perf_counter() - started)
    return TcpResult(at=at, total_s=total_s, host=host, port=port)
