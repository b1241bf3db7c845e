"""The open workload: begins journeys when they are due, whether or not others are answered."""

import math

import gevent
from gevent.event import Event

from pytest_sre.load.frames import Order
from pytest_sre.load.plan import Arrival, Open, arrivals
from pytest_sre.load.runner.counting import Counter, Run
from pytest_sre.load.runner.journeys import Walker

# The event loop counts whole milliseconds and rounds up. So it is woken one early, and what is due
# within the next begins at once: too early, by less than one, rather than too late. Its latency
# then counts from when it began.
_EARLY_S = 0.001
_LONGEST_SLEEP_S = 0.2


class Arriving:
    """Begins the arrivals of one process.

    Args:
        halt: set when nothing more is to begin.
    """

    def __init__(self, order: Order, walker: Walker, counter: Counter, halt: Event) -> None:
        self._order, self._walker, self._counter, self._halt = order, walker, counter, halt
        self._walks: set[gevent.Greenlet[..., None]] = set()
        self._most = in_flight_of(order)

    @property
    def in_flight(self) -> int:
        """Journeys under way."""
        return len(self._walks)

    def make(self) -> None:
        """Begin all arrivals, until the last or until halted."""
        order = self._order
        for arrival in arrivals(order.plan, worker=order.worker, workers=order.workers):
            if not self._await(arrival.at_s):
                return
            self._begin(arrival)
        self._await(order.plan.duration_s)

    def settle(self, within_s: float) -> None:
        """Wait for those under way; those that do not end in time are given up.

        One that is given up was begun and never ended: `Part.unfinished`.
        """
        gevent.joinall([*self._walks], timeout=within_s)
        gevent.killall([*self._walks], timeout=1.0)

    def _await(self, due_s: float) -> bool:
        """Wait until this time of the load; false when halted."""
        while (left_s := due_s - self._counter.now_s()) > _EARLY_S:
            if self._halt.wait(min(left_s - _EARLY_S, _LONGEST_SLEEP_S)):
                return False
        return not self._halt.is_set()

    def _begin(self, arrival: Arrival) -> None:
        if len(self._walks) >= self._most:
            self._counter.dropped(arrival.journey, arrival.at_s)
            return
        walk = gevent.spawn(self._walk, arrival)
        self._walks.add(walk)
        walk.rawlink(self._walks.discard)

    def _walk(self, arrival: Arrival) -> None:
        late_s = max(0.0, self._counter.now_s() - arrival.at_s)
        self._walker.walk(Run(arrival.journey, arrival.at_s, late_s))


def in_flight_of(order: Order) -> int:
    """How many journeys this process may have under way."""
    workload = order.plan.workload
    if not isinstance(workload, Open):
        return math.ceil(workload.users / order.workers)
    return math.ceil(workload.in_flight / order.workers)
