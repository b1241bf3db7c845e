"""Calls about the hostnames of an app and their certificates."""

import time
from dataclasses import replace
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, app_of, read_body, route
from pytest_sre.local.api.paging import page_of
from pytest_sre.local.fleet import App
from pytest_sre.local.resources.certificates import Hostname
from pytest_sre.local.resources.pem import read_certificate

_SHOWN: Final = 25
_MOST_SHOWN: Final = 500


class _Wanted(msgspec.Struct):
    hostname: str


class _Custom(msgspec.Struct):
    hostname: str
    fullchain: str
    private_key: str


def certificate_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/certificates"
    hostname = f"{path}/{{hostname}}"
    return [
        route(path, get=_list),
        route(f"{path}/acme", post=_request_acme),
        route(f"{path}/custom", post=_bring),
        route(hostname, get=_get, delete=_delete),
        route(f"{hostname}/acme", delete=_delete_acme),
        route(f"{hostname}/custom", delete=_delete_custom),
        route(f"{hostname}/check", post=_check),
    ]


async def _list(request: Request) -> Response:
    part = request.query_params.get("filter", "").lower()
    found = [each for each in app_of(request).hostnames.values() if part in each.name]
    shown, cursor = page_of(
        found, request, lambda each: each.name, default=_SHOWN, most=_MOST_SHOWN
    )
    views = [each.summary() for each in shown]
    return answer({"certificates": views, "next_cursor": cursor, "total_count": len(found)})


async def _request_acme(request: Request) -> Response:
    name = (await read_body(request, _Wanted)).hostname
    app = app_of(request)
    return _kept(app, replace(_known_or_new(app, name), acme_requested=True), 201)


async def _bring(request: Request) -> Response:
    wanted = await read_body(request, _Custom)
    app = app_of(request)
    known = _known_or_new(app, wanted.hostname)
    try:
        custom = read_certificate(wanted.fullchain, wanted.private_key, known.name)
    except ValueError as error:
        raise ApiError(422, str(error)) from None
    return _kept(app, replace(known, custom=custom), 201)


async def _get(request: Request) -> Response:
    app, known = _hostname_of(request)
    return answer(known.detail(app.name))


async def _check(request: Request) -> Response:
    app, known = _hostname_of(request)
    if known.acme_requested and known.issued_at is None:
        known = replace(known, issued_at=time.time(), updated_at=time.time())
        app.hostnames[known.name] = known
    return answer(known.checked(app.name))


async def _delete(request: Request) -> Response:
    app, known = _hostname_of(request)
    del app.hostnames[known.name]
    return Response(status_code=204)


async def _delete_acme(request: Request) -> Response:
    app, known = _hostname_of(request)
    return _kept(app, replace(known, acme_requested=False, issued_at=None))


async def _delete_custom(request: Request) -> Response:
    app, known = _hostname_of(request)
    if known.custom is None:
        raise ApiError(404, "custom certificate not found")
    _kept(app, replace(known, custom=None))
    warning = "" if known.issued_at else f"{known.name} has no certificate any more"
    return answer({"message": f"custom certificate of {known.name} removed", "warning": warning})


def _known_or_new(app: App, name: str) -> Hostname:
    name = name.lower()
    try:
        return app.hostnames.get(name) or Hostname(name)
    except ValueError as error:
        raise ApiError(422, str(error)) from None


def _hostname_of(request: Request) -> tuple[App, Hostname]:
    app = app_of(request)
    known = app.hostnames.get(request.path_params["hostname"].lower())
    if known is None:
        raise ApiError(404, "certificate not found")
    return app, known


def _kept(app: App, changed: Hostname, status: int = 200) -> Response:
    changed = replace(changed, updated_at=time.time())
    app.hostnames[changed.name] = changed
    return answer(changed.detail(app.name), status)
