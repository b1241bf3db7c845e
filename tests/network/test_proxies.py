"""What bad links do to those who send over them: through the edge and the internal proxy."""

import asyncio
import base64
import contextlib
import math
import time

import aiohttp
import pytest

from pytest_sre.local.fleet import Fleet
from pytest_sre.local.images import Image
from pytest_sre.local.machines.checks import open_session
from pytest_sre.local.machines.records import Blueprint
from pytest_sre.local.network import Conditions, Link, Point
from pytest_sre.local.proxy.certificates import Authority
from pytest_sre.local.proxy.delivery import Edges
from pytest_sre.local.proxy.doors import Doors
from pytest_sre.local.proxy.internal import InternalProxy
from pytest_sre.local.proxy.streams import StreamListener
from pytest_sre.local.proxy.upstream import Connections
from pytest_sre.local.scripts import Reply, Script

SCRIPT = Script(replies=(Reply(body="ok"), Reply("/large", body="x" * 100_000)))
SERVICE = {"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}


class World:
    """Two simulated Machines of an app, its proxy, and the proxy that Machines use."""

    def __init__(self, fleet, records, url, internal_url, http):
        self.fleet = fleet
        self.near, self.far = records
        self.url = url
        self.internal_url = internal_url
        self.http = http

    def spoil(self, one, other, **conditions):
        link = Link(Point.parse(one), Point.parse(other), Conditions(**conditions))
        return self.fleet.network.add(link, 60)

    async def get(self, path="/", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.monotonic()
        async with self.http.get(self.url + path, headers=named) as answer:
            await answer.read()
            return answer.status, time.monotonic() - began

    async def quickest_s(self, below_s, **headers):
        """How long the quickest request took: the first one below a time, on a busy machine."""
        quickest_s = math.inf
        for _ in range(50):
            status, took_s = await self.get(**headers)
            assert status == 200
            quickest_s = min(quickest_s, took_s)
            if quickest_s < below_s:
                break
        return quickest_s

    async def call(self, caller, url):
        """A request of one Machine, through the proxy it is given."""
        began = time.monotonic()
        user = base64.b64encode(f"{caller.id}:".encode()).decode()
        own = {"proxy-authorization": f"Basic {user}"}
        async with self.http.get(url, proxy=self.internal_url, headers=own) as answer:
            return answer.status, time.monotonic() - began


@contextlib.asynccontextmanager
async def world(tmp_path):
    async with contextlib.AsyncExitStack() as held:
        session = await held.enter_async_context(open_session())
        http = await held.enter_async_context(aiohttp.ClientSession())
        apps = {}
        fleet = Fleet(tmp_path, apps, session, "http://127.0.0.1:9")
        edges, all_doors = Edges(fleet.network, Connections(), {}), {}
        held.callback(edges.connections.close)
        app = fleet.create_app("shop", "personal")
        doors = all_doors["shop"] = Doors(app, edges, Authority(tmp_path / "ca.pem"))
        edges.balancers["shop"] = doors.edge.balancer
        await doors.open()
        held.push_async_callback(doors.close)
        internal = StreamListener(InternalProxy(apps, all_doors, edges).serve_stream)
        await internal.start()
        held.push_async_callback(internal.close)
        image = Image("registry.local/script:1", "", simulated=SCRIPT)
        blueprint = Blueprint.read({"services": [SERVICE]}, image, {})
        records = [
            app.create_machine(
                blueprint, name=region, region=region, cordoned=False, skip_launch=False
            )
            for region in ("iad", "fra")
        ]
        for each in app.machines.values():
            held.push_async_callback(each.close, at_once=True)
        async with asyncio.timeout(60):
            for record in records:
                while record.state != "started":
                    await record.changed.wait()
        yield World(fleet, records, app.url, f"http://127.0.0.1:{internal.port}", http)


@pytest.fixture
def inside(tmp_path):
    def run(story):
        async def told():
            async with world(tmp_path) as made:
                await asyncio.wait_for(story(made), 90)

        asyncio.run(told())

    return run


@pytest.mark.parametrize(
    ("points", "trips"),
    [
        (("client", "edge"), 1),
        (("edge:iad", "app:shop"), 1),
        # To the edge, and from there to the Machine.
        (("anywhere", "region:iad"), 2),
    ],
)
def test_latency_is_added_once_to_each_round_trip(inside, points, trips):
    async def story(world):
        link = world.spoil(*points, latency_s=0.3)
        once_more_s = 0.3 * (trips + 1)
        assert 0.3 * trips <= await world.quickest_s(below_s=once_more_s) < once_more_s
        world.fleet.network.remove(link)
        assert await world.quickest_s(below_s=0.3) < 0.3

    inside(story)


def test_a_bad_link_to_one_machine_leaves_the_other_alone(inside):
    async def story(world):
        world.spoil("edge", f"machine:{world.near.id}", loss_ratio=1)
        assert (await world.get())[0] == 200
        assert (await world.get(fly_force_instance_id=world.near.id))[0] == 502
        lines, _ = world.fleet.apps["shop"].logbook.page(None)
        assert any("[PC03]" in line.message for line in lines)

    inside(story)


def test_lost_requests_end_with_a_reset_connection(inside):
    async def story(world):
        world.spoil("client", "edge", loss_ratio=1)
        with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientOSError)):
            await world.get()

    inside(story)


def test_bandwidth_holds_back_large_answers(inside):
    async def story(world):
        world.spoil("edge", "app:shop", bandwidth_bytes_s=200_000)
        _, took_s = await world.get("/large")
        assert took_s >= 0.4

    inside(story)


def test_a_blackhole_lets_nothing_through_until_it_is_gone(inside):
    async def story(world):
        link = world.spoil("client", "edge", blackhole=True)
        asking = asyncio.create_task(world.get())
        done, _ = await asyncio.wait([asking], timeout=0.3)
        assert not done
        world.fleet.network.remove(link)
        assert (await asking)[0] == 200

    inside(story)


def test_machines_feel_links_between_them_by_who_calls(inside):
    async def story(world):
        goal = f"http://{world.far.id}.vm.shop.internal:8080/"
        world.spoil(f"machine:{world.near.id}", f"machine:{world.far.id}", loss_ratio=1)
        assert (await world.call(world.near, goal))[0] == 502
        assert (await world.call(world.far, goal))[0] == 200

    inside(story)


def test_a_machine_can_be_cut_off_from_the_outside(inside):
    async def story(world):
        assert (await world.call(world.near, world.url))[0] == 200
        world.spoil("group:shop/app", "outside", loss_ratio=1)
        assert (await world.call(world.near, world.url))[0] == 502

    inside(story)


def test_regions_are_as_far_apart_as_they_are_once_that_is_wanted(inside):
    async def story(world):
        world.fleet.network.distances = True
        _, far_s = await world.get(fly_force_region="fra")
        assert far_s > 0.09
        assert await world.quickest_s(below_s=0.09) < 0.09
        there = {"fly_force_region": "fra", "x_local_edge": "fra"}
        assert await world.quickest_s(below_s=0.09, **there) < 0.09

    inside(story)
