"""Calls about an app's volumes and their snapshots."""

import asyncio
from typing import Any, Final, TypeVar

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
    read_body,
    route,
)
from pytest_sre.local.api.paging import by_age, page_of
from pytest_sre.local.fleet import DEFAULT_REGION, App
from pytest_sre.local.resources.volumes import DEFAULT_SIZE_GB, Snapshot, Volume, snapshot_id

T = TypeVar("T")

_MOST_VOLUMES: Final = 1000


class _NewVolume(msgspec.Struct):
    name: str = ""
    region: str | None = None
    size_gb: int | None = None
    encrypted: bool | None = None
    fstype: str | None = None
    require_unique_zone: bool | None = None
    unique_zone_app_wide: bool | None = None
    snapshot_retention: int | None = None
    auto_backup_enabled: bool | None = None
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    compute: dict[str, Any] | None = None
    compute_image: str | None = None


class _Change(msgspec.Struct):
    snapshot_retention: int | None = None
    auto_backup_enabled: bool | None = None


class _Size(msgspec.Struct):
    size_gb: int


def volume_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/volumes"
    volume = f"{path}/{{volume}}"
    return [
        route(path, get=_list, post=_create),
        route(volume, get=_get, put=_update, delete=_delete),
        route(f"{volume}/extend", put=_extend),
        route(f"{volume}/snapshots", get=_list_snapshots, post=_take_snapshot),
    ]


async def volume_view(request: Request, app: App, volume: Volume) -> dict[str, Any]:
    """A volume as the API shows it, with the Machine that mounts it and what is on it."""
    used_bytes = await fleet_of(request).disks.used_bytes(volume.id)
    return volume.view(app.volume_holders().get(volume.id), used_bytes)


async def _list(request: Request) -> Response:
    app = app_of(request)
    shown, cursor = page_of(
        app.volumes.values(),
        request,
        lambda volume: by_age(volume.created_at, volume.id),
        default=len(app.volumes),
        most=_MOST_VOLUMES,
    )
    headers = {"fly-next-cursor": cursor} if cursor else None
    if flag(request, "summary"):
        holders = app.volume_holders()
        return answer([each.summary(holders.get(each.id)) for each in shown], headers=headers)
    views = await asyncio.gather(*(volume_view(request, app, each) for each in shown))
    return answer(views, headers=headers)


async def _create(request: Request) -> Response:
    wanted = await read_body(request, _NewVolume)
    app = app_of(request)
    source = _source(wanted, app)
    volume = Volume(
        wanted.name,
        wanted.region or (source.region if source else DEFAULT_REGION),
        _or(wanted.size_gb, source.size_gb if source else DEFAULT_SIZE_GB),
        encrypted=_or(wanted.encrypted, True),
        fstype=_or(wanted.fstype, source.fstype if source else Volume.fstype),
        snapshot_retention=_or(wanted.snapshot_retention, Volume.snapshot_retention),
        auto_backup_enabled=_or(wanted.auto_backup_enabled, True),
    )
    if source and volume.size_gb < source.size_gb:
        raise ValueError(f"invalid size_gb {volume.size_gb}: its source has {source.size_gb} GB")
    disks = fleet_of(request).disks
    if wanted.snapshot_id:
        await disks.fill(volume.id, from_snapshot=wanted.snapshot_id)
    elif source:
        await disks.fill(volume.id, from_volume=source.id)
    app.volumes[volume.id] = volume
    return answer(await volume_view(request, app, volume))


def _or(given: T | None, default: T) -> T:
    return default if given is None else given


def _source(wanted: _NewVolume, app: App) -> Volume | None:
    """The volume whose content the new one gets; None when it begins empty."""
    if wanted.snapshot_id:
        for volume in app.volumes.values():
            if any(snapshot.id == wanted.snapshot_id for snapshot in volume.snapshots):
                return volume
        raise ApiError(404, "snapshot not found")
    if wanted.source_volume_id:
        return _find(app, wanted.source_volume_id)
    return None


def _find(app: App, volume_id: str) -> Volume:
    volume = app.volumes.get(volume_id)
    if volume is None:
        raise ApiError(404, "volume not found")
    return volume


def _volume_of(request: Request) -> tuple[App, Volume]:
    app = app_of(request)
    return app, _find(app, request.path_params["volume"])


async def _get(request: Request) -> Response:
    return answer(await volume_view(request, *_volume_of(request)))


async def _update(request: Request) -> Response:
    wanted = await read_body(request, _Change)
    app, volume = _volume_of(request)
    changed = volume.changed(wanted.snapshot_retention, wanted.auto_backup_enabled)
    app.volumes[volume.id] = changed
    return answer(await volume_view(request, app, changed))


async def _delete(request: Request) -> Response:
    app, volume = _volume_of(request)
    holder = app.volume_holders().get(volume.id)
    if holder:
        raise ApiError(412, f"volume is attached to Machine {holder}")
    fleet_of(request).delete_volume(app, volume)
    return answer(volume.summary(None, "pending_destroy"))


async def _extend(request: Request) -> Response:
    size_gb = (await read_body(request, _Size)).size_gb
    app, volume = _volume_of(request)
    app.volumes[volume.id] = volume.extended(size_gb)
    view = await volume_view(request, app, app.volumes[volume.id])
    return answer({"volume": view, "needs_restart": False})


async def _list_snapshots(request: Request) -> Response:
    _, volume = _volume_of(request)
    return answer([snapshot.view() for snapshot in volume.snapshots])


async def _take_snapshot(request: Request) -> Response:
    app, volume = _volume_of(request)
    disks, identity = fleet_of(request).disks, snapshot_id()
    size_bytes, digest = await disks.keep(volume.id, identity)
    # While it was copied, the volume may have been changed, or deleted.
    volume = app.volumes.get(volume.id, volume)
    snapshot = Snapshot(
        size_bytes, volume.size_bytes, digest, volume.snapshot_retention, id=identity
    )
    kept, dropped = volume.with_snapshot(snapshot)
    if volume.id in app.volumes:
        app.volumes[volume.id] = kept
    else:
        dropped = kept.snapshots
    for each in dropped:
        disks.forget(each.id)
    return answer(snapshot.view())
