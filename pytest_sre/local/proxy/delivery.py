"""One request on its way through the proxy, until it has its answer."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.metrics.meter import Traffic
from pytest_sre.local.network import Network, Path, Place
from pytest_sre.local.proxy.balancer import LOOK_AGAIN_S, Balancer
from pytest_sre.local.proxy.edge_headers import Arrival, answer_headers
from pytest_sre.local.proxy.exchange import Exchange
from pytest_sre.local.proxy.heads import (
    IDEMPOTENT,
    AnswerHead,
    Headers,
    by_name,
    end_to_end,
    with_replaced,
)
from pytest_sre.local.proxy.messages import declared_length
from pytest_sre.local.proxy.replays import ReplayRefusedError, Replays, is_replay, read_replay
from pytest_sre.local.proxy.routing import Decision, wish_from_headers
from pytest_sre.local.proxy.scripted import ScriptedConnection
from pytest_sre.local.proxy.services import Entrance, Route
from pytest_sre.local.proxy.tunnel import Side, relay
from pytest_sre.local.proxy.upstream import (
    ConnectFailed,
    Connection,
    Connections,
    ExchangeFailed,
    Question,
)

_BROKE_OFF: Final = (
    "[PU02] could not complete HTTP request to instance: connection closed before message completed"
)
_BRIEF: Final = {
    "PL01": (503, "all Machines are at their hard limit"),
    "PR02": (503, "the Machine asked for does not exist"),
    "PR03": (502, "no Machine took the request"),
    "PR04": (503, "no healthy Machine"),
}
_CONNECT_PATIENCE_S: Final = 1.0
# As often as Fly says that its proxy tries.
_MOST_ATTEMPTS: Final = 90
_SMALL_ANSWER: Final = 256 * 1024
_SWITCHING: Final = 101
_LEAVING: Final = frozenset({"stopping", "replacing"})


@dataclass(frozen=True)
class Edges:
    """What the proxies of all apps share.

    Args:
        network: the state of the network.
        connections: to Machines.
        balancers: by the name of the app.
    """

    network: Network
    connections: Connections
    balancers: dict[str, Balancer]


class Delivery:
    """Brings one request to a Machine, to another when that fails, and the answer back.

    Args:
        edges: what the proxies share.
        balancer: of the app that the request is for.
        exchange: the request.
        entrance: where it came in.
        arrival: how.
    """

    def __init__(
        self,
        edges: Edges,
        balancer: Balancer,
        exchange: Exchange,
        entrance: Entrance,
        arrival: Arrival,
    ) -> None:
        self._edges = edges
        self._exchange = exchange
        self._entrance = entrance
        self._arrival = arrival
        self._headers = end_to_end(exchange.head.headers)
        named = by_name(self._headers)
        self._added = arrival.for_machine(named)
        self._replays = Replays(edges.balancers, balancer, wish_from_headers(named))
        self._tried: set[str] = set()
        self._refusals: dict[str, str] = {}
        self._attempts = 0
        self._fresh = False
        self._patient_until = time.monotonic() + _CONNECT_PATIENCE_S

    async def run(self) -> None:
        """Serve the request."""
        await self._exchange.body.take_what_is_here()
        while not await self._try_once():
            pass

    async def _try_once(self) -> bool:
        """Choose a Machine and pass the request on; whether it was answered."""
        replays, balancer = self._replays, self._replays.balancer
        decision = await balancer.decide(
            self._entrance,
            replays.wish,
            self._arrival.region,
            self._tried | replays.excluded,
            replays.left_s(),
        )
        record = balancer.record(decision.machine_id) if decision.machine_id else None
        route = balancer.route(record, self._entrance) if record else None
        if record is None or route is None:
            return await self._nobody(decision)
        try:
            with balancer.using(record):
                return await self._pass_on(record, route)
        except ConnectFailed as failed:
            self._attempts += 1
            self._tried.add(record.id)
            self._refusals[record.id] = _refused_text(route, failed.code)
            return False
        except ReplayRefusedError as refused:
            balancer.log(str(refused), record)
            await self._exchange.say(502, refused.brief, self._arrival.for_client())
            return True
        except ExchangeFailed as failed:
            return await self._broken(balancer, record, again=failed.again)

    async def _nobody(self, decision: Decision) -> bool:
        """No Machine can take it now: look again, go back to where it was replayed, or refuse."""
        replays = self._replays
        if self._tried and time.monotonic() < self._patient_until and replays.left_s():
            # A process that has just been started may not listen yet.
            self._tried.clear()
            await asyncio.sleep(LOOK_AGAIN_S)
            return False
        if replays.go_back(refused=bool(self._refusals)):
            self._start_over()
            return False
        code = replays.balancer.log_refusal(decision, self._refusals, self._attempts)
        await self._exchange.say(*_BRIEF[code], self._arrival.for_client())
        return True

    def _start_over(self) -> None:
        """It goes elsewhere now, where nothing was tried yet."""
        self._tried.clear()
        self._refusals.clear()
        self._fresh = False
        self._patient_until = time.monotonic() + _CONNECT_PATIENCE_S

    async def _broken(self, balancer: Balancer, record: MachineRecord, *, again: bool) -> bool:
        """The Machine gave no whole answer: try again where that is safe, or say so."""
        exchange = self._exchange
        safe = exchange.head.method in IDEMPOTENT and exchange.body.can_repeat
        self._attempts += 1
        safe = safe and self._attempts < _MOST_ATTEMPTS
        if exchange.status is None and safe and (again or record.state in _LEAVING):
            # A connection that was kept may have been ended just then, and a Machine that is
            # being stopped ends what it has not begun with.
            self._fresh = True
            self._refusals[record.id] = _BROKE_OFF
            return False
        balancer.log(_BROKE_OFF, record)
        if exchange.status is None:
            await exchange.say(
                502, "the Machine gave no complete answer", self._arrival.for_client()
            )
        else:
            exchange.cut()
        return True

    async def _pass_on(self, record: MachineRecord, route: Route) -> bool:
        """Ask a Machine; whether the client has its answer."""
        question = self._question(record)
        way = self._way_to(record)
        if not record.is_reachable:
            raise ConnectFailed("PU03")
        if record.responder:
            scripted = await ScriptedConnection.open(record.responder, way)
            return await self._talk(scripted, question, record, route)
        port = record.ports.get(route.service.internal_port, 0)
        streamed = question.has_body and not self._exchange.body.is_whole
        fresh = self._fresh or streamed or question.upgrade is not None
        began = time.monotonic()
        connection = await self._edges.connections.take(("127.0.0.1", port), way, fresh=fresh)
        if not connection.used:
            traffic = self._metered(record)
            traffic.connected(time.monotonic() - began)
            connection.on_close = traffic.disconnected
        try:
            return await self._talk(connection, question, record, route)
        finally:
            await self._edges.connections.give_back(connection)

    async def _talk(
        self,
        connection: Connection | ScriptedConnection,
        question: Question,
        record: MachineRecord,
        route: Route,
    ) -> bool:
        exchange = self._exchange
        began = time.monotonic()
        head = await connection.ask(question, exchange.body)
        if is_replay(head):
            self._replays.follow(await read_replay(head, connection.parts()), record, exchange.body)
            self._start_over()
            return False
        if head.status == _SWITCHING and isinstance(connection, Connection):
            await self._switch(connection, head, record)
        else:
            await self._answer(connection, head, route)
        took_s = time.monotonic() - began
        self._metered(record).answered(head.status, took_s, exchange.body.size, exchange.sent_bytes)
        return True

    async def _answer(
        self, connection: Connection | ScriptedConnection, head: AnswerHead, route: Route
    ) -> None:
        exchange = self._exchange
        headers = answer_headers(end_to_end(head.headers), self._arrival, route.port)
        length = declared_length(head.headers)
        if length is not None and length <= _SMALL_ANSWER:
            # Whole or not at all: one that breaks off is a 502 instead.
            body = b"".join([part async for part in connection.parts()])
            await exchange.begin(head.status, headers, head.reason)
            await exchange.write(body)
            await exchange.end()
            return
        await exchange.begin(head.status, headers, head.reason)
        await exchange.flush()
        async for part in connection.parts():
            await exchange.write(part)
        await exchange.end()

    async def _switch(
        self, connection: Connection, head: AnswerHead, record: MachineRecord
    ) -> None:
        """Go on with another protocol, such as WebSocket, in both directions."""
        exchange, stream = self._exchange, self._exchange.stream
        own = [pair for pair in head.headers if pair[0] in (b"connection", b"upgrade")]
        headers = with_replaced(end_to_end(head.headers), self._arrival.for_client())
        await exchange.switch(head.status, [*headers, *own], head.reason)
        await relay(
            Side(stream.reader, stream.writer, exchange.rest),
            Side(connection.reader, connection.writer, connection.answers.rest or b""),
            exchange.way,
            self._way_to(record),
        )

    def _question(self, record: MachineRecord) -> Question:
        head, replays = self._exchange.head, self._replays
        headers = self._headers
        if head.has_body and self._exchange.body.is_whole:
            length = (b"content-length", str(self._exchange.body.size).encode())
            headers = with_replaced(headers, [length])
        elif head.method in ("POST", "PUT", "PATCH") and not head.has_body:
            headers = with_replaced(headers, [(b"content-length", b"0")])
        added: Headers = list(self._added)
        if (preferred := replays.wish.prefer_machine) not in (None, record.id):
            added.append((b"fly-preferred-instance-unavailable", str(preferred).encode("latin-1")))
        path = replays.transform.path
        return Question(
            head.method,
            path.encode("latin-1", "replace") if path else head.target,
            replays.headers(with_replaced(headers, added)),
            head.has_body,
            head.upgrade if head.upgrade != b"h2c" else None,
        )

    def _way_to(self, record: MachineRecord) -> Path:
        machine = Place("machine", record.region, record.app, record.group, record.id)
        return Path(self._edges.network, Place("edge", self._arrival.region), machine)

    def _metered(self, record: MachineRecord) -> Traffic:
        meter = self._edges.balancers[record.app].app.meter
        return meter.machine(record.region, record.id)


_WHY: Final = {
    "PC03": "connection to instance was reset",
    "PC05": "timed out while connecting to your instance. this indicates a problem with your app"
    " (hint: look at your logs and metrics)",
    "PC06": "I/O error while connecting to instance",
    "PU03": "unreachable worker host: the host of the instance does not answer",
}


def _refused_text(route: Route, code: str) -> str:
    if code in _WHY:
        return f"[{code}] {_WHY[code]}"
    return (
        f"[PC01] instance refused connection. is your app listening on"
        f" 0.0.0.0:{route.service.internal_port}?"
        " make sure it listens on the port that PORT names (hint: look at your startup logs,"
        " servers often print the address they are listening on)"
    )
