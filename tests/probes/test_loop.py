import asyncio
import threading

import pytest

from pytest_sre.probes import BackgroundLoop


async def forever(started=None, ended=None):
    if started:
        started.set()
    try:
        await asyncio.Event().wait()
    finally:
        if ended:
            ended.set()


async def double(number):
    return number * 2


def test_a_result_and_an_error_come_back_to_the_caller(background):
    async def fail():
        raise LookupError("as asked")

    assert background.run(double(21)) == 42
    with pytest.raises(LookupError, match="as asked"):
        background.run(fail())


def test_many_threads_share_one_loop(background):
    results = []

    def work(number):
        results.append(background.run(double(number), 60))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [n * 2 for n in range(20)]


def test_what_takes_too_long_is_cancelled(background):
    ended = threading.Event()

    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        background.run(forever(ended=ended), 0.05)

    assert ended.wait(60)


def test_closing_cancels_what_runs_and_ends_the_thread():
    started, ended = threading.Event(), threading.Event()
    before = set(threading.enumerate())
    loop = BackgroundLoop()
    future = loop.spawn(forever(started, ended))
    assert started.wait(60)

    loop.close()
    loop.close()

    assert ended.is_set()
    assert future.cancelled()
    started_since = set(threading.enumerate()) - before
    assert not [thread for thread in started_since if thread.name == "pytest-sre"]


def test_a_closed_loop_refuses_work():
    with BackgroundLoop() as loop:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        loop.run(double(1))


def test_waiting_on_its_own_loop_is_refused_instead_of_a_deadlock(background):
    async def inside():
        return background.run(double(1))

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        background.run(inside(), 60)
