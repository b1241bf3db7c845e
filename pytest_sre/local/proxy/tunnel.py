"""Passes bytes on between two connections, as they come."""

import asyncio
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.network import Path

# At most this much is on its way at a time, as with a TCP window that does not scale.
_AT_ONCE: Final = 64 * 1024


@dataclass(frozen=True)
class Side:
    """One end of a tunnel.

    Args:
        reader: what it sends.
        writer: to it.
        first: what it sent already.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    first: bytes = b""


async def relay(one: Side, other: Side, *ways: Path | None) -> tuple[int, int]:
    """Pass bytes on in both directions until both sides have ended.

    Args:
        one: one end.
        other: the other.
        ways: what the bytes pass between them.

    Returns:
        How many bytes each of them sent.
    """
    paths = [way for way in ways if way]
    counts = [0, 0]
    pumps = [
        asyncio.create_task(_pump(one, other.writer, paths, counts, 0)),
        asyncio.create_task(_pump(other, one.writer, paths, counts, 1)),
    ]
    try:
        # An error ends both ways; an end in one direction leaves the other open.
        await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        other.writer.close()
    if any(not pump.cancelled() and pump.exception() for pump in pumps):
        one.writer.transport.abort()
    return counts[0], counts[1]


async def _pump(
    source: Side, sink: asyncio.StreamWriter, paths: list[Path], counts: list[int], place: int
) -> None:
    data = source.first or await source.reader.read(_AT_ONCE)
    while data:
        for path in paths:
            if not path.is_clear:
                if path.is_refused:
                    raise ConnectionResetError("ended on the way")
                await path.carry(len(data), begins=True)
        counts[place] += len(data)
        sink.write(data)
        await sink.drain()
        data = await source.reader.read(_AT_ONCE)
    if sink.can_write_eof():
        sink.write_eof()
    else:
        sink.close()
