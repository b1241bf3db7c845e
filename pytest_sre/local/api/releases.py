"""Calls about releases, as Fly serves them beside the Machines API."""

from typing import Any

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
from pytest_sre.local.naming import rfc3339
from pytest_sre.local.releases import Release


class _NewRelease(msgspec.Struct):
    app_name: str
    image: str = ""
    strategy: str = ""
    definition: dict[str, Any] | None = None


class _ReleaseChange(msgspec.Struct):
    status: str
    metadata: dict[str, Any] | None = None


def release_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/api/v1/apps/{app}/releases", get=_list_releases),
        route("/api/v1/apps/{app}/releases/current", get=_current_release),
        route("/api/v1/releases", post=_create_release),
        route("/api/v1/releases/all_current", get=_all_current),
        route("/api/v1/releases/{release}", patch=_update_release),
    ]


async def _list_releases(request: Request) -> Response:
    limit = whole_number(request.query_params.get("limit"), 25, 1, 100)
    return answer({"releases": [each.view() for each in app_of(request).releases[:limit]]})


async def _current_release(request: Request) -> Response:
    releases = app_of(request).releases
    if not releases:
        raise ApiError(404, "release not found")
    return answer(releases[0].view())


async def _all_current(request: Request) -> Response:
    apps = fleet_of(request).apps.values()
    times = {app.name: rfc3339(app.releases[0].created_at) for app in apps if app.releases}
    return answer(times)


async def _create_release(request: Request) -> Response:
    wanted = await read_body(request, _NewRelease)
    app = find_app(request, wanted.app_name)
    release = Release(
        version=len(app.releases) + 1,
        image=wanted.image,
        strategy=wanted.strategy or "ROLLING",
        definition=wanted.definition,
    )
    app.releases.insert(0, release)
    return answer({"release": release.view()}, 201)


async def _update_release(request: Request) -> Response:
    change = await read_body(request, _ReleaseChange)
    release = _find_release(request)
    try:
        release.become(change.status)
    except ValueError as error:
        raise ApiError(422, str(error)) from None
    release.metadata.update(change.metadata or {})
    # flyctl reads the release itself; the answer to creating one has it under a key.
    return answer({**release.view(), "release": release.view()})


def _find_release(request: Request) -> Release:
    wanted = request.path_params["release"]
    every = (each for app in fleet_of(request).apps.values() for each in app.releases)
    release = next((each for each in every if each.id == wanted), None)
    if release is None:
        raise ApiError(404, "release not found")
    return release
