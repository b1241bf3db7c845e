"""The calls by which an app begins anew, as often as a search for its faults needs that."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from pytest_sre.local.api.exchange import ApiError, answer, app_of, fleet_of, route
from pytest_sre.local.fleet import App
from pytest_sre.local.machines.records import Begun, MachineRecord

_HEALTHY_WITHIN_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 5.0


def beginning_routes() -> list[BaseRoute]:
    """The routes of this file."""
    return [route("/_local/apps/{app}/beginning", put=_keep, post=_begin_anew)]


async def _keep(request: Request) -> Response:
    """Remember an app as it is: its Machines, and what is on their volumes when they stop."""
    app, fleet = app_of(request), fleet_of(request)
    begun = [Begun.of(record) for record in app.present()]
    await _halt(app, at_once=False)
    for volume in app.volumes:
        await fleet.disks.keep_beginning(volume)
    app.begun = begun
    return await _begun(app)


async def _begin_anew(request: Request) -> Response:
    """Have an app as it was remembered, with fresh processes; nothing is wrong any more."""
    app, fleet = app_of(request), fleet_of(request)
    if not app.begun:
        raise ApiError(409, f"the beginning of {app.name} was not kept: PUT this path first")
    fleet.faults.clear()
    for view in fleet.network.views():
        fleet.network.remove(view.id)
    await _halt(app, at_once=True)
    for volume in app.volumes:
        await fleet.disks.restore_beginning(volume)
    return await _begun(app)


async def _halt(app: App, *, at_once: bool) -> None:
    machines = list(app.machines.values())
    await asyncio.gather(
        *(each.close(at_once=at_once, timeout_s=_STOP_TIMEOUT_S) for each in machines)
    )


async def _begun(app: App) -> Response:
    began = time.monotonic()
    started = app.put_back(app.begun)
    try:
        async with asyncio.timeout(_HEALTHY_WITHIN_S):
            await asyncio.gather(*map(_healthy, started))
    except TimeoutError:
        raise ApiError(
            504, f"not healthy within {_HEALTHY_WITHIN_S:g}s: {_shortcomings(started)}"
        ) from None
    return answer({"machines": len(started), "took_s": time.monotonic() - began})


async def _healthy(record: MachineRecord) -> None:
    while not _is_healthy(record):
        await record.changed.wait()


def _is_healthy(record: MachineRecord) -> bool:
    return record.state == "started" and all(
        check.status == "passing" for check in record.checks.values()
    )


def _shortcomings(records: Iterable[MachineRecord]) -> str:
    return ", ".join(
        f"{each.group} {each.id} is {each.state}" for each in records if not _is_healthy(each)
    )
