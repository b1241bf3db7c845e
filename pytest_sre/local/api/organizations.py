"""Calls about organizations and builds, as Fly serves them beside the Machines API."""

import secrets

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, fleet_of, read_body, route
from pytest_sre.local.organizations import find_organization, organization_view


class _Build(msgspec.Struct):
    build_id: int = 0
    status: str = "started"


def organization_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/api/v1/organizations", get=_list_organizations),
        route("/api/v1/organizations/{organization}", get=_get_organization),
        route("/api/v1/builds", post=_note_build),
        route("/api/v1/builds/finish", post=_note_build),
    ]


async def _list_organizations(request: Request) -> Response:
    known = fleet_of(request).organizations()
    return answer({"organizations": [organization_view(slug) for slug in known]})


async def _get_organization(request: Request) -> Response:
    slug = find_organization(fleet_of(request), request.path_params["organization"])
    if slug is None:
        raise ApiError(404, "organization not found")
    return answer({"organization": organization_view(slug)})


async def _note_build(request: Request) -> Response:
    """Answer as if a build was noted: nothing is built here, images are registered."""
    build = await read_body(request, _Build)
    number = build.build_id or secrets.randbelow(2**31) + 1
    return answer({"id": number, "status": build.status, "wallclock_time_ms": 0})
