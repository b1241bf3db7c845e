"""The pages of one platform, one after another, with nobody else reading them."""

import asyncio

import aiohttp

from pytest_sre.local.fleet import Fleet
from pytest_sre.local.metrics.exposition import Exposition

SERIES = 'fly_edge_http_responses_count{app="shop",region="iad",host="10ca",status="503"}'


async def shown(tmp_path, *readers):
    """What each reader sees of three answers; they wait for the page so many seconds."""
    async with aiohttp.ClientSession() as session:
        fleet = Fleet(tmp_path, {}, session, "http://127.0.0.1:1")
        app = fleet.create_app("shop", "personal")
        for _ in range(3):
            app.meter.edge("iad").answered(503, 0.1, 0, 0)
        exposition = Exposition(fleet)
        pages = [(await exposition.page(within_s)).decode() for within_s in readers]
    lines = [line for page in pages for line in page.splitlines() if line.startswith(SERIES)]
    return [int(line.split()[-1]) for line in lines]


def test_what_is_new_begins_with_0(tmp_path):
    assert asyncio.run(shown(tmp_path, 10, 10, 10)) == [0, 3, 3]


def test_a_page_that_its_reader_may_have_missed_is_not_the_first(tmp_path):
    assert asyncio.run(shown(tmp_path, 0, 0, 10, 10)) == [0, 0, 0, 3]


def test_a_page_that_was_missed_later_takes_nothing_back(tmp_path):
    assert asyncio.run(shown(tmp_path, 10, 0, 10)) == [0, 3, 3]
