"""Calls about an app's addresses."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, app_of, read_body, route
from pytest_sre.local.fleet import App
from pytest_sre.local.resources.addresses import Address, assign


class _Wanted(msgspec.Struct):
    type: str
    region: str | None = None
    org_slug: str | None = None
    network: str | None = None
    service_name: str | None = None


def address_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/ip_assignments"
    return [route(path, get=_list, post=_assign), route(f"{path}/{{ip}}", delete=_release)]


async def _list(request: Request) -> Response:
    return answer({"ips": [address.view() for address in app_of(request).addresses]})


async def _assign(request: Request) -> Response:
    wanted = await read_body(request, _Wanted)
    app = app_of(request)
    if wanted.type == "egress_pair":
        first, second = _assigned(app, wanted, "egress_v4"), _assigned(app, wanted, "egress_v6")
        pair = {"v4": first.ip, "v6": second.ip}
        return answer({**first.view(), "ip_pair": pair})
    return answer(_assigned(app, wanted, wanted.type).view())


def _assigned(app: App, wanted: _Wanted, kind: str) -> Address:
    return assign(
        app.addresses,
        kind,
        region=wanted.region or "",
        service_name=wanted.service_name or "",
        network=wanted.network or app.network,
        organization=wanted.org_slug or app.organization,
    )


async def _release(request: Request) -> Response:
    app, ip = app_of(request), request.path_params["ip"]
    left = [address for address in app.addresses if address.ip != ip]
    if len(left) == len(app.addresses):
        raise ApiError(404, "ip assignment not found")
    app.addresses = left
    return Response(status_code=204)
