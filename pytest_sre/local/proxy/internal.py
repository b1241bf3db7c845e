"""The proxy that Machines use: it knows the names of the private network."""

import itertools
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from starlette.types import Receive, Scope, Send

from pytest_sre.local.fleet import App
from pytest_sre.local.machines.records import MachineRecord, Responder
from pytest_sre.local.proxy.internal_names import InternalName, parse_internal_name
from pytest_sre.local.proxy.scripted import answer_scripted
from pytest_sre.local.proxy.upstream import (
    ConnectFailed,
    ExchangeFailed,
    answer_text,
    answer_with,
    pass_on,
    read_inbound,
)


class InternalProxy:
    """Sends requests for ``.internal`` and ``.flycast`` names to Machines, others onwards.

    Args:
        apps: the platform's apps, by name.
        session: the HTTP client.
    """

    def __init__(self, apps: Mapping[str, App], session: aiohttp.ClientSession) -> None:
        self._apps = apps
        self._session = session
        self._turns = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        inbound = await read_inbound(scope, receive)
        try:
            address = urlsplit(f"//{inbound.host}")
            host, port = address.hostname or "", address.port or 80
        except ValueError:
            await answer_text(send, 400, f"not a host and port: {inbound.host!r}")
            return
        name = parse_internal_name(host)
        origins: list[str | Responder] = [f"http://{inbound.host}"]
        if name:
            origins = self._origins(name, port)
        for origin in origins:
            try:
                if not isinstance(origin, str):
                    await answer_scripted(origin, inbound, send)
                    return
                answer = await pass_on(self._session, inbound, origin, added=[])
                await answer_with(answer, send)
            except ConnectFailed:
                continue
            except ExchangeFailed as error:
                await answer_text(send, 502, f"{host}: no complete answer: {error}")
                return
            else:
                return
        why = "refused the connection" if origins else "no started Machine has this name and port"
        await answer_text(send, 502, f"{host}:{port}: {why}")

    def _origins(self, name: InternalName, port: int) -> list[str | Responder]:
        """Where the Machines of that name answer, each time with another one first."""
        app = self._apps.get(name.app)
        fitting = [record for record in app.present() if _fits(name, record)] if app else []
        origins = [_origin(record, port) for record in fitting if port in record.ports]
        if not origins:
            return []
        first = next(self._turns) % len(origins)
        return origins[first:] + origins[:first]


def _origin(record: MachineRecord, port: int) -> str | Responder:
    return record.responder or f"http://127.0.0.1:{record.ports[port]}"


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
