"""Calls about a Machine's metadata. A lease does not keep anyone from writing it."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    ApiError,
    answer,
    living_machine_of,
    machine_of,
    read_body,
    route,
)
from pytest_sre.local.machines.records import MachineRecord

_MOST_KEYS: Final = 1000


class _Update(msgspec.Struct):
    metadata: dict[str, str | None] | None = None
    machine_version: str | None = None
    updated_at: str | None = None


class _Value(msgspec.Struct):
    value: str | None
    updated_at: str | None = None


def metadata_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/machines/{machine}/metadata"
    return [
        route(path, get=_get, put=_replace, patch=_patch),
        route(f"{path}/{{key}}", get=_get_value, post=_set_value, delete=_delete_value),
    ]


async def _get(request: Request) -> Response:
    return answer(machine_of(request).record.settings.metadata)


async def _replace(request: Request) -> Response:
    record, given = await _update_of(request)
    return _written(record, {}, given)


async def _patch(request: Request) -> Response:
    record, given = await _update_of(request)
    return _written(record, record.settings.metadata, given)


async def _get_value(request: Request) -> Response:
    metadata, key = machine_of(request).record.settings.metadata, request.path_params["key"]
    if key not in metadata:
        raise ApiError(404, f"metadata key not found: {key!r}")
    return answer({"value": metadata[key]})


async def _set_value(request: Request) -> Response:
    value = (await read_body(request, _Value)).value
    record = living_machine_of(request).record
    return _written(record, record.settings.metadata, {request.path_params["key"]: value})


async def _delete_value(request: Request) -> Response:
    record = living_machine_of(request).record
    return _written(record, record.settings.metadata, {request.path_params["key"]: None})


async def _update_of(request: Request) -> tuple[MachineRecord, dict[str, str | None]]:
    update = await read_body(request, _Update)
    record = living_machine_of(request).record
    if (update.machine_version or record.instance_id) != record.instance_id:
        raise ApiError(412, f"aborted: machine version is {record.instance_id}")
    return record, update.metadata or {}


def _written(
    record: MachineRecord, before: Mapping[str, str], given: Mapping[str, str | None]
) -> Response:
    """Write what was there with what was given; nothing, or empty text, removes a key."""
    merged = {key: value for key, value in {**before, **given}.items() if value}
    if len(merged) > _MOST_KEYS:
        raise ValueError(f"metadata: at most {_MOST_KEYS} keys, found {len(merged)}")
    record.set_metadata(merged)
    return Response(status_code=204)
