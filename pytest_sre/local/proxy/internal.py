"""The proxy that Machines use: it knows the names of the private network."""

import base64
import binascii
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from pytest_sre.local.fleet import App
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.network import OUTSIDE, Path, Place
from pytest_sre.local.proxy.delivery import Edges
from pytest_sre.local.proxy.doors import Doors
from pytest_sre.local.proxy.exchange import Exchange, serve_http
from pytest_sre.local.proxy.heads import end_to_end, first_value
from pytest_sre.local.proxy.internal_names import InternalName, parse_internal_name
from pytest_sre.local.proxy.resolving import is_resolved
from pytest_sre.local.proxy.scripted import ScriptedConnection
from pytest_sre.local.proxy.services import entrances
from pytest_sre.local.proxy.streams import Stream
from pytest_sre.local.proxy.tunnel import Side, relay
from pytest_sre.local.proxy.upstream import (
    Address,
    ConnectFailed,
    Connection,
    ExchangeFailed,
    Question,
)


@dataclass(frozen=True)
class _Goal:
    """Where a request could go: an address, or a simulated Machine."""

    place: Place
    address: Address
    record: MachineRecord | None = None


class InternalProxy:
    """Sends requests for ``.internal`` and ``.flycast`` names to Machines, others onwards.

    Who calls is known by the user name of the proxy's address that each Machine is given.

    Args:
        apps: the platform's apps, by name.
        doors: of each app, by its name.
        edges: what the proxies share.
    """

    def __init__(self, apps: Mapping[str, App], doors: Mapping[str, Doors], edges: Edges) -> None:
        self._apps = apps
        self._doors = doors
        self._edges = edges
        self._turns = itertools.count()

    async def serve_stream(self, stream: Stream) -> None:
        """Serve a Machine's connection."""
        await serve_http(stream, self._serve)

    async def _serve(self, exchange: Exchange) -> None:
        target = _target(exchange)
        if target is None or not target.hostname:
            await exchange.say(400, f"not a host and port: {_shown(exchange)}")
            return
        host, port = target.hostname, target.port or 80
        name = parse_internal_name(host)
        connects = exchange.head.method == "CONNECT"
        caller = self._caller(exchange)
        if caller and not is_resolved(caller, host):
            await exchange.say(502, f"{host}: no such host")
            return
        if name and name.by_proxy and not connects and await self._by_edge(exchange, name, port):
            return
        goals = self._goals(name, port) if name else [_outside(host, port)]
        place = _place(caller) if caller else OUTSIDE
        for goal in goals:
            way = Path(self._edges.network, place, goal.place)
            try:
                await (self._tunnel if connects else self._pass_on)(exchange, goal, way)
            except ConnectFailed:
                continue
            except ExchangeFailed as error:
                await _broken(exchange, f"{host}: no complete answer: {error}")
            return
        why = "refused the connection" if goals else "no started Machine has this name and port"
        await exchange.say(502, f"{host}:{port}: {why}")

    async def _by_edge(self, exchange: Exchange, name: InternalName, port: int) -> bool:
        """Send a request for a public port of an app through the app's own proxy."""
        doors, app = self._doors.get(name.app), self._apps.get(name.app)
        if doors is None or app is None:
            return False
        entrance = entrances(each.settings for each in app.present()).get(port)
        if entrance is None or not entrance.is_http:
            return False
        exchange.head = replace(exchange.head, target=_origin_form(exchange))
        await doors.edge.serve(exchange, entrance, port)
        return True

    async def _pass_on(self, exchange: Exchange, goal: _Goal, way: Path) -> None:
        head = exchange.head
        await exchange.body.take_what_is_here()
        headers = end_to_end(head.headers)
        upgrade = head.upgrade if head.upgrade != b"h2c" else None
        question = Question(head.method, _origin_form(exchange), headers, head.has_body, upgrade)
        if goal.record and goal.record.responder:
            scripted = await ScriptedConnection.open(goal.record.responder, way)
            await _talk(exchange, scripted, question)
            return
        streamed = head.has_body and not exchange.body.is_whole
        connection = await self._edges.connections.take(
            goal.address, way, fresh=streamed or upgrade is not None or head.method == "POST"
        )
        try:
            await _talk(exchange, connection, question)
        finally:
            await self._edges.connections.give_back(connection)

    async def _tunnel(self, exchange: Exchange, goal: _Goal, way: Path) -> None:
        """Open a connection, and pass on what comes, whatever it is."""
        connection = await self._edges.connections.take(goal.address, way, fresh=True)
        await exchange.switch(200, [], b"Connection established")
        stream = exchange.stream
        await relay(
            Side(stream.reader, stream.writer, exchange.rest),
            Side(connection.reader, connection.writer),
            way,
        )

    def _caller(self, exchange: Exchange) -> MachineRecord | None:
        """Who calls, by the user name that it was given for this proxy."""
        given = first_value(exchange.head.headers, b"proxy-authorization") or b""
        try:
            user = base64.b64decode(given.partition(b" ")[2]).partition(b":")[0].decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        for app in self._apps.values():
            if user in app.machines:
                return app.machines[user].record
        return None

    def _goals(self, name: InternalName, port: int) -> list[_Goal]:
        """Where the Machines of that name answer, each time with another one first."""
        app = self._apps.get(name.app)
        fitting = [record for record in app.present() if _fits(name, record)] if app else []
        goals = [
            _Goal(_place(record), ("127.0.0.1", record.ports[port]), record)
            for record in fitting
            if port in record.ports
        ]
        first = next(self._turns) % len(goals) if goals else 0
        return goals[first:] + goals[:first]


async def _talk(
    exchange: Exchange, connection: Connection | ScriptedConnection, question: Question
) -> None:
    head = await connection.ask(question, exchange.body)
    headers = end_to_end(head.headers)
    if question.upgrade and head.status == 101 and isinstance(connection, Connection):
        own = [pair for pair in head.headers if pair[0] in (b"connection", b"upgrade")]
        await exchange.switch(head.status, [*headers, *own], head.reason)
        stream = exchange.stream
        await relay(
            Side(stream.reader, stream.writer, exchange.rest),
            Side(connection.reader, connection.writer, connection.answers.rest or b""),
            connection.way,
        )
        return
    await exchange.begin(head.status, headers, head.reason)
    async for part in connection.parts():
        await exchange.write(part)
    await exchange.end()


async def _broken(exchange: Exchange, text: str) -> None:
    if exchange.status is None:
        await exchange.say(502, text)
    else:
        exchange.cut()


def _target(exchange: Exchange) -> SplitResult | None:
    """Where a request goes: its absolute target, else its host; None when that is none."""
    head = exchange.head
    target = head.target.decode("latin-1")
    host = (first_value(head.headers, b"host") or b"").decode("latin-1")
    if head.method == "CONNECT":
        target = f"//{target}"
    elif not target.startswith("http://"):
        target = f"//{host}"
    try:
        found = urlsplit(target)
        _ = found.port
    except ValueError:
        return None
    return found


def _origin_form(exchange: Exchange) -> bytes:
    """The target without the host."""
    target = exchange.head.target
    if target.startswith(b"/"):
        return target
    rest = target.partition(b"://")[2]
    start = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    path = rest[start:]
    return path if path.startswith(b"/") else b"/" + path


def _shown(exchange: Exchange) -> str:
    return repr(exchange.head.target[:200].decode("latin-1"))


def _outside(host: str, port: int) -> _Goal:
    return _Goal(Place("outside", host=host.lower()), (host, port))


def _place(record: MachineRecord) -> Place:
    return Place("machine", record.region, record.app, record.group, record.id)


def _fits(name: InternalName, record: MachineRecord) -> bool:
    """Whether the name stands for this Machine."""
    if record.state != "started" or not record.is_reachable:
        return False
    if name.by_proxy:
        place = range(len(record.settings.services))
        return not record.cordoned and all(record.passes(each) for each in place)
    dns = record.settings.dns
    if dns and dns.skip_registration:
        return False
    return (
        (name.group is None or name.group == record.group)
        and (name.machine_id is None or name.machine_id == record.id)
        and (name.region is None or name.region == record.region)
    )
