"""The proxy in front of an app: one listener, all of the app's Machines that serve HTTP."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from starlette.types import Receive, Scope, Send

from pytest_sre import __version__
from pytest_sre.fly.config import MachineConfig, Service
from pytest_sre.local.fleet import App
from pytest_sre.local.logbook import Origin
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.state import Refused
from pytest_sre.local.naming import ulid
from pytest_sre.local.proxy.counting import CountedAnswer
from pytest_sre.local.proxy.routing import Candidate, Decision, Wish, choose, wish_from_headers
from pytest_sre.local.proxy.scripted import answer_scripted
from pytest_sre.local.proxy.stale import as_known
from pytest_sre.local.proxy.upstream import (
    ConnectFailed,
    ExchangeFailed,
    HeaderList,
    Inbound,
    answer_text,
    answer_with,
    pass_on,
    read_inbound,
    unless_gone,
)

_SERVER: Final = f"Fly/{__version__} (local)".encode()
_VIA: Final = b"1.1 fly.io"
_BROKE_OFF: Final = (
    "[PU02] could not complete HTTP request to instance: connection closed before message completed"
)
_LONGEST_WAIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.02
_CONNECT_PATIENCE_S: Final = 1.0
_WAKING: Final = frozenset({"starting", "started"})


class EdgeProxy:
    """Routes requests to the app's Machines, as an ASGI application.

    Args:
        app: the app.
        session: the HTTP client.
    """

    def __init__(self, app: App, session: aiohttp.ClientSession) -> None:
        self._app = app
        self._session = session
        self._turns = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        answer = CountedAnswer(send)
        inbound = await read_inbound(scope, receive)
        work = asyncio.create_task(self._serve(scope, inbound, answer))
        try:
            if inbound.rest is None:
                await unless_gone(work, receive)
            else:
                await work
        finally:
            answer.add_to(self._app.meter.edge(self._app.edge_region()), len(inbound.body))

    async def _serve(self, scope: Scope, inbound: Inbound, send: Send) -> None:
        edge = self._app.edge_region()
        request_id = f"{ulid()}-{edge}".encode()
        own = [(b"fly-request-id", request_id), (b"server", _SERVER), (b"via", _VIA)]
        headers = inbound.header_map()
        wish = wish_from_headers(headers)
        added = _added(scope, headers, request_id, edge)
        tried: dict[str, str] = {}
        refusals: dict[str, str] = {}
        attempts = 0
        until = time.monotonic() + _CONNECT_PATIENCE_S
        while True:
            decision = await self._decide(wish, edge, tried)
            if decision.machine_id is None and tried and time.monotonic() < until:
                # A process that has just been started may not listen yet.
                tried.clear()
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            if decision.machine_id is None:
                status, text = self._refuse(decision, refusals, attempts)
                await answer_text(send, status, text, own)
                return
            record = self._app.machines[decision.machine_id].record
            try:
                with self._using(record, inbound, send) as sending:
                    _require_reachable(record)
                    if record.responder:
                        await answer_scripted(record.responder, inbound, sending, replaced=own)
                        return
                    answer = await pass_on(self._session, inbound, _origin(record), added=added)
                    await answer_with(answer, sending, replaced=own)
            except ConnectFailed:
                attempts += 1
                tried[record.id] = refusals[record.id] = _refused_text(record)
            except ExchangeFailed:
                self._log(_BROKE_OFF, record)
                await answer_text(send, 502, "the Machine gave no complete answer", own)
                return
            except ConnectionResetError:
                self._log(_BROKE_OFF, record)
                raise
            else:
                return

    async def _decide(self, wish: Wish, edge: str, tried: dict[str, str]) -> Decision:
        """Choose a Machine; wait for one that is being started, or is full, for a while."""
        until = time.monotonic() + _LONGEST_WAIT_S
        woken: str | None = None
        while True:
            decision = choose(self._candidates(tried), wish, edge)
            if decision.wake and decision.wake != woken:
                woken = decision.wake
                self._wake(woken)
            waiting = decision.full or (woken is not None and self._is_coming(woken))
            if decision.machine_id or not waiting or time.monotonic() > until:
                return decision
            await asyncio.sleep(_LOOK_AGAIN_S)

    def candidates(self) -> list[Candidate]:
        """The Machines that have a public service, as they are now."""
        return self._candidates({})

    def _candidates(self, tried: dict[str, str]) -> list[Candidate]:
        current = [
            _candidate(record, *public)
            for record in self._app.present()
            if record.id not in tried and (public := public_service(record.settings))
        ]
        return as_known(self._app, current)

    def _wake(self, machine_id: str) -> None:
        lifecycle = self._app.machines[machine_id]
        self._log("Starting machine", lifecycle.record, level="info")
        try:
            lifecycle.start(source="proxy")
        except Refused as refused:
            self._log(f'[PM01] machines API returned an error: "{refused}"', lifecycle.record)

    def _is_coming(self, machine_id: str) -> bool:
        return self._app.machines[machine_id].record.state in _WAKING

    @contextmanager
    def _using(
        self, record: MachineRecord, inbound: Inbound, send: Send
    ) -> Iterator[CountedAnswer]:
        record.load += 1
        record.turn = next(self._turns)
        answer = CountedAnswer(send)
        try:
            yield answer
        finally:
            record.load -= 1
            answer.add_to(self._app.meter.machine(record.region, record.id), len(inbound.body))

    def _refuse(
        self, decision: Decision, refusals: dict[str, str], attempts: int
    ) -> tuple[int, str]:
        """Log why nothing can serve, and say it briefly to the client."""
        searched = (
            f"could not find a good candidate within {max(1, attempts)} attempts at load balancing"
        )
        if refusals:
            for machine_id, text in refusals.items():
                self._log(text, self._app.machines[machine_id].record)
            last = list(refusals.values())[-1]
            self._log(f"[PR03] {searched}. last error: {last}")
            return 502, "no Machine took the request"
        if decision.unknown:
            self._log("[PR02] machine not found")
            return 503, "the Machine asked for does not exist"
        if decision.full:
            self._log("[PL01] all Machines are at their hard limit")
            return 503, "all Machines are at their hard limit"
        self._log(f"[PR04] {searched}")
        return 503, "no healthy Machine"

    def _log(self, text: str, record: MachineRecord | None = None, *, level: str = "error") -> None:
        origin = Origin(record.id, record.region) if record else Origin()
        code = int(text[3:5]) if text.startswith("[P") else None
        self._app.logbook.write(text, provider="proxy", level=level, origin=origin, error_code=code)


def public_service(settings: MachineConfig) -> tuple[int, Service] | None:
    """The service that the app's URL stands for, with its place: the first with a public port."""
    numbered = list(enumerate(settings.services))
    return next((each for each in numbered if each[1].ports), numbered[0] if numbered else None)


def _require_reachable(record: MachineRecord) -> None:
    if not record.is_reachable:
        raise ConnectFailed


def _refused_text(record: MachineRecord) -> str:
    if not record.is_reachable:
        return "[PU03] unreachable worker host: the host of the instance does not answer"
    public = public_service(record.settings)
    port = public[1].internal_port if public else 0
    return (
        f"[PC01] instance refused connection. is your app listening on 0.0.0.0:{port}?"
        " make sure it listens on the port that PORT names (hint: look at your startup logs,"
        " servers often print the address they are listening on)"
    )


def _candidate(record: MachineRecord, place: int, service: Service) -> Candidate:
    limits = service.concurrency
    return Candidate(
        record.id,
        record.region,
        record.state,
        record.cordoned,
        record.passes(place),
        record.load,
        limits.soft_limit if limits else None,
        limits.hard_limit if limits else None,
        service.autostart is not False,
        record.turn,
    )


def _origin(record: MachineRecord) -> str:
    public = public_service(record.settings)
    port = record.ports.get(public[1].internal_port, 0) if public else 0
    return f"http://127.0.0.1:{port}"


def _added(scope: Scope, headers: dict[str, str], request_id: bytes, edge: str) -> HeaderList:
    client = (scope["client"] or ("127.0.0.1", 0))[0]
    port = str(scope["server"][1]).encode()
    forwarded = headers.get("x-forwarded-for")
    chain = f"{forwarded}, {client}" if forwarded else client
    via = headers.get("via")
    return [
        (b"fly-client-ip", client.encode()),
        (b"fly-forwarded-port", port),
        (b"fly-region", edge.encode()),
        (b"fly-request-id", request_id),
        (b"x-forwarded-for", chain.encode("latin-1")),
        (b"x-forwarded-port", port),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-ssl", b"off"),
        (b"via", f"{via}, 1.1 fly.io".encode("latin-1") if via else _VIA),
    ]
