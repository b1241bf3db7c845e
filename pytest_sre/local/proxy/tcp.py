"""TCP services: each connection goes to one Machine, as bytes."""

import time

from pytest_sre.local.network import CLIENT, Network, Path, Place
from pytest_sre.local.proxy.balancer import Balancer
from pytest_sre.local.proxy.routing import Wish
from pytest_sre.local.proxy.services import Entrance, find_route
from pytest_sre.local.proxy.streams import Stream
from pytest_sre.local.proxy.tunnel import Side, relay
from pytest_sre.local.proxy.upstream import ConnectFailed, Connection, Connections


class TcpProxy:
    """Serves connections for one app.

    Args:
        balancer: its Machines.
        network: the state of the network.
        connections: to Machines.
    """

    def __init__(self, balancer: Balancer, network: Network, connections: Connections) -> None:
        self._balancer = balancer
        self._network = network
        self._connections = connections

    async def serve_stream(self, stream: Stream, entrance: Entrance) -> None:
        """Serve a client's connection: to the first Machine, in their order, that takes it."""
        stream.is_tunnel = True
        app = self._balancer.app
        region = app.edge_region()
        edge = Place("edge", region)
        way = Path(self._network, CLIENT, edge)
        traffic = app.meter.edge(region)
        traffic.connected()
        try:
            await way.open()
            received, sent = await self._serve(stream, entrance, edge, way)
            traffic.received_bytes += received
            traffic.sent_bytes += sent
        except (ConnectionResetError, ConnectionRefusedError):
            stream.abort()
        finally:
            traffic.disconnected()

    async def _serve(
        self, stream: Stream, entrance: Entrance, edge: Place, way: Path
    ) -> tuple[int, int]:
        tried: set[str] = set()
        while True:
            decision = await self._balancer.decide(entrance, Wish(), edge.region, tried)
            if decision.machine_id is None:
                self._balancer.log("[PR01] no known healthy instances found for route tcp")
                raise ConnectionResetError("no Machine takes the connection")
            record = self._balancer.record(decision.machine_id)
            tried.add(record.id)
            machine = Place("machine", record.region, record.app, record.group, record.id)
            with self._balancer.using(record):
                try:
                    behind = Path(self._network, edge, machine)
                    connection = await self._open(record.id, entrance, behind)
                except ConnectFailed as failed:
                    self._balancer.log(f"[{failed.code}] instance refused connection", record)
                    continue
                try:
                    return await relay(
                        Side(stream.reader, stream.writer),
                        Side(connection.reader, connection.writer),
                        way,
                        behind,
                    )
                finally:
                    connection.close()

    async def _open(self, machine_id: str, entrance: Entrance, way: Path) -> Connection:
        record = self._balancer.record(machine_id)
        route = find_route(record.settings, entrance)
        if route is None or not record.is_reachable:
            raise ConnectFailed("PU03")
        port = record.ports.get(route.service.internal_port, 0)
        if not port:
            # A simulated Machine has a script that answers HTTP, and nothing that listens.
            raise ConnectFailed("PC01")
        began = time.monotonic()
        connection = await self._connections.take(("127.0.0.1", port), way, fresh=True)
        traffic = self._balancer.app.meter.machine(record.region, record.id)
        traffic.connected(time.monotonic() - began)
        connection.on_close = traffic.disconnected
        return connection
