"""Calls about Machines: list, create, read, update, destroy."""

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.blueprints import WantedMachine, blueprint_of
from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    app_of,
    flag,
    fleet_of,
    leased_machine_of,
    machine_of,
    read_body,
    route,
)
from pytest_sre.local.api.leases import grant
from pytest_sre.local.api.paging import by_age, page_of
from pytest_sre.local.machines.records import MachineRecord

_MOST_MACHINES = 1000


def machine_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machines = "/v1/apps/{app}/machines"
    machine = f"{machines}/{{machine}}"
    return [
        route(machines, get=_list, post=_create),
        route(machine, get=_get, post=_update, delete=_destroy),
    ]


async def _list(request: Request) -> Response:
    found = [
        lifecycle.record
        for lifecycle in app_of(request).machines.values()
        if _is_wanted(lifecycle.record, request)
    ]
    shown, cursor = page_of(
        found,
        request,
        lambda record: by_age(record.created_at, record.id),
        default=len(found),
        most=_MOST_MACHINES,
    )
    views = [
        record.view(summary=flag(request, "summary"), with_lease=flag(request, "include_leases"))
        for record in shown
    ]
    return answer(views, headers={"fly-next-cursor": cursor} if cursor else None)


def _is_wanted(record: MachineRecord, request: Request) -> bool:
    """Whether the query's filters let a Machine pass."""
    query = request.query_params
    states = {part for part in query.get("state", "").split(",") if part}
    metadata = {
        key.removeprefix("metadata."): value
        for key, value in query.multi_items()
        if key.startswith("metadata.")
    }
    return (
        (record.state != "destroyed" or flag(request, "include_deleted"))
        and (not states or record.state in states)
        and (not query.get("region") or record.region == query["region"])
        and metadata.items() <= record.settings.metadata.items()
    )


async def _create(request: Request) -> Response:
    app_of(request)
    wanted = await read_body(request, WantedMachine)
    app, fleet = app_of(request), fleet_of(request)
    region = wanted.region or app.edge_region()
    blueprint = blueprint_of(wanted, app, fleet, region=region, before=None)
    taken = {record.name for record in app.present()}
    name = wanted.name or f"local-machine-{secrets.token_hex(6)}"
    if name in taken:
        raise ApiError(409, f"already_exists: unique machine name violation, {name!r} is taken")
    record = app.create_machine(
        blueprint,
        name=name,
        region=region,
        cordoned=bool(wanted.skip_service_registration),
        skip_launch=bool(wanted.skip_launch),
    )
    return answer(_leased(record, wanted.lease_ttl))


def _leased(record: MachineRecord, ttl_s: int | None) -> dict[str, Any]:
    """The Machine as the API shows it, with its lease's nonce when one was asked for."""
    if not ttl_s:
        return record.view()
    return {**record.view(), "nonce": grant(record, ttl_s, "", record.current_lease()).nonce}


async def _get(request: Request) -> Response:
    record = machine_of(request).record
    view = record.view(with_lease=flag(request, "include_leases"))
    wanted = request.query_params.get("version", "")
    if wanted in ("", record.instance_id):
        return answer(view)
    for former in record.versions:
        if former["version"] == wanted:
            config = former["user_config"]
            return answer({**view, "config": config, "version": wanted, "instance_id": wanted})
    raise ApiError(404, f"machine version not found: {wanted[:40]!r}")


async def _update(request: Request) -> Response:
    machine_of(request)
    wanted = await read_body(request, WantedMachine)
    lifecycle = leased_machine_of(request)
    record = lifecycle.record
    if (wanted.current_version or record.instance_id) != record.instance_id:
        raise ApiError(
            412,
            f"aborted: machine version is {record.instance_id}, not {wanted.current_version}",
        )
    app, fleet = app_of(request), fleet_of(request)
    blueprint = blueprint_of(wanted, app, fleet, region=record.region, before=record)
    lifecycle.update(blueprint, skip_launch=bool(wanted.skip_launch))
    return answer(_leased(record, wanted.lease_ttl))


async def _destroy(request: Request) -> Response:
    leased_machine_of(request).destroy(force=flag(request, "force", "kill"))
    return answer({"ok": True})
