"""Connections to Machines: opened, kept for the next request, and asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.network import Path
from pytest_sre.local.proxy.exchange import Body
from pytest_sre.local.proxy.heads import AnswerHead, Headers, first_value, request_bytes
from pytest_sre.local.proxy.messages import AnswerReader, BadMessageError

_BUFFERED: Final = 64 * 1024
CONNECT_TIMEOUT_S: Final = 2.0
_SILENCE_TIMEOUT_S: Final = 60.0
# Shorter than the 2 s and more after which servers close idle connections.
_KEPT_FOR_S: Final = 1.5
_MOST_KEPT: Final = 512

Address = tuple[str, int]


class ConnectFailed(Exception):  # noqa: N818 - an outcome that the proxy handles
    """No connection; nothing was sent, so another Machine may be tried.

    Args:
        code: as Fly names the reason, such as ``PC01``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ExchangeFailed(Exception):  # noqa: N818 - an outcome that the proxy handles
    """The request was sent, and no complete answer came.

    Args:
        text: how it failed.
        again: nothing came, on a connection that had served before: it may have been ended just
            when the request was sent.
    """

    def __init__(self, text: str, *, again: bool = False) -> None:
        super().__init__(text)
        self.again = again


class Connection:
    """A connection to a Machine.

    Args:
        reader: what it sends.
        writer: to it.
        address: where it is.
        way: between this proxy and the Machine.

    Attributes:
        on_close: called once, when it is ended.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: Address
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.address = address
        self.answers = AnswerReader(reader)
        self.way: Path | None = None
        self.used = False
        self.idle_since = 0.0
        self.on_close: Callable[[], None] | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """The other side has not ended it, as far as is known."""
        return not (self.reader.at_eof() or self.writer.is_closing() or self.reader.exception())

    async def ask(self, question: "Question", body: Body) -> AnswerHead:
        """Send a request, and read the head of its answer.

        Raises:
            ExchangeFailed: no answer came.
            BadMessageError: the client's body is none.
        """
        head, way = question.head_bytes(body), self.way
        try:
            if way and not way.is_clear:
                await way.carry(len(head) + body.size, begins=True)
            self._send(head, body, chunked=question.is_chunked)
            async with asyncio.timeout(_SILENCE_TIMEOUT_S):
                answer = await self.answers.head(question.method)
            if way and not way.is_clear:
                await way.carry(0, begins=True)
        except TimeoutError:
            raise ExchangeFailed("no answer within 60 s") from None
        except (OSError, BadMessageError) as error:
            await self._sender_failed()
            raise ExchangeFailed(str(error), again=self.used) from None
        return answer

    async def parts(self) -> AsyncIterator[bytes]:
        """The answer's body, as it comes.

        Raises:
            ExchangeFailed: it broke off.
        """
        try:
            while True:
                part = await self._next_part()
                if not part:
                    return
                if self.way and not self.way.is_clear:
                    await self.way.carry(len(part), begins=False)
                yield part
        except TimeoutError:
            raise ExchangeFailed("nothing came for 60 s") from None
        except (OSError, BadMessageError) as error:
            raise ExchangeFailed(str(error)) from None

    async def _next_part(self) -> bytes:
        if self.answers.has_part:
            return await self.answers.part()
        async with asyncio.timeout(_SILENCE_TIMEOUT_S):
            return await self.answers.part()

    @property
    def has_sent_all(self) -> bool:
        """The request was sent to its end."""
        return self._sending is None or (
            self._sending.done() and not self._sending.cancelled() and not self._sending.exception()
        )

    async def stop_sending(self) -> None:
        """Leave the rest of the client's body unread, for whoever reads it next."""
        if self._sending and not self._sending.done():
            self._sending.cancel()
            await asyncio.wait([self._sending])

    def close(self) -> None:
        """End it."""
        self.writer.close()
        if self.on_close:
            self.on_close()
            self.on_close = None

    def _send(self, head: bytes, body: Body, *, chunked: bool) -> None:
        if body.is_whole:
            self.writer.write(head + (body.kept if body.size else b""))
            return
        self.writer.write(head)
        # A Machine may answer before it has the whole body, so both happen at once.
        self._sending = asyncio.create_task(self._send_body(body, chunked=chunked))
        self._sending.add_done_callback(_seen)

    async def _send_body(self, body: Body, *, chunked: bool) -> None:
        try:
            async for part in body.parts():
                if self.way and not self.way.is_clear:
                    await self.way.carry(len(part), begins=False)
                self.writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                await self.writer.drain()
            if chunked:
                self.writer.write(b"0\r\n\r\n")
        except BadMessageError:
            # The Machine must not wait for a body that cannot be read.
            self.writer.close()
            raise

    async def _sender_failed(self) -> None:
        """Tell of a client's body that was no body."""
        if self._sending and self._sending.done() and not self._sending.cancelled():
            error = self._sending.exception()
            if isinstance(error, BadMessageError):
                raise error


@dataclass(frozen=True, slots=True)
class Question:
    """What a Machine is asked: a request, as it is sent to it.

    Args:
        method: its method.
        target: path and query.
        headers: without those that concern one connection only.
        has_body: a body follows.
        upgrade: the protocol to go on with, when one is asked for.
    """

    method: str
    target: bytes
    headers: Headers
    has_body: bool
    upgrade: bytes | None = None

    @property
    def is_chunked(self) -> bool:
        """Its body's length is not told ahead."""
        return self.has_body and first_value(self.headers, b"content-length") is None

    def head_bytes(self, body: Body) -> bytes:
        """Its head as it is sent."""
        own: Headers = []
        if self.is_chunked and body.is_whole:
            own.append((b"content-length", str(body.size).encode()))
        elif self.is_chunked:
            own.append((b"transfer-encoding", b"chunked"))
        if self.upgrade:
            own += [(b"connection", b"upgrade"), (b"upgrade", self.upgrade)]
        return request_bytes(self.method, self.target, [*self.headers, *own])


class Connections:
    """Opens connections, and keeps those that can be used again for a moment."""

    def __init__(self) -> None:
        self._idle: dict[Address, list[Connection]] = {}
        self._kept = 0
        self._sweep: asyncio.TimerHandle | None = None

    async def take(self, address: Address, way: Path | None, *, fresh: bool = False) -> Connection:
        """A connection to an address: one that was kept, or a new one.

        Args:
            address: host and port.
            way: between this proxy and what is there.
            fresh: only a new one will do.

        Raises:
            ConnectFailed: there is no connection to be had.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                if way and not way.is_clear:
                    await way.open()
                connection = None if fresh else self._idle_one(address)
                if connection is None:
                    streams = await asyncio.open_connection(*address, limit=_BUFFERED)
                    connection = Connection(*streams, address)
        except TimeoutError:
            raise ConnectFailed("PC05") from None
        except ConnectionRefusedError:
            raise ConnectFailed("PC01") from None
        except ConnectionResetError:
            raise ConnectFailed("PC03") from None
        except OSError:
            raise ConnectFailed("PC06") from None
        connection.way = way
        return connection

    async def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, if it can be used again; close it otherwise."""
        await connection.stop_sending()
        reusable = connection.answers.may_be_used_again and connection.is_alive
        if not reusable or not connection.has_sent_all or self._kept >= _MOST_KEPT:
            connection.close()
            return
        connection.used, connection.way = True, None
        connection.idle_since = time.monotonic()
        self._idle.setdefault(connection.address, []).append(connection)
        self._kept += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_KEPT_FOR_S, self._close_old)

    def close(self) -> None:
        """Close all that are kept."""
        if self._sweep:
            self._sweep.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _idle_one(self, address: Address) -> Connection | None:
        kept = self._idle.get(address)
        while kept:
            connection = kept.pop()
            self._kept -= 1
            if connection.is_alive and time.monotonic() - connection.idle_since < _KEPT_FOR_S:
                return connection
            connection.close()
        return None

    def _close_old(self) -> None:
        oldest = time.monotonic() - _KEPT_FOR_S
        for address, connections in list(self._idle.items()):
            young = [each for each in connections if each.idle_since > oldest and each.is_alive]
            for connection in set(connections) - set(young):
                connection.close()
            self._kept -= len(connections) - len(young)
            if young:
                self._idle[address] = young
            else:
                del self._idle[address]
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(_KEPT_FOR_S, self._close_old) if self._idle else None


def _seen(task: "asyncio.Task[None]") -> None:
    """Take note of how sending ended, or asyncio complains; who reads the answer sees why."""
    if not task.cancelled():
        task.exception()
