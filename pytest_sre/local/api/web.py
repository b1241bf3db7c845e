"""Calls that Fly serves beside the Machines API: releases and logs."""

import time
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    find_app,
    fleet_of,
    read_body,
    route,
    whole_number,
)
from pytest_sre.local.logbook import Line
from pytest_sre.local.naming import rfc3339, rfc3339_ns, ulid

_USER: Final = {"id": "local", "email": "local@localhost", "name": "local"}
_STATUSES: Final = ("pending", "running", "complete", "failed", "interrupted")


class _NewRelease(msgspec.Struct):
    app_name: str
    image: str = ""
    strategy: str = "ROLLING"
    definition: Any = None


class _ReleaseChange(msgspec.Struct):
    status: str


def web_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/api/v1/apps/{app}/releases", get=_list_releases),
        route("/api/v1/apps/{app}/releases/current", get=_current_release),
        route("/api/v1/releases", post=_create_release),
        route("/api/v1/releases/{release}", patch=_update_release),
        route("/api/v1/apps/{app}/logs", get=_logs),
    ]


async def _list_releases(request: Request) -> Response:
    limit = whole_number(request.query_params.get("limit"), 25, 1, 100)
    return answer({"releases": app_of(request).releases[:limit]})


async def _current_release(request: Request) -> Response:
    releases = app_of(request).releases
    if not releases:
        raise ApiError(404, "release not found")
    return answer({"release": releases[0]})


async def _create_release(request: Request) -> Response:
    wanted = await read_body(request, _NewRelease)
    app = find_app(request, wanted.app_name)
    release = {
        "id": f"rel_{ulid().lower()}",
        "version": len(app.releases) + 1,
        "stable": False,
        "in_progress": True,
        "status": "pending",
        "strategy": wanted.strategy,
        "user": _USER,
        "created_at": rfc3339(time.time()),
        "image_ref": wanted.image,
    }
    app.releases.insert(0, release)
    return answer({"release": release}, 201)


async def _update_release(request: Request) -> Response:
    change = await read_body(request, _ReleaseChange)
    if change.status not in _STATUSES:
        raise ApiError(422, f"unknown release status {change.status!r}")
    wanted = request.path_params["release"]
    every = (each for app in fleet_of(request).apps.values() for each in app.releases)
    release = next((each for each in every if each["id"] == wanted), None)
    if release is None:
        raise ApiError(404, "release not found")
    release["status"] = change.status
    release["in_progress"] = change.status in ("pending", "running")
    release["stable"] = change.status == "complete"
    return answer({"release": release})


async def _logs(request: Request) -> Response:
    query = request.query_params
    token = query.get("next_token", "")
    if token and not token.isdecimal():
        raise ApiError(400, f"invalid next_token: {token!r}")
    lines, next_ns = app_of(request).logbook.page(
        int(token) if token else None,
        machine_id=query.get("instance", ""),
        region=query.get("region", ""),
    )
    return answer(
        {"data": [_line_view(line) for line in lines], "meta": {"next_token": str(next_ns)}}
    )


def _line_view(line: Line) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "instance": line.machine_id,
        "region": line.region,
        "event": {"provider": line.provider},
    }
    if line.error_code is not None:
        meta["error"] = {"code": line.error_code, "message": line.message}
    return {
        "id": str(line.at_ns),
        "type": "log",
        "attributes": {
            "timestamp": rfc3339_ns(line.at_ns),
            "message": line.message,
            "level": line.level,
            "instance": line.machine_id,
            "region": line.region,
            "meta": meta,
        },
    }
