"""Calls about all Machines and volumes of an organization, whatever app they belong to."""

import asyncio
import datetime as dt
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, flag, fleet_of, route
from pytest_sre.local.api.paging import by_age, page_of
from pytest_sre.local.api.volumes import volume_view
from pytest_sre.local.fleet import App
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.naming import rfc3339
from pytest_sre.local.resources.volumes import Volume

_MOST: Final = 1000


def overview_routes() -> list[BaseRoute]:
    """The routes of this file."""
    organization = "/v1/orgs/{organization}"
    return [
        route(f"{organization}/machines", get=_list_machines),
        route(f"{organization}/volumes", get=_list_volumes),
    ]


async def _list_machines(request: Request) -> Response:
    found = [
        lifecycle.record
        for app in _apps_of(request)
        for lifecycle in app.machines.values()
        if lifecycle.record.state != "destroyed" or flag(request, "include_deleted")
        if _is_wanted(lifecycle.record, lifecycle.record.state, request)
    ]
    shown, cursor = page_of(
        found, request, lambda each: by_age(each.updated_at, each.id), default=_MOST, most=_MOST
    )
    return answer(
        {
            "machines": [_machine(record) for record in shown],
            "next_cursor": cursor,
            "last_machine_id": shown[-1].id if shown else "",
            "last_updated_at": rfc3339(shown[-1].updated_at) if shown else "",
            "error_regions": [],
        }
    )


async def _list_volumes(request: Request) -> Response:
    found = [
        (app, volume)
        for app in _apps_of(request)
        for volume in app.volumes.values()
        if _is_wanted(volume, "created", request)
    ]
    shown, cursor = page_of(
        found,
        request,
        lambda each: by_age(each[1].updated_at, each[1].id),
        default=_MOST,
        most=_MOST,
    )
    views = await asyncio.gather(*(_volume(request, app, volume) for app, volume in shown))
    return answer(
        {
            "volumes": views,
            "next_cursor": cursor,
            "last_volume_id": shown[-1][1].id if shown else "",
            "last_updated_at": rfc3339(shown[-1][1].updated_at) if shown else "",
        }
    )


def _apps_of(request: Request) -> list[App]:
    fleet, slug = fleet_of(request), request.path_params["organization"]
    if slug not in fleet.organizations():
        raise ApiError(404, "organization not found")
    return [app for app in fleet.apps.values() if app.organization == slug and not app.ends]


def _is_wanted(item: MachineRecord | Volume, state: str, request: Request) -> bool:
    """Whether the query's filters let an item pass."""
    query = request.query_params
    states = {part for part in query.get("state", "").split(",") if part}
    return (
        query.get("region", item.region) in ("", item.region)
        and (not states or state in states)
        and _moment(item.updated_at) > _updated_after(request)
    )


def _moment(at: float) -> dt.datetime:
    """Unix seconds as they are shown: to the microsecond."""
    return dt.datetime.fromtimestamp(at, dt.UTC)


def _updated_after(request: Request) -> dt.datetime:
    """The time in RFC 3339 that the query has; long ago when it has none."""
    text = request.query_params.get("updated_after", "")
    if not text:
        return _moment(0)
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"invalid updated_after {text[:40]!r}: expected RFC 3339") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _machine(record: MachineRecord) -> dict[str, Any]:
    config = record.blueprint.config
    return {
        "app_name": record.app,
        "id": record.id,
        "name": record.name,
        "state": record.state,
        "region": record.region,
        "version": record.instance_id,
        "private_ip": record.private_ip,
        "config": {
            "guest": config["guest"],
            "image": config.get("image", ""),
            "metadata": record.settings.metadata,
        },
        "created_at": rfc3339(record.created_at),
        "updated_at": rfc3339(record.updated_at),
    }


async def _volume(request: Request, app: App, volume: Volume) -> dict[str, Any]:
    shown = (
        volume.summary(app.volume_holders().get(volume.id))
        if flag(request, "summary")
        else await volume_view(request, app, volume)
    )
    return {**shown, "app_name": app.name, "updated_at": rfc3339(volume.updated_at)}
