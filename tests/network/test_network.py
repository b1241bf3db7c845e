import asyncio

import pytest
from fake_clock import FakeClockLoop
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.network import (
    CLEAR,
    CLIENT,
    OUTSIDE,
    Conditions,
    Link,
    Network,
    Path,
    Place,
    Point,
    TooManyLinksError,
)
from pytest_sre.local.network.distances import round_trip_s

WEB = Place("machine", "iad", "shop", "web", "148e21d9c33e89")
EDGE = Place("edge", "fra")
SLOW = Conditions(latency_s=0.2)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


conditions = st.builds(
    Conditions,
    latency_s=st.floats(0, 60),
    jitter_s=st.floats(0, 60),
    loss_ratio=st.floats(0, 1),
    bandwidth_bytes_s=st.none() | st.floats(1, 1e12),
    blackhole=st.booleans(),
)


def slow(one, other):
    return Link(Point.parse(one), Point.parse(other), SLOW)


@pytest.mark.parametrize(
    ("point", "place"),
    [
        ("client", CLIENT),
        ("outside", OUTSIDE),
        ("edge", EDGE),
        ("edge:fra", EDGE),
        ("region:fra", EDGE),
        ("region:iad", WEB),
        ("app:shop", WEB),
        ("group:shop/web", WEB),
        ("machine:148e21d9c33e89", WEB),
    ],
)
def test_a_point_stands_for_its_places_and_is_written_as_it_is_read(point, place):
    assert Point.parse(point).holds(place)
    assert str(Point.parse(point)) == point
    others = {CLIENT, OUTSIDE, EDGE, WEB, Place("machine", "ams", "blog", "web", "e2")} - {place}
    assert not any(Point.parse(point).holds(other) for other in others)


@pytest.mark.parametrize(
    "text",
    ["", "edges", "region", "region:", "client:fra", "group:shop", "group:/web", "anywhere:"],
)
def test_what_is_no_point_is_refused_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match=r"expected anywhere, client.*found"):
        Point.parse(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_s": -1},
        {"latency_s": float("nan")},
        {"jitter_s": 61},
        {"loss_ratio": 1.1},
        {"bandwidth_bytes_s": 0},
    ],
)
def test_conditions_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=f"expected {next(iter(wrong))}"):
        Conditions(**wrong)


@given(conditions, conditions)
def test_together_conditions_are_at_least_as_bad_as_each_alone(one, other):
    both = one & other
    assert both == other & one
    assert both.latency_s >= max(one.latency_s, other.latency_s)
    assert both.loss_ratio >= max(one.loss_ratio, other.loss_ratio) - 1e-9
    assert both.blackhole == (one.blackhole or other.blackhole)
    limits = {one.bandwidth_bytes_s, other.bandwidth_bytes_s} - {None}
    assert both.bandwidth_bytes_s == min(limits, default=None)
    assert one & CLEAR == one


def test_a_link_is_bad_in_both_directions_and_for_nobody_else():
    network = Network()
    assert network.is_clear
    network.add(slow("edge:fra", "app:shop"), 60)
    assert network.conditions(EDGE, WEB) == SLOW
    assert network.conditions(WEB, EDGE) == SLOW
    assert network.conditions(Place("edge", "iad"), WEB) == CLEAR
    assert network.conditions(CLIENT, EDGE) == CLEAR


def test_links_that_meet_add_up_end_by_themselves_and_can_be_removed():
    clock = Clock()
    network = Network(clock)
    first = network.add(slow("anywhere", "app:shop"), 60)
    network.add(slow("edge", "anywhere"), 10)
    assert network.conditions(EDGE, WEB) == SLOW & SLOW
    assert [view.until_at for view in network.views()] == [1060, 1010]
    clock.now += 10
    assert network.conditions(EDGE, WEB) == SLOW
    assert [view.id for view in network.views()] == [first]
    assert network.remove(first)
    assert not network.remove(first)
    assert network.is_clear


def test_links_are_bounded_in_time_and_number():
    network = Network()
    for for_s in (0, 3601, float("nan")):
        with pytest.raises(ValueError, match="at most 3600"):
            network.add(slow("client", "edge"), for_s)
    for _ in range(100):
        network.add(slow("client", "edge"), 60)
    with pytest.raises(TooManyLinksError):
        network.add(slow("client", "edge"), 60)


def test_regions_are_apart_only_when_that_is_asked_for():
    network = Network()
    assert network.conditions(EDGE, WEB) == CLEAR
    network.distances = True
    assert 0.08 < network.conditions(EDGE, WEB).latency_s < 0.12
    assert network.conditions(CLIENT, EDGE) == CLEAR
    assert round_trip_s("fra", "xyz") == 0


def test_what_a_path_carries_takes_as_long_as_its_conditions_say():
    async def took(link):
        network = Network()
        network.add(Link(Point("edge"), Point("anywhere"), link), 60)
        path = Path(network, EDGE, WEB)
        await path.open()
        await path.carry(1000, begins=True)
        await path.carry(1000, begins=False)
        return asyncio.get_running_loop().time()

    def took_s(**link):
        with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
            return runner.run(took(Conditions(**link)))

    assert took_s(latency_s=0.1) == pytest.approx(0.05)
    assert took_s(bandwidth_bytes_s=20_000) == pytest.approx(0.1)
    with pytest.raises(ConnectionResetError):
        took_s(loss_ratio=1)


def test_a_blackhole_holds_all_until_it_is_gone():
    async def held():
        network = Network()
        link = network.add(
            Link(Point("edge"), Point("app", "shop"), Conditions(blackhole=True)), 60
        )
        opening = asyncio.create_task(Path(network, EDGE, WEB).open())
        done, _ = await asyncio.wait([opening], timeout=0.1)
        assert not done
        network.remove(link)
        await asyncio.wait_for(opening, 60)

    asyncio.run(held())
