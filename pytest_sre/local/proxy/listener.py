"""An HTTP listener on an ephemeral loopback port."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """Serves an ASGI application on a port of its own, once started.

    Args:
        application: what it serves.
    """

    def __init__(self, application: ASGIApp) -> None:
        # Named as TCP, or asyncio leaves Nagle's algorithm on, and answers wait for 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = _QuietServer(
            uvicorn.Config(
                application,
                http="auto",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=0,
                backlog=1024,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve. Connections are accepted from now on, and answered very soon."""
        self._socket.listen(1024)
        self._serving = asyncio.create_task(self._server.serve([self._socket]))

    def stop_accepting(self) -> None:
        """Refuse connections from now on."""
        for server in self._server.servers:
            server.close()

    async def close(self) -> None:
        """End the listener and its connections."""
        self._server.should_exit = True
        if self._serving:
            await asyncio.wait([self._serving])
        self._socket.close()
