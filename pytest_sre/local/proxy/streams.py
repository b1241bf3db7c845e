"""Listening sockets whose connections are byte streams, plain or by TLS."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

_BUFFERED: Final = 64 * 1024
_BACKLOG: Final = 1024
_END_WITHIN_S: Final = 1.0


class Stream(asyncio.StreamReaderProtocol):
    """One accepted connection.

    A client that goes away ends the work for it; unless the connection is a tunnel, where each
    side may end on its own.

    Attributes:
        reader: what the client sends.
        writer: to the client; once connected.
        is_tunnel: bytes are passed on as they come.
    """

    writer: asyncio.StreamWriter

    def __init__(self, serve: "Serve", streams: "set[Stream]") -> None:
        self.reader = asyncio.StreamReader(_BUFFERED)
        super().__init__(self.reader)
        self.is_tunnel = False
        self.task: asyncio.Task[None] | None = None
        self._serve = serve
        self._streams = streams

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve it."""
        super().connection_made(transport)
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"expected a stream, found {type(transport).__name__}")
        self.writer = asyncio.StreamWriter(transport, self, self.reader, asyncio.get_running_loop())
        self._streams.add(self)
        self.task = asyncio.create_task(self._run())

    def eof_received(self) -> bool:
        """The client sends no more: keep its side open in a tunnel only."""
        super().eof_received()
        return self.is_tunnel and self.writer.get_extra_info("sslcontext") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        if self.task and not self.is_tunnel:
            self.task.cancel()

    @property
    def client(self) -> str:
        """The client's address."""
        return str((self.writer.get_extra_info("peername") or ("127.0.0.1",))[0])

    def abort(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    async def _run(self) -> None:
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await self._serve(self)
        finally:
            self._streams.discard(self)
            self.writer.close()


Serve = Callable[[Stream], Awaitable[None]]


class StreamListener:
    """Serves each connection to a loopback port of its own, once started.

    Args:
        serve: serves one connection; it is closed afterwards.
        tls: the certificate to show; None for plain connections.
    """

    def __init__(self, serve: Serve, tls: ssl.SSLContext | None = None) -> None:
        # Named as TCP, or asyncio leaves Nagle's algorithm on, and answers wait for 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._serve = serve
        self._tls = tls
        self._streams: set[Stream] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to serve."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Stream(self._serve, self._streams),
            sock=self._socket,
            backlog=_BACKLOG,
            ssl=self._tls,
        )

    def stop_accepting(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._server.close()
        else:
            self._socket.close()

    async def close(self) -> None:
        """End the listener and its connections."""
        self.stop_accepting()
        tasks = [stream.task for stream in self._streams if stream.task]
        for stream in list(self._streams):
            stream.abort()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_END_WITHIN_S)
