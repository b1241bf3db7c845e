"""Stops Machines that have nothing to do, where their service asks for it."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from pytest_sre.local.fleet import App
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.state import Refused
from pytest_sre.local.proxy.balancer import Balancer
from pytest_sre.local.proxy.routing import idle_machine
from pytest_sre.local.proxy.services import public_service

# Fly looks every few minutes; whoever works at a laptop waits no longer than this.
PERIOD_S: Final = 60.0


async def stop_idle_machines(
    balancers: Callable[[], Iterable[Balancer]], *, period_s: float = PERIOD_S
) -> None:
    """Once in a while stop, in each region of each app, one Machine that is not needed.

    Args:
        balancers: of all apps.
        period_s: how often.
    """
    seen: dict[str, int] = {}
    while True:
        await asyncio.sleep(period_s)
        for balancer in list(balancers()):
            app = balancer.app
            for region in {each.region for each in app.present()}:
                _stop_one(app, balancer, region, seen)
            seen.update({each.id: each.turn for each in app.present()})


def _stop_one(app: App, balancer: Balancer, region: str, seen: dict[str, int]) -> None:
    """Stop one Machine of a region, if one is idle."""
    stoppable = {each.id: each for each in app.present() if _autostop(each)}
    here = [
        each
        for each in balancer.candidates()
        if each.region == region and each.machine_id in stoppable
    ]
    quiet = all(seen.get(each.machine_id) == each.turn for each in here)
    keep = _least(stoppable.values()) if region == app.edge_region() else 0
    chosen = idle_machine(here, quiet=quiet, keep=keep)
    if chosen is None:
        return
    lifecycle = app.machines[chosen]
    try:
        if _autostop(lifecycle.record) == "suspend":
            lifecycle.suspend()
        else:
            lifecycle.stop(source="proxy")
    except Refused:
        return


def _autostop(record: MachineRecord) -> bool | str | None:
    public = public_service(record.settings)
    return public[1].autostop if public else None


def _least(records: Iterable[MachineRecord]) -> int:
    """How many Machines are to go on running in the primary region."""
    services = [public[1] for each in records if (public := public_service(each.settings))]
    return max((service.min_machines_running or 0 for service in services), default=0)
