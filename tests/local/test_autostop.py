import asyncio
import contextlib

import pytest

from pytest_sre.local.fleet import Fleet
from pytest_sre.local.machines.checks import open_session
from pytest_sre.local.machines.records import Blueprint
from pytest_sre.local.proxy.autostop import stop_idle_machines
from pytest_sre.local.proxy.balancer import Balancer


async def reached(record, state):
    async with asyncio.timeout(60):
        while record.state != state:
            await record.changed.wait()


@pytest.mark.parametrize(("autostop", "ends"), [(True, "stopped"), ("suspend", "suspended")])
def test_idle_machines_are_stopped_down_to_the_least_number(tmp_path, app_image, autostop, ends):
    async def run():
        async with open_session() as session, contextlib.AsyncExitStack() as cleaning:
            app = Fleet(tmp_path, {}, session, "http://127.0.0.1:9").create_app("shop", "personal")
            service = {"autostop": autostop, "min_machines_running": 1, "ports": [{"port": 80}]}
            config = {"init": {"cmd": ["sleep", "1000"]}, "services": [service]}
            blueprint = Blueprint.read(config, app_image, {})
            records = [
                app.create_machine(
                    blueprint, name=region, region=region, cordoned=False, skip_launch=False
                )
                for region in ("iad", "ams", "iad")
            ]
            for each in app.machines.values():
                cleaning.push_async_callback(each.close, at_once=True)
            for record in records:
                await reached(record, "started")
            balancers = [Balancer(app)]
            task = asyncio.create_task(stop_idle_machines(lambda: balancers, period_s=0.02))
            near, far = [records[0], records[2]], records[1]
            await reached(far, ends)
            first = [asyncio.create_task(reached(each, ends)) for each in near]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0.1)
            for each in (task, *first):
                each.cancel()
            assert sorted(each.state for each in near) == sorted(["started", ends])

    asyncio.run(run())
