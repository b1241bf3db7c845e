"""Servers for the probes to look at: real ones, on loopback and on ports of their own."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

from pytest_sre.probes import BackgroundLoop

T = TypeVar("T")

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Run = Callable[[Coroutine[Any, Any, T]], T]


@pytest.fixture(scope="session")
def background() -> Iterator[BackgroundLoop]:
    with BackgroundLoop() as loop:
        yield loop


@pytest.fixture
def run(background: BackgroundLoop) -> Run:
    return lambda coroutine: background.run(coroutine, 90)


@contextlib.asynccontextmanager
async def _served(talk: Talk, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve connections by `talk`, each cut when it returns."""
    talking: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
                await talk(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(one(reader, writer))
        talking.add(task)
        task.add_done_callback(talking.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, backlog=256)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(talking):
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)


@pytest.fixture
def serve(background: BackgroundLoop) -> Iterator[Callable[..., int]]:
    """Start a server that treats each connection as told; gives its port."""
    with contextlib.ExitStack() as ends:

        def start(talk: Talk, tls: ssl.SSLContext | None = None) -> int:
            served = _served(talk, tls)
            port = background.run(served.__aenter__(), 60)
            ends.callback(lambda: background.run(served.__aexit__(None, None, None), 60))
            return port

        yield start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def server_tls() -> Callable[[trustme.LeafCert], ssl.SSLContext]:
    def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(tls)
        return tls

    return context
