"""Calls about how much memory a Machine may use, and does."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import answer, leased_machine_of, machine_of, read_body, route
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.memory import used_memory
from pytest_sre.local.machines.state import check_allowed

_MB: Final = 1024 * 1024


class _Limit(msgspec.Struct):
    limit_mb: int


class _Amount(msgspec.Struct):
    amount_mb: int


def memory_routes() -> list[BaseRoute]:
    """The routes of this file."""
    path = "/v1/apps/{app}/machines/{machine}/memory"
    return [route(path, get=_get, put=_limit), route(f"{path}/reclaim", post=_reclaim)]


async def _get(request: Request) -> Response:
    return _shown(machine_of(request))


async def _limit(request: Request) -> Response:
    limit_mb = (await read_body(request, _Limit)).limit_mb
    lifecycle = leased_machine_of(request)
    check_allowed("signal", lifecycle.record.state)
    lifecycle.record.limit_memory(limit_mb)
    return _shown(lifecycle)


async def _reclaim(request: Request) -> Response:
    """Take memory back from a Machine: here there is none that it holds and does not use."""
    amount_mb = (await read_body(request, _Amount)).amount_mb
    if amount_mb < 0:
        raise ValueError(f"invalid amount_mb {amount_mb}: expected megabytes")
    check_allowed("signal", leased_machine_of(request).record.state)
    return answer({"actual_mb": 0})


def _shown(lifecycle: Lifecycle) -> Response:
    limit_mb, process = lifecycle.record.memory_mb, lifecycle.execution.process
    used_bytes = used_memory([process.pid])[process.pid] if process else 0
    return answer({"limit_mb": limit_mb, "available_mb": max(0, limit_mb - used_bytes // _MB)})
