"""The beat of a bake: even, never in a burst, and over at once when told."""

import asyncio
import itertools

import pytest
from fake_clock import FakeClockLoop

from pytest_sre.bake.ticks import ticks


def beats(rate_per_s: float, until_s: float, stalls: dict[int, float] | None = None) -> list[float]:
    """The times of the beats until a time; after the numbered ones the loop is stalled."""

    async def count() -> list[float]:
        loop, stopped, times = asyncio.get_running_loop(), asyncio.Event(), []
        loop.call_at(until_s, stopped.set)
        async for _ in ticks(rate_per_s, stopped):
            times.append(loop.time())
            loop.now_s += (stalls or {}).get(len(times), 0.0)
        return times

    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(count())


def test_beats_are_even():
    times = beats(4, until_s=2.1)

    assert times == pytest.approx([0.25 * n for n in range(9)])


def test_beats_missed_in_a_stall_are_left_out_instead_of_made_up_for():
    times = beats(10, until_s=10, stalls={3: 5.0})

    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(apart) > 0.1 - 1e-6, "some beats came in a burst"
    assert max(apart) == pytest.approx(5.0)
    assert len(times) == pytest.approx(50, abs=2)


def test_with_a_rate_of_nothing_there_are_no_beats():
    assert beats(0, until_s=1) == []


def test_a_stop_ends_the_wait_for_the_next_beat_at_once():
    async def stop_early() -> float:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        loop.call_at(1.0, stopped.set)
        async for _ in ticks(0.001, stopped):
            pass
        return loop.time()

    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        assert runner.run(stop_early()) == pytest.approx(1.0)
