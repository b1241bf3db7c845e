"""Calls about Machines: list, create, read, update, destroy, wait, metadata."""

import asyncio
import secrets
import time
from typing import Any

import msgspec
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
    whole_number,
)
from pytest_sre.local.api.leases import grant
from pytest_sre.local.api.paging import by_age, page_of
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.state import satisfies

_LONGEST_WAIT_S = 60
_MOST_MACHINES = 1000


class _MetadataUpdate(msgspec.Struct):
    metadata: dict[str, str | None] = {}
    machine_version: str = ""


class _MetadataValue(msgspec.Struct):
    value: str


def machine_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machines = "/v1/apps/{app}/machines"
    machine = f"{machines}/{{machine}}"
    return [
        route(machines, get=_list, post=_create),
        route(machine, get=_get, post=_update, delete=_destroy),
        route(f"{machine}/wait", get=_wait),
        route(f"{machine}/events", get=_events),
        route(f"{machine}/versions", get=_versions),
        route(f"{machine}/metadata", get=_metadata, put=_replace_metadata, patch=_patch_metadata),
        route(
            f"{machine}/metadata/{{key}}",
            get=_metadata_value,
            post=_set_metadata_value,
            delete=_delete_metadata_value,
        ),
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
    return answer(record.view(with_lease=flag(request, "include_leases")))


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


async def _wait(request: Request) -> Response:
    record = machine_of(request).record
    query = request.query_params
    wanted = [part for each in query.getlist("state") or ["started"] for part in each.split(",")]
    version = query.get("version") or query.get("instance_id") or ""
    timeout = query.get("timeout", "60").removesuffix("s")
    if not timeout.isdecimal() or not 1 <= int(timeout) <= _LONGEST_WAIT_S:
        raise ApiError(
            400,
            "invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range"
            " [1s, 1m0s]",
        )
    if not await _reached(record, wanted, version, int(timeout)):
        raise ApiError(
            408,
            f"machine failed to reach desired state, {','.join(wanted)}, currently {record.state}",
        )
    event_id = record.events[0]["id"] if record.events else ""
    return answer(
        {"ok": True, "state": record.state, "version": record.instance_id, "event_id": event_id}
    )


async def _reached(record: MachineRecord, wanted: list[str], version: str, timeout_s: int) -> bool:
    until = time.monotonic() + timeout_s
    while True:
        changed = record.changed
        at_version = version in ("", record.instance_id) or record.state == "destroyed"
        if at_version and any(satisfies(record.state, each) for each in wanted):
            return True
        if record.state == "destroyed":
            # flyctl takes it as: ended, and was destroyed, before one could look.
            raise ApiError(404, "machine not found")
        try:
            async with asyncio.timeout(until - time.monotonic()):
                await changed.wait()
        except TimeoutError:
            return False


async def _events(request: Request) -> Response:
    limit = whole_number(request.query_params.get("limit"), 20, 1, 50)
    return answer(machine_of(request).record.events[:limit])


async def _versions(request: Request) -> Response:
    record = machine_of(request).record
    current = {"version": record.instance_id, "user_config": record.blueprint.config}
    return answer([current, *reversed(record.versions)])


async def _metadata(request: Request) -> Response:
    return answer(machine_of(request).record.settings.metadata)


async def _replace_metadata(request: Request) -> Response:
    return await _write_metadata(request, {})


async def _patch_metadata(request: Request) -> Response:
    return await _write_metadata(request, machine_of(request).record.settings.metadata)


async def _write_metadata(request: Request, base: dict[str, str]) -> Response:
    record = machine_of(request).record
    update = await read_body(request, _MetadataUpdate)
    if update.machine_version not in ("", record.instance_id):
        raise ApiError(412, f"aborted: machine version is {record.instance_id}")
    merged = {**base, **update.metadata}
    record.set_metadata({key: value for key, value in merged.items() if value})
    return Response(status_code=204)


async def _metadata_value(request: Request) -> Response:
    metadata = machine_of(request).record.settings.metadata
    key = request.path_params["key"]
    if key not in metadata:
        raise ApiError(404, f"metadata key not found: {key!r}")
    return answer({"value": metadata[key]})


async def _set_metadata_value(request: Request) -> Response:
    record = machine_of(request).record
    value = (await read_body(request, _MetadataValue)).value
    record.set_metadata({**record.settings.metadata, request.path_params["key"]: value})
    return Response(status_code=204)


async def _delete_metadata_value(request: Request) -> Response:
    record = machine_of(request).record
    left = dict(record.settings.metadata)
    left.pop(request.path_params["key"], None)
    record.set_metadata(left)
    return Response(status_code=204)
