"""Calls about Machines: list, create, read, update, destroy, wait, metadata."""

import asyncio
import secrets
import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

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
from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.records import Blueprint, MachineRecord
from pytest_sre.local.machines.state import satisfies

_LONGEST_WAIT_S = 60


class _Wanted(msgspec.Struct):
    config: dict[str, Any]
    name: str = ""
    region: str = ""
    skip_launch: bool = False
    skip_service_registration: bool = False
    skip_secrets: bool = False
    lease_ttl: int = 0
    current_version: str = ""


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
    query = request.query_params
    states = {part for part in query.get("state", "").split(",") if part}
    wanted_metadata = {
        key.removeprefix("metadata."): value
        for key, value in query.multi_items()
        if key.startswith("metadata.")
    }
    records = [lifecycle.record for lifecycle in app_of(request).machines.values()]
    found = [
        record
        for record in records
        if (record.state != "destroyed" or flag(request, "include_deleted"))
        and (not states or record.state in states)
        and (not query.get("region") or record.region == query["region"])
        and wanted_metadata.items() <= record.settings.metadata.items()
    ]
    shown, cursor = _page(found, request)
    views = [
        record.view(summary=flag(request, "summary"), with_lease=flag(request, "include_leases"))
        for record in shown
    ]
    return answer(views, headers={"fly-next-cursor": cursor} if cursor else None)


def _page(records: list[MachineRecord], request: Request) -> tuple[list[MachineRecord], str]:
    """The part of a list that was asked for, and the cursor of the next part."""
    after = request.query_params.get("cursor", "")
    ids = [record.id for record in records]
    start = ids.index(after) + 1 if after in ids else 0
    limit = whole_number(request.query_params.get("limit"), 1000, 1, 1000)
    shown = records[start : start + limit]
    return shown, shown[-1].id if start + limit < len(records) else ""


async def _create(request: Request) -> Response:
    app, fleet = app_of(request), fleet_of(request)
    wanted = await read_body(request, _Wanted)
    blueprint = _blueprint(wanted, app, fleet)
    taken = {record.name for record in app.present()}
    name = wanted.name or f"local-machine-{secrets.randbelow(10**6):06d}"
    if name in taken:
        raise ApiError(409, f"already_exists: unique machine name violation, {name!r} is taken")
    record = app.create_machine(
        blueprint,
        name=name,
        region=wanted.region or app.edge_region(),
        cordoned=wanted.skip_service_registration,
        skip_launch=wanted.skip_launch,
    )
    if not wanted.lease_ttl:
        return answer(record.view())
    lease = grant(record, wanted.lease_ttl, "", None)
    return answer({**record.view(), "nonce": lease.nonce})


def _blueprint(wanted: _Wanted, app: App, fleet: Fleet) -> Blueprint:
    ref = wanted.config.get("image", "")
    image = fleet.find_image(ref)
    if image is None:
        raise ApiError(400, f'Could not find image "{ref}"')
    values = {} if wanted.skip_secrets else {n: each.value for n, each in app.secrets.items()}
    blueprint = Blueprint.read(_with_volumes(wanted.config, app), image, values)
    _check_volumes(blueprint, app)
    return blueprint


def _with_volumes(config: dict[str, Any], app: App) -> dict[str, Any]:
    """Mounts that name a volume by its name get a free volume's id."""
    mounts = config.get("mounts") or []
    held = {
        volume["id"]
        for volume in map(app.attached_volume, app.volumes.values())
        if volume["attached_machine_id"]
    }
    named = [_with_volume(mount, app, held) for mount in mounts]
    return {**config, "mounts": named} if mounts else config


def _with_volume(mount: dict[str, Any], app: App, held: set[str]) -> dict[str, Any]:
    if mount.get("volume"):
        known = app.volumes.get(mount["volume"])
        return {**mount, "name": mount.get("name") or known["name"]} if known else mount
    free = (
        volume["id"]
        for volume in app.volumes.values()
        if volume["name"] == mount.get("name") and volume["id"] not in held
    )
    return {**mount, "volume": next(free, None)}


def _check_volumes(blueprint: Blueprint, app: App) -> None:
    for mount in blueprint.settings.mounts:
        if mount.volume not in app.volumes:
            raise ApiError(
                400, f"invalid config.mounts: no free volume {mount.volume or mount.name!r}"
            )


async def _get(request: Request) -> Response:
    record = machine_of(request).record
    return answer(record.view(with_lease=flag(request, "include_leases")))


async def _update(request: Request) -> Response:
    lifecycle = leased_machine_of(request)
    record = lifecycle.record
    wanted = await read_body(request, _Wanted)
    if wanted.current_version not in ("", record.instance_id):
        raise ApiError(
            412,
            f"aborted: machine version is {record.instance_id}, not {wanted.current_version}",
        )
    blueprint = _blueprint(wanted, app_of(request), fleet_of(request))
    lifecycle.update(blueprint, skip_launch=wanted.skip_launch)
    return answer(record.view())


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
            return False
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
    record = leased_machine_of(request).record
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
    record = leased_machine_of(request).record
    value = (await read_body(request, _MetadataValue)).value
    record.set_metadata({**record.settings.metadata, request.path_params["key"]: value})
    return Response(status_code=204)


async def _delete_metadata_value(request: Request) -> Response:
    record = leased_machine_of(request).record
    left = dict(record.settings.metadata)
    left.pop(request.path_params["key"], None)
    record.set_metadata(left)
    return Response(status_code=204)
