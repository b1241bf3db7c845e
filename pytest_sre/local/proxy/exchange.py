"""A client's requests on one connection, and what it is answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from pytest_sre.local.network import Path
from pytest_sre.local.proxy.heads import (
    Headers,
    RequestHead,
    answer_bytes,
    first_value,
    has_no_body,
)
from pytest_sre.local.proxy.messages import BadMessageError, RequestReader
from pytest_sre.local.proxy.streams import Stream

_KEPT: Final = 1024 * 1024
# A client that is cut off while it sends may never see its answer.
_DRAINED: Final = 64 * 1024 * 1024
_IDLE_S: Final = 60.0
_DRAIN_WITHIN_S: Final = 2.0


class Body:
    """A request's body, read as it is passed on, and kept up to 1 MiB to be sent again.

    Attributes:
        size: how many bytes of it came so far.
        is_whole: all of it came.
    """

    def __init__(self, head: RequestHead, reader: RequestReader, stream: Stream) -> None:
        self.size = 0
        self.is_whole = False
        self._reader = reader
        self._stream = stream
        self._kept: list[bytes] = []
        self._asked_to_wait = (
            head.version == "1.1"
            and (first_value(head.headers, b"expect") or b"").lower() == b"100-continue"
        )

    @property
    def can_repeat(self) -> bool:
        """What came so far is still here."""
        return self.size <= _KEPT

    @property
    def kept(self) -> bytes:
        """What came so far, unless it was more than is kept."""
        return b"".join(self._kept)

    async def take_what_is_here(self) -> None:
        """Take what came together with the head."""
        while self._reader.has_part and not self.is_whole:
            await self._next()

    async def parts(self) -> AsyncIterator[bytes]:
        """All parts, also those that were read before.

        Raises:
            BadMessageError: what came is no body.
            ConnectionResetError: the client went away before its end.
        """
        for part in list(self._kept):
            yield part
        while not self.is_whole:
            part = await self._next()
            if part:
                yield part

    async def drain(self) -> bool:
        """Read what is left, unless that is much; whether nothing is left."""
        if self._asked_to_wait:
            return False
        until = self.size + _DRAINED
        async with asyncio.timeout(_DRAIN_WITHIN_S):
            while not self.is_whole and self.size < until:
                await self._next()
        return self.is_whole

    async def _next(self) -> bytes:
        if self._asked_to_wait and not self._reader.has_part:
            self._stream.writer.write(answer_bytes(100, b"", []))
        self._asked_to_wait = False
        part = await self._reader.part()
        self.size += len(part)
        self.is_whole = not part
        if self.can_repeat:
            if part:
                self._kept.append(part)
        else:
            self._kept.clear()
        return part


class Exchange:
    """One request and its answer.

    Attributes:
        head: the request.
        body: its body.
        stream: the client's connection.
        way: between the client and this proxy.
        rest: what came after a request for another protocol.
        status: what was answered; None until then.
        sent_bytes: of the answer's body.
        keep_alive: the connection can serve another request.
    """

    def __init__(self, head: RequestHead, reader: RequestReader, stream: Stream) -> None:
        self.head = head
        self.body = Body(head, reader, stream)
        self.stream = stream
        self.way: Path | None = None
        self.status: int | None = None
        self.sent_bytes = 0
        self.keep_alive = head.keep_alive and head.upgrade is None
        self._reader = reader
        self._unsent = b""
        self._chunked = False
        self._bodiless = False

    @property
    def rest(self) -> bytes:
        """What came after a request for another protocol."""
        return self._reader.rest or b""

    async def begin(self, status: int, headers: Headers, reason: bytes = b"") -> None:
        """Begin the answer; it is sent together with the body's first part.

        Args:
            status: its status.
            headers: without those that concern one connection only.
            reason: what is said beside the status.
        """
        self.status = status
        self._bodiless = has_no_body(self.head.method, status)
        own: Headers = []
        if not self._bodiless and first_value(headers, b"content-length") is None:
            self._chunked = self.head.version == "1.1"
            self.keep_alive = self.keep_alive and self._chunked
            own += [(b"transfer-encoding", b"chunked")] if self._chunked else []
        if not self.keep_alive:
            own.append((b"connection", b"close"))
        elif self.head.version == "1.0":
            own.append((b"connection", b"keep-alive"))
        self._unsent = answer_bytes(status, reason, [*headers, *own])
        if self.way and not self.way.is_clear:
            await self.way.carry(len(self._unsent), begins=True)

    async def write(self, part: bytes) -> None:
        """Send a part of the body, no faster than the client takes it."""
        if self._bodiless or not part:
            return
        if self.way and not self.way.is_clear:
            await self.way.carry(len(part), begins=False)
        self.sent_bytes += len(part)
        framed = b"%x\r\n%b\r\n" % (len(part), part) if self._chunked else part
        self.stream.writer.write(self._unsent + framed if self._unsent else framed)
        self._unsent = b""
        await self.stream.writer.drain()

    async def flush(self) -> None:
        """Send the head now, for a body that may be long in coming."""
        if self._unsent:
            self.stream.writer.write(self._unsent)
            self._unsent = b""
            await self.stream.writer.drain()

    async def end(self) -> None:
        """Complete the answer."""
        self._unsent += b"0\r\n\r\n" if self._chunked else b""
        await self.flush()

    async def switch(self, status: int, headers: Headers, reason: bytes = b"") -> None:
        """Answer that the connection goes on with another protocol; it is a tunnel from now on."""
        self.status = status
        self.keep_alive = False
        self.stream.is_tunnel = True
        self.stream.writer.write(answer_bytes(status, reason, headers))
        await self.stream.writer.drain()

    async def answer(
        self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a whole answer."""
        length = (b"content-length", str(len(body)).encode())
        await self.begin(status, [*headers, length])
        await self.write(body)
        await self.end()

    async def say(
        self, status: int, text: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a short answer of our own."""
        kind = (b"content-type", b"text/plain; charset=utf-8")
        await self.answer(status, f"{text}\n".encode(), [kind, *headers])

    def cut(self) -> None:
        """Break the connection off: the answer cannot be completed."""
        self.keep_alive = False
        self.stream.abort()


async def serve_http(stream: Stream, handle: Callable[[Exchange], Awaitable[None]]) -> None:
    """Serve the requests of one connection, one after another, until it ends.

    Args:
        stream: the connection.
        handle: answers one request.
    """
    reader = RequestReader(stream.reader)
    while True:
        try:
            async with asyncio.timeout(_IDLE_S):
                head = await reader.head()
        except TimeoutError:
            return
        except BadMessageError as error:
            stream.writer.write(answer_bytes(error.status, b"", _CLOSING))
            return
        if head is None:
            return
        exchange = Exchange(head, reader, stream)
        if not await _handled(exchange, handle) or not exchange.keep_alive:
            return
        if not exchange.body.is_whole and not await _drained(exchange):
            return


_CLOSING: Final[Headers] = [(b"content-length", b"0"), (b"connection", b"close")]


async def _handled(exchange: Exchange, handle: Callable[[Exchange], Awaitable[None]]) -> bool:
    """Answer one request; false when its body was not HTTP/1.1."""
    try:
        await handle(exchange)
    except BadMessageError as error:
        exchange.keep_alive = False
        if exchange.status is None:
            await exchange.say(error.status, str(error))
        else:
            exchange.cut()
        return False
    return True


async def _drained(exchange: Exchange) -> bool:
    try:
        return await exchange.body.drain()
    except (TimeoutError, BadMessageError):
        return False
