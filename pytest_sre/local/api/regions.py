"""Calls about regions: which there are, and what fits where."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import answer, read_body, route
from pytest_sre.local.fleet import DEFAULT_REGION
from pytest_sre.local.machines.guests import check_guest
from pytest_sre.local.regions import COORDINATES, REGIONS

_ROOM: Final = 100
_ANY: Final = "any"
_MID_ATLANTIC: Final = -30.0
_URAL: Final = 60.0


class _Placement(msgspec.Struct):
    org_slug: str
    region: str = ""
    count: int = 0
    compute: dict[str, Any] | None = None
    volume_name: str = ""
    volume_size_bytes: int = 0
    weights: dict[str, int] | None = None


def region_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [
        route("/v1/platform/regions", get=_list),
        route("/v1/platform/placements", post=_place),
    ]


async def _list(request: Request) -> Response:  # noqa: ARG001
    return answer({"nearest": DEFAULT_REGION, "regions": [_region(code) for code in REGIONS]})


def _region(code: str) -> dict[str, Any]:
    latitude, longitude = COORDINATES[code]
    return {
        "code": code,
        "name": REGIONS[code],
        "latitude": latitude,
        "longitude": longitude,
        "geo_region": _part_of_world(latitude, longitude),
        "gateway_available": False,
        "requires_paid_plan": False,
        "deprecated": False,
        "mpg_available": False,
        "capacity": _ROOM,
    }


def _part_of_world(latitude: float, longitude: float) -> str:
    """The platform's name of the continent, told from where its regions are."""
    if longitude < _MID_ATLANTIC:
        return "north_america" if latitude > 0 else "south_america"
    if longitude > _URAL:
        return "asia_pacific"
    return "europe" if latitude > 0 else "africa"


async def _place(request: Request) -> Response:
    """Where Machines would go: all here is one machine, so there is room in each region."""
    wanted = await read_body(request, _Placement)
    if wanted.count < 0 or wanted.volume_size_bytes < 0:
        raise ValueError("invalid placement: count and volume_size_bytes are not negative")
    if wanted.compute:
        check_guest(wanted.compute)
    named = [code for code in wanted.region.split(",") if code in REGIONS]
    others = [code for code in REGIONS if code not in named]
    regions = named + (others if not named or _ANY in wanted.region.split(",") else [])
    if wanted.count:
        regions = regions[:1]
    count = wanted.count or _ROOM
    return answer(
        {"regions": [{"region": c, "count": count, "concurrency": count} for c in regions]}
    )
