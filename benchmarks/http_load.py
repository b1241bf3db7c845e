"""A small HTTP load: requests at a rate, or as many as go through, over connections kept open.

Fast enough to be no part of what is measured at the rates of our benchmarks, and made for answers
that state their length.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Load:
    """What became of the requests; latencies from when each was due, in seconds, sorted."""

    latencies_s: tuple[float, ...]
    failures: int
    took_s: float

    @property
    def rate_per_s(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.took_s

    def percentile_s(self, percent: float) -> float:
        """The latency that this share of the requests did not exceed."""
        return self.latencies_s[int((len(self.latencies_s) - 1) * percent / 100)]


class _Connection:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        path = parts.path or "/"
        self._request = f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self) -> bool:
        """Send the request; whether its answer is complete and a success."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port)
                reader, writer = self._streams
                writer.write(self._request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
                return head.startswith(b"HTTP/1.1 2")
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            self.close()
            return False

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


def load_at(url: str, rate_per_s: float, duration_s: float, connections: int = 64) -> Load:
    """Send requests when they are due, whether or not earlier ones are answered."""
    return asyncio.run(_at_rate(url, rate_per_s, duration_s, connections))


def load_fully(url: str, duration_s: float, connections: int = 32) -> Load:
    """Send the next request on each connection as soon as it is free."""
    return asyncio.run(_fully(url, duration_s, connections))


async def _at_rate(url: str, rate_per_s: float, duration_s: float, connections: int) -> Load:
    free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    made = [_Connection(url) for _ in range(connections)]
    for connection in made:
        free.put_nowait(connection)
    latencies: list[float] = []
    began = time.perf_counter()

    async def one(due_s: float) -> bool:
        connection = await free.get()
        passed = await connection.get()
        free.put_nowait(connection)
        if passed:
            latencies.append(time.perf_counter() - began - due_s)
        return passed

    tasks = []
    for number in range(int(rate_per_s * duration_s)):
        due_s = number / rate_per_s
        await asyncio.sleep(due_s - (time.perf_counter() - began))
        tasks.append(asyncio.create_task(one(due_s)))
    passed = await asyncio.gather(*tasks)
    return _told(made, latencies, passed.count(False), began)


async def _fully(url: str, duration_s: float, connections: int) -> Load:
    made = [_Connection(url) for _ in range(connections)]
    latencies: list[float] = []
    began = time.perf_counter()

    async def repeat(connection: _Connection) -> int:
        failures = 0
        while (sent := time.perf_counter()) - began < duration_s:
            passed = await connection.get()
            failures += not passed
            if passed:
                latencies.append(time.perf_counter() - sent)
        return failures

    failures = await asyncio.gather(*map(repeat, made))
    return _told(made, latencies, sum(failures), began)


def _told(made: list[_Connection], latencies: list[float], failures: int, began: float) -> Load:
    took_s = time.perf_counter() - began
    for connection in made:
        connection.close()
    return Load(tuple(sorted(latencies)), failures, took_s)
