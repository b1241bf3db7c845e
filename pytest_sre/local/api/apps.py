"""Calls about apps themselves."""

import re
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.fly.organization import PERSONAL
from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    fleet_of,
    read_body,
    route,
)
from pytest_sre.local.api.paging import by_age, page_of
from pytest_sre.local.fleet import DEFAULT_NETWORK, App

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MOST_APPS: Final = 5000


class _NewApp(msgspec.Struct):
    name: str = ""
    app_name: str = ""
    org_slug: str = PERSONAL
    network: str | None = None
    app_role_id: str | None = None
    enable_subdomains: bool | None = None
    idempotency_key: str | None = None


def app_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/v1/apps", get=_list_apps, post=_create_app),
        route("/v1/apps/{app}", get=_get_app, delete=_delete_app),
    ]


async def _list_apps(request: Request) -> Response:
    slug, role = request.query_params.get("org_slug"), request.query_params.get("app_role")
    found = [
        app
        for app in fleet_of(request).apps.values()
        if not app.ends
        and (not slug or app.organization == slug)
        and (not role or app.role == role)
    ]
    shown, cursor = page_of(
        found, request, lambda app: by_age(app.created_at, app.id), default=1000, most=_MOST_APPS
    )
    views = [app.view() for app in shown]
    return answer({"apps": views, "total_apps": len(found), "next_cursor": cursor})


async def _create_app(request: Request) -> Response:
    wanted = await read_body(request, _NewApp)
    fleet = fleet_of(request)
    name = wanted.name or wanted.app_name
    known = fleet.apps.get(name)
    if known and wanted.idempotency_key and known.idempotency_key == wanted.idempotency_key:
        return _created(known)
    if known:
        raise ApiError(422, "Validation failed: Name has already been taken", "name_taken")
    if not _NAME.fullmatch(name):
        raise ApiError(
            422,
            "Validation failed: Name may only contain lowercase letters, numbers and dashes,"
            " and is 1 to 63 characters long",
        )
    app = fleet.create_app(
        name,
        wanted.org_slug or PERSONAL,
        network=wanted.network or DEFAULT_NETWORK,
        role=wanted.app_role_id or "",
        idempotency_key=wanted.idempotency_key or "",
    )
    await request.app.state.open_app(app)
    return _created(app)


def _created(app: App) -> Response:
    return answer({**app.view(), "created_at": int(app.created_at)}, 201)


async def _get_app(request: Request) -> Response:
    return answer(app_of(request).view())


async def _delete_app(request: Request) -> Response:
    app = app_of(request)
    # From here on nobody finds it, so that nothing is made in it while it ends.
    app.ends = True
    await request.app.state.close_app(app)
    fleet_of(request).delete_app(app)
    return Response(status_code=202)
