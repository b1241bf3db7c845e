"""The proxy in front of an app: takes its requests, and brings each to one of its Machines."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path as FilePath
from typing import Final

from pytest_sre.local.fleet import App
from pytest_sre.local.naming import ulid
from pytest_sre.local.network import CLIENT, Path, Place
from pytest_sre.local.network.distances import is_known
from pytest_sre.local.proxy.balancer import Balancer
from pytest_sre.local.proxy.delivery import Delivery, Edges
from pytest_sre.local.proxy.edge_headers import Arrival
from pytest_sre.local.proxy.exchange import Exchange, serve_http
from pytest_sre.local.proxy.heads import first_value
from pytest_sre.local.proxy.services import MAIN, Entrance, find_route
from pytest_sre.local.proxy.statics import (
    StaticFile,
    StaticsMissingError,
    answer_static,
    find_static,
)
from pytest_sre.local.proxy.streams import Stream

_EDGE_HEADER: Final = b"x-local-edge"


class EdgeProxy:
    """Serves HTTP for one app.

    Args:
        app: the app.
        edges: what the proxies of all apps share.
        https_port: where the app's own HTTPS is, for redirects; None when it has none.
    """

    def __init__(
        self, app: App, edges: Edges, https_port: Callable[[], Awaitable[int | None]]
    ) -> None:
        self.app = app
        self.balancer = Balancer(app)
        self._edges = edges
        self._https_port = https_port

    async def serve_stream(self, stream: Stream, entrance: Entrance, port: int) -> None:
        """Serve a client's connection.

        Args:
            stream: the connection.
            entrance: the way in.
            port: the loopback port that stands for it.
        """
        traffic = self.app.meter.edge(self.app.edge_region())
        traffic.connected()
        try:
            await serve_http(stream, lambda exchange: self.serve(exchange, entrance, port))
        finally:
            traffic.disconnected()

    async def serve(self, exchange: Exchange, entrance: Entrance, port: int) -> None:
        """Serve one request."""
        began = time.monotonic()
        region = self._region(exchange)
        edge = Place("edge", region)
        exchange.way = Path(self._edges.network, CLIENT, edge)
        try:
            if not exchange.way.is_clear:
                await exchange.way.open()
                await exchange.way.carry(len(exchange.head.target), begins=True)
        except (ConnectionResetError, ConnectionRefusedError):
            exchange.cut()
            return
        arrival = Arrival(
            f"{ulid()}-{region}".encode(), region, exchange.stream.client, port, entrance.is_tls
        )
        try:
            if not await self._served_here(exchange, entrance, arrival):
                await Delivery(self._edges, self.balancer, exchange, entrance, arrival).run()
        finally:
            if exchange.status is not None:
                took_s = time.monotonic() - began
                self.app.meter.edge(region).answered(
                    exchange.status, took_s, exchange.body.size, exchange.sent_bytes
                )

    def _region(self, exchange: Exchange) -> str:
        """Where the request comes in: where the client says, or else in the primary region."""
        wanted = first_value(exchange.head.headers, _EDGE_HEADER)
        region = wanted.decode("latin-1") if wanted else ""
        return region if is_known(region) else self.app.edge_region()

    async def _served_here(self, exchange: Exchange, entrance: Entrance, arrival: Arrival) -> bool:
        """Answer what needs no Machine; whether that was done."""
        redirects = not entrance.is_tls and entrance is not MAIN
        if redirects and (location := await self._redirect(exchange, entrance)):
            await exchange.answer(301, b"", [(b"location", location), *arrival.for_client()])
            return True
        if exchange.head.method not in ("GET", "HEAD"):
            return False
        try:
            found = self._static(exchange)
        except StaticsMissingError as error:
            self.balancer.log(f"[PR05] {error}")
            await exchange.say(503, "the files to serve are missing", arrival.for_client())
            return True
        if found is None:
            return False
        await answer_static(exchange, found, arrival.for_client())
        return True

    async def _redirect(self, exchange: Exchange, entrance: Entrance) -> bytes | None:
        """Where a plain request has to go, when the port insists on HTTPS."""
        routes = (find_route(each.settings, entrance) for each in self.app.present())
        route = next(filter(None, routes), None)
        if route is None or not route.port.force_https:
            return None
        port = await self._https_port()
        if port is None:
            return None
        host = (first_value(exchange.head.headers, b"host") or b"127.0.0.1").partition(b":")[0]
        return b"https://%b:%d%b" % (host, port, exchange.head.target)

    def _static(self, exchange: Exchange) -> StaticFile | None:
        """The file that a request is for, from the image of the oldest Machine that has any."""
        records = (each for each in self.app.present() if each.settings.statics)
        record = next(records, None)
        if record is None:
            return None
        root = FilePath(record.blueprint.image.root)
        return find_static(record.settings, root, exchange.head.target)
