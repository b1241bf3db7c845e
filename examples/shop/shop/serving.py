"""Serving an ASGI app over HTTP."""

import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from shop.settings import Address, ConfigurationError

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            log.info("listening on port %d", listener.getsockname()[1])


def serve(app: ASGIApp, address: Address) -> None:
    """Serve `app` until the process is told to stop; open requests then get one second.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        # Longer than clients keep an idle connection, so that they never meet a closing one.
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    _Server(config).run(sockets=[_listen(address)])


def _listen(address: Address) -> socket.socket:
    is_ipv6 = ":" in address.host
    try:
        listener = socket.create_server(
            (address.host, address.port),
            family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
            dualstack_ipv6=is_ipv6,
            backlog=1024,
        )
    except OSError as error:
        where = f"{address.host} port {address.port}"
        raise ConfigurationError(f"cannot listen on {where}: {error.strerror}") from error
    # asyncio does this only for sockets it made itself; without it a body that follows its
    # headers waits 40 ms for the client's acknowledgement. Connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
