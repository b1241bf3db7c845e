"""Calls about leases: who may change a Machine for a while."""

import secrets
import time
import uuid
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    NONCE_HEADER,
    ApiError,
    answer,
    leased_machine_of,
    machine_of,
    read_body,
    route,
)
from pytest_sre.local.machines.records import Lease, MachineRecord

_OWNER: Final = f"{uuid.uuid5(uuid.NAMESPACE_URL, 'local')}@tokens.fly.io"
_DEFAULT_TTL_S: Final = 60
_LONGEST_TTL_S: Final = 3600


class _Wanted(msgspec.Struct):
    ttl: int = 0
    description: str = ""


def lease_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/machines/{machine}/lease"
    return [route(path, get=_get, post=_acquire, delete=_release)]


def grant(record: MachineRecord, ttl_s: int, description: str, nonce: str | None) -> Lease:
    """Give the Machine's lease to the caller.

    Args:
        record: the Machine.
        ttl_s: for how long, in seconds; at most an hour.
        description: why.
        nonce: the one the caller holds, to go on holding it.
    """
    record.lease = Lease(
        nonce or secrets.token_hex(8),
        _OWNER,
        description,
        int(time.time()) + min(ttl_s or _DEFAULT_TTL_S, _LONGEST_TTL_S),
        record.instance_id,
    )
    return record.lease


async def _get(request: Request) -> Response:
    return answer({"status": "success", "data": _current(request).view()})


async def _acquire(request: Request) -> Response:
    record = leased_machine_of(request).record
    wanted = await read_body(request, _Wanted)
    text = request.query_params.get("ttl", "").removesuffix("s")
    ttl_s = int(text) if text.isdecimal() else wanted.ttl
    held = record.current_lease()
    lease = grant(record, ttl_s, wanted.description, held.nonce if held else None)
    return answer({"status": "success", "data": lease.view()}, 201)


async def _release(request: Request) -> Response:
    lease = _current(request)
    if lease.nonce != request.headers.get(NONCE_HEADER):
        leased_machine_of(request)
    machine_of(request).record.lease = None
    return answer({"status": "success", "data": {"ok": True}})


def _current(request: Request) -> Lease:
    lease = machine_of(request).record.current_lease()
    if lease is None:
        raise ApiError(404, "lease not found")
    return lease
