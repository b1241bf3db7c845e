"""One load from the order to the last frame, in this process."""

import argparse
import gc
import os
import resource
import signal
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import gevent
from gevent.event import Event
from gevent.os import make_nonblocking, nb_write

from pytest_sre.journeys import Journey, load_journeys, registered
from pytest_sre.load.frames import Ended, Health, Order, Ready, Word, packed
from pytest_sre.load.plan import Open
from pytest_sre.load.runner.arriving import Arriving, in_flight_of
from pytest_sre.load.runner.counting import Counter
from pytest_sre.load.runner.hosts import Hosts
from pytest_sre.load.runner.journeys import Walker
from pytest_sre.load.runner.lifeline import Lifeline

FRAME_S = 1.0
LINGER_S = 0.5
"""How long those under way are waited for when the load is stopped."""

_LOOK_S = 0.05
_SPARE_S = 10.0
# Collecting garbage stops all for tens of milliseconds once there are many objects.
_OBJECTS_BEFORE_COLLECTION = 100_000
_FILES = 65_536


def main() -> None:
    """Make the load that the parent orders; ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames-fd", type=int, required=True)
    session = Session(parser.parse_args().frames_fd)
    # The terminal's Ctrl-C is for the parent, which then tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    session.run()


class Load(Protocol):
    """What makes load in this process."""

    @property
    def in_flight(self) -> int:
        """Journeys, or users, under way."""

    def make(self) -> None:
        """Make the load until its end, or until halted."""

    def settle(self, within_s: float) -> None:
        """Wait so long for those under way, then give them up."""


class Session:
    """What this process does and says.

    Args:
        frames_fd: where frames are written to.
    """

    def __init__(self, frames_fd: int) -> None:
        self._fd = frames_fd
        make_nonblocking(frames_fd)
        self._lifeline = Lifeline(0)
        self._counter = Counter()
        self._halt = Event()
        self._reason, self._detail = "complete", ""
        self._requests_left = 0
        self._load: Load | None = None
        self._lag_s = 0.0
        self._cpu_s, self._looked_s = time.process_time(), time.monotonic()

    def run(self) -> None:
        """Follow the parent's order, and say how it ended."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - the parent is told, whatever it was
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
            self._say(Ended(reason="failed", detail=" ".join(text.split())[:500]))
        # Threads of the resolver and greenlets of a locustfile are not waited for.
        os._exit(0)

    def _run(self) -> None:
        order = self._lifeline.next()
        if not isinstance(order, Order):
            raise TypeError(f"expected an order first, found {type(order).__name__}")
        _raise_file_limit()
        load = self._load = self._prepare(order)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
        self._say(Ready())
        self._lifeline.next()
        plan = order.plan
        patience_s = plan.timeout_s + _SPARE_S
        self._lifeline.end_within(plan.delay_s + plan.duration_s + patience_s + _SPARE_S)
        self._counter.begin(plan.delay_s)
        watchers = [gevent.spawn(each) for each in (self._tell, self._feel, self._heed)]
        load.make()
        made_s = min(max(0.0, self._counter.now_s()), plan.duration_s)
        load.settle(plan.timeout_s + LINGER_S if self._reason == "complete" else LINGER_S)
        gevent.killall(watchers)
        self._say(self._counter.frame(self._health()))
        self._say(Ended(reason=self._reason, detail=self._detail, made_s=made_s))

    def _prepare(self, order: Order) -> Load:
        load_journeys(map(Path, order.journey_files))
        caps = order.plan.caps
        self._requests_left = _share(caps.requests, order.worker, order.workers)
        hosts = Hosts(order.hosts, self._refuse)
        walker = Walker(
            order,
            _wanted(order.plan.mix),
            self._counter,
            connections=in_flight_of(order),
            hosts=hosts,
            spend=self._spend,
        )
        if isinstance(order.plan.workload, Open):
            return Arriving(order, walker, self._counter, self._halt)
        # Locust takes a third of a second to import.
        from pytest_sre.load.runner.users import Users

        return Users(order, walker, self._counter, self._halt, self._spend, hosts)

    def _spend(self) -> None:
        """Take one request of those that may be sent; ends the load when there is none left."""
        if self._requests_left <= 0:
            self._end("cap")
            # No journey can hold this one up.
            raise gevent.GreenletExit
        self._requests_left -= 1

    def _refuse(self, why: str) -> None:
        self._end("failed", why)

    def _end(self, reason: str, detail: str = "") -> None:
        if not self._halt.is_set():
            self._reason, self._detail = reason, detail
            self._halt.set()

    def _heed(self) -> None:
        self._lifeline.stopped.wait()
        if self._lifeline.waits:
            self._halt.set()
        else:
            self._end("stopped")

    def _tell(self) -> None:
        while True:
            gevent.sleep(FRAME_S)
            self._say(self._counter.frame(self._health()))

    def _feel(self) -> None:
        while True:
            asked = time.perf_counter()
            gevent.sleep(_LOOK_S)
            self._lag_s = max(self._lag_s, time.perf_counter() - asked - _LOOK_S)

    def _health(self) -> Health:
        cpu_s, looked_s = time.process_time(), time.monotonic()
        spent = (cpu_s - self._cpu_s) / max(looked_s - self._looked_s, 1e-6)
        lag_s, self._lag_s = self._lag_s, 0.0
        self._cpu_s, self._looked_s = cpu_s, looked_s
        in_flight = self._load.in_flight if self._load else 0
        return Health(lag_s=lag_s, cpu_ratio=spent, in_flight=in_flight)

    def _say(self, word: Word) -> None:
        left = memoryview(packed(word))
        while left:
            left = left[nb_write(self._fd, left) :]


def _wanted(names: Iterable[str]) -> dict[str, Journey]:
    known = registered()
    missing = [name for name in names if name not in known]
    if missing:
        found = ", ".join(sorted(known)) or "none"
        raise LookupError(f"there is no journey {missing[0]!r}; registered: {found}")
    return {name: known[name] for name in names}


def _share(whole: int, worker: int, workers: int) -> int:
    return whole // workers + (worker < whole % workers)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
