"""The loopback ports of one app: one for each of its public ports, opened when asked for."""

import asyncio
from functools import partial
from typing import Final

from pytest_sre.local.fleet import App
from pytest_sre.local.proxy.certificates import Authority
from pytest_sre.local.proxy.delivery import Edges
from pytest_sre.local.proxy.edge import EdgeProxy
from pytest_sre.local.proxy.services import MAIN, Entrance, entrances, find_route
from pytest_sre.local.proxy.streams import Stream, StreamListener
from pytest_sre.local.proxy.tcp import TcpProxy

_MOST: Final = 100


class Doors:
    """Where an app can be reached.

    The first is for plain HTTP and open from the beginning, since the app's URL must not change;
    it never redirects, so that whoever knows no local certificate authority reaches the app.
    Others are opened when somebody asks for them.

    Attributes:
        edge: the app's proxy.

    Args:
        app: the app.
        edges: what the proxies of all apps share.
        authority: certifies its name.
    """

    def __init__(self, app: App, edges: Edges, authority: Authority) -> None:
        self.edge = EdgeProxy(app, edges, self._https_port)
        self._app = app
        self._tcp = TcpProxy(self.edge.balancer, edges.network, edges.connections)
        self._authority = authority
        self._main = StreamListener(partial(self._serve, MAIN))
        self._others: dict[Entrance, StreamListener] = {}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Open the first."""
        await self._main.start()
        self._app.url = f"http://127.0.0.1:{self._main.port}"

    async def open_all(self) -> dict[int, str]:
        """Open one for each public port that the app's Machines have.

        Returns:
            Their URLs, by public port.
        """
        async with self._opening:
            wanted = entrances(each.settings for each in self._app.present())
            main = self._main_port()
            urls = {}
            for port, entrance in list(wanted.items())[:_MOST]:
                listener = self._main if port == main else await self._opened(entrance)
                urls[port] = f"{_scheme(entrance)}://127.0.0.1:{listener.port}"
        return urls

    def stop_accepting(self) -> None:
        """Refuse connections from now on."""
        for listener in (self._main, *self._others.values()):
            listener.stop_accepting()

    async def close(self) -> None:
        """End all of them, and their connections."""
        await asyncio.gather(*(each.close() for each in (self._main, *self._others.values())))

    async def _opened(self, entrance: Entrance) -> StreamListener:
        listener = self._others.get(entrance)
        if listener is None:
            tls = self._authority.server_context(self._app.name) if entrance.is_tls else None
            listener = StreamListener(partial(self._serve, entrance), tls)
            self._others[entrance] = listener
            await listener.start()
        return listener

    async def _serve(self, entrance: Entrance, stream: Stream) -> None:
        if entrance.is_http:
            listener = self._main if entrance is MAIN else self._others[entrance]
            await self.edge.serve_stream(stream, entrance, listener.port)
        else:
            await self._tcp.serve_stream(stream, entrance)

    async def _https_port(self) -> int | None:
        await self.open_all()
        https = (each for each in self._others.items() if each[0].is_http and each[0].is_tls)
        return next((listener.port for _, listener in https), None)

    def _main_port(self) -> int | None:
        """The public port that the first door stands for; none for one that only redirects."""
        routes = (find_route(each.settings, MAIN) for each in self._app.present())
        ports = (each.port for each in routes if each)
        plain = (
            each.port
            for each in ports
            if "tls" not in (each.handlers or ()) and not each.force_https
        )
        return next(plain, None)


def _scheme(entrance: Entrance) -> str:
    names = {(False, True): "http", (True, True): "https", (True, False): "tls"}
    return names.get((entrance.is_tls, entrance.is_http), "tcp")
