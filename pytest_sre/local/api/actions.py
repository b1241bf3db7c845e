"""Calls that change the state of a Machine: start, stop, restart, suspend, signal, cordon."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import (
    answer,
    body_duration_s,
    flag,
    leased_machine_of,
    machine_of,
    query_duration_s,
    read_body,
    route,
)
from pytest_sre.local.machines.signals import signal_number
from pytest_sre.local.machines.state import check_allowed


class _Stop(msgspec.Struct):
    id: str | None = None
    signal: str | int | None = None
    timeout: str | float | None = None


class _Signal(msgspec.Struct):
    signal: str | int


def action_routes() -> list[BaseRoute]:
    """The routes of this file."""
    machine = "/v1/apps/{app}/machines/{machine}"
    return [
        route(f"{machine}/start", post=_start),
        route(f"{machine}/stop", post=_stop),
        route(f"{machine}/restart", post=_restart),
        route(f"{machine}/suspend", post=_suspend),
        route(f"{machine}/signal", post=_signal),
        route(f"{machine}/cordon", post=_cordon),
        route(f"{machine}/uncordon", post=_uncordon),
    ]


async def _start(request: Request) -> Response:
    before = leased_machine_of(request).start()
    return answer({"previous_state": before, "migrated": False, "new_host": ""})


async def _stop(request: Request) -> Response:
    wanted = await read_body(request, _Stop)
    # fly-go writes a timeout that was not given as "0s".
    timeout_s = body_duration_s(wanted.timeout) or None
    leased_machine_of(request).stop(wanted.signal, timeout_s)
    return answer({"ok": True})


async def _restart(request: Request) -> Response:
    query = request.query_params
    timeout_s = query_duration_s(query.get("timeout", "")) or None
    leased_machine_of(request).restart(
        query.get("signal"), timeout_s, force=flag(request, "force_stop")
    )
    return answer({"ok": True})


async def _suspend(request: Request) -> Response:
    leased_machine_of(request).suspend()
    return answer({"ok": True})


async def _signal(request: Request) -> Response:
    number = signal_number((await read_body(request, _Signal)).signal)
    # fly-go sends no nonce with it, so that a lease cannot be in its way.
    lifecycle = machine_of(request)
    check_allowed("signal", lifecycle.record.state)
    lifecycle.execution.signal(number)
    return answer({"ok": True})


async def _cordon(request: Request) -> Response:
    leased_machine_of(request).set_cordoned(True)
    return answer({"ok": True})


async def _uncordon(request: Request) -> Response:
    leased_machine_of(request).set_cordoned(False)
    return answer({"ok": True})
