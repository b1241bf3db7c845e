"""Faults of the platform: the calls that switch them, and what makes the API suffer from them."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_sre.local.api.exchange import ApiError, answer, fleet_of, read_body, route
from pytest_sre.local.faults.api_answers import answer_instead, names_in
from pytest_sre.local.faults.kinds import ApiHang, ApiSlow, ClockSkew, DiskFull, Kind
from pytest_sre.local.faults.links import LINK, add_link, link_view
from pytest_sre.local.faults.registry import DEFAULT_S, TooManyFaults, read_kind
from pytest_sre.local.faults.scopes import Scope as FaultScope
from pytest_sre.local.faults.scopes import Site
from pytest_sre.local.fleet import Fleet
from pytest_sre.local.machines.disk_limits import can_limit
from pytest_sre.local.network import TooManyLinksError
from pytest_sre.local.proxy.stale import remember_machines
from pytest_sre.targets.durations import parse_duration_s

_LOOK_AGAIN_S: Final = 0.05
_OWN: Final = "/_local"


class _Lasting(msgspec.Struct, frozen=True):
    for_: str | float = msgspec.field(name="for", default=DEFAULT_S)
    count: int | None = None
    name: str = ""


_SCOPE: Final = frozenset(FaultScope.__struct_fields__)
_LASTING: Final = frozenset({"for", "count", "name"})


def fault_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/_local/faults", get=_list, post=_add, delete=_clear),
        route("/_local/faults/{fault}", delete=_remove),
    ]


async def _add(request: Request) -> Response:
    given = await read_body(request, dict[str, Any])
    try:
        return answer(await _added(fleet_of(request), given), 201)
    except (TooManyFaults, TooManyLinksError) as refusal:
        raise ApiError(409, str(refusal)) from None


async def _added(fleet: Fleet, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("kind") == LINK:
        return link_view(add_link(fleet.network, given))
    told = {key: value for key, value in given.items() if key not in _SCOPE | _LASTING}
    kind = read_kind(told)
    scope = msgspec.convert({k: given[k] for k in _SCOPE & set(given)}, FaultScope)
    lasting = msgspec.convert({k: given[k] for k in _LASTING & set(given)}, _Lasting)
    for_s = parse_duration_s(lasting.for_)
    await _require_possible(kind, fleet)
    fault = fleet.faults.add(kind, scope, for_s=for_s, count=lasting.count, name=lasting.name)
    remember_machines(fleet.apps.values(), fault)
    fleet.settle_faults()
    return fault.view()


async def _require_possible(kind: Kind, fleet: Fleet) -> None:
    """Refuse what this computer cannot do."""
    if isinstance(kind, ClockSkew):
        await fleet.clocks.require_library()
    if isinstance(kind, DiskFull) and not can_limit():
        raise ValueError("expected Linux for disk-full: elsewhere nothing limits what is written")


async def _list(request: Request) -> Response:
    fleet = fleet_of(request)
    # What is not listed is undone.
    fleet.settle_faults()
    faults = [fault.view() for fault in fleet.faults.active()]
    return answer({"faults": [*faults, *map(link_view, fleet.network.views())]})


async def _clear(request: Request) -> Response:
    fleet = fleet_of(request)
    links = sum(fleet.network.remove(view.id) for view in fleet.network.views())
    ended = fleet.faults.clear() + links
    fleet.settle_faults()
    return answer({"ended": ended})


async def _remove(request: Request) -> Response:
    fault_id = request.path_params["fault"]
    fleet = fleet_of(request)
    if not (fleet.faults.remove(fault_id) or fleet.network.remove(fault_id)):
        raise ApiError(404, f"no active fault {fault_id!r}")
    fleet.settle_faults()
    return answer({"ended": 1})


class SufferingApi:
    """The API on a bad day. The platform's own calls are spared, so that it can be ended.

    Args:
        api: the API on a good day.
        fleet: whose faults strike.
    """

    def __init__(self, api: ASGIApp, fleet: Fleet) -> None:
        self._api, self._fleet = api, fleet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        faults = self._fleet.faults
        if scope["type"] != "http" or faults.is_quiet or scope["path"].startswith(_OWN):
            await self._api(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        site = self._site(method, path)
        slow = faults.strike(ApiSlow, site)
        if slow:
            await asyncio.sleep(slow.delay_s)
        instead = answer_instead(faults, method, path, site, time.time())
        if faults.strike(ApiHang, site):
            await self._hang(site)
            await answer({"error": "gateway timeout"}, 504)(scope, receive, send)
        elif instead:
            error = answer({"error": instead.text}, instead.status, instead.headers)
            await error(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    async def _hang(self, site: Site) -> None:
        while self._fleet.faults.find(ApiHang, site):  # noqa: ASYNC110 - it ends by a clock
            await asyncio.sleep(_LOOK_AGAIN_S)

    def _site(self, method: str, path: str) -> Site:
        app_name, machine_id = names_in(path)
        endpoint = f"{method} {path}"
        app = self._fleet.apps.get(app_name)
        lifecycle = app.machines.get(machine_id) if app else None
        if lifecycle is None:
            return Site(app_name, machine_id, endpoint=endpoint)
        return msgspec.structs.replace(lifecycle.record.site, endpoint=endpoint)
