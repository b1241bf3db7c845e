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
    living_machine_of,
    machine_of,
    query_duration_s,
    read_body,
    route,
)
from pytest_sre.local.machines.records import Lease, MachineRecord

_OWNER: Final = f"{uuid.uuid5(uuid.NAMESPACE_URL, 'local')}@tokens.fly.io"
_DEFAULT_TTL_S: Final = 60
_LONGEST_TTL_S: Final = 3600


class _Wanted(msgspec.Struct):
    ttl: int | None = None
    description: str | None = None


def lease_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/machines/{machine}/lease"
    return [route(path, get=_get, post=_acquire, delete=_release)]


def grant(record: MachineRecord, ttl_s: int, description: str, held: Lease | None) -> Lease:
    """Give the Machine's lease to the caller.

    Args:
        record: the Machine.
        ttl_s: for how long, in seconds: 0 for a minute, at most an hour.
        description: why.
        held: the lease that the caller holds already; its nonce stays.

    Raises:
        ValueError: the time is negative.
    """
    if ttl_s < 0:
        raise ValueError(f"invalid lease ttl {ttl_s}: expected seconds")
    record.lease = Lease(
        held.nonce if held else secrets.token_hex(8),
        _OWNER,
        description or (held.description if held else ""),
        int(time.time()) + min(ttl_s or _DEFAULT_TTL_S, _LONGEST_TTL_S),
        record.instance_id,
    )
    return record.lease


async def _get(request: Request) -> Response:
    return answer({"status": "success", "data": _current(request).view()})


async def _acquire(request: Request) -> Response:
    living_machine_of(request)
    wanted = await read_body(request, _Wanted)
    ttl_s = _ttl_s(request.query_params.get("ttl", "")) or wanted.ttl or 0
    # Nothing is awaited between this look at the lease and the grant: only one caller gets it.
    record = leased_machine_of(request).record
    lease = grant(record, ttl_s, wanted.description or "", record.current_lease())
    return answer({"status": "success", "data": lease.view()}, 201)


def _ttl_s(text: str) -> int:
    seconds = query_duration_s(text)
    return max(1, int(seconds)) if seconds else 0


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
