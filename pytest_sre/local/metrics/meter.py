"""Counts what an app's proxy does, for its ``fly_edge_*`` and ``fly_app_*`` metrics."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# Fly does not document its bounds. Those that objectives are often set at are among these.
BOUNDS_S: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.2,
    0.25,
    0.3,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
)


class Histogram:
    """How often something took how long.

    Attributes:
        counts: how often it took at most the bound at the same place of ``BOUNDS_S``, and more
            than the bound before; the last one is for what took longer than all bounds.
        sum_s: all of it together, seconds.
    """

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def observe(self, took_s: float) -> None:
        """It took that long, once more."""
        self.counts[bisect_left(BOUNDS_S, took_s)] += 1
        self.sum_s += took_s

    @property
    def count(self) -> int:
        """How often it was observed."""
        return sum(self.counts)


class Place(NamedTuple):
    """A Machine as metrics name it."""

    region: str
    machine_id: str


@dataclass(slots=True)
class Traffic:
    """What went through one point: an edge region, or the way to one Machine.

    Attributes:
        answers: how long answers took, by their status.
        received_bytes: bodies of requests.
        sent_bytes: bodies of answers.
        connects: TCP connections opened.
        disconnects: TCP connections closed.
        connect_times: how long it took to open them.
    """

    answers: dict[int, Histogram] = field(default_factory=dict)
    received_bytes: int = 0
    sent_bytes: int = 0
    connects: int = 0
    disconnects: int = 0
    connect_times: Histogram = field(default_factory=Histogram)

    def answered(self, status: int, took_s: float, received_bytes: int, sent_bytes: int) -> None:
        """Count one answer.

        Args:
            status: its HTTP status.
            took_s: from the request's first byte to the answer's last, seconds.
            received_bytes: the request's body.
            sent_bytes: the answer's body.
        """
        histogram = self.answers.get(status)
        if histogram is None:
            histogram = self.answers[status] = Histogram()
        histogram.observe(took_s)
        self.received_bytes += received_bytes
        self.sent_bytes += sent_bytes

    def connected(self, took_s: float = 0.0) -> None:
        """Count a TCP connection that was opened, and how long that took in seconds."""
        self.connects += 1
        self.connect_times.observe(took_s)

    def disconnected(self) -> None:
        """Count a TCP connection that was closed."""
        self.disconnects += 1


class Meter:
    """All counts of one app. The proxy calls it; the exposition reads it.

    ``meter.edge("fra").answered(200, 0.012, 0, 512)`` counts what a user got, also an answer that
    the proxy made itself; ``meter.machine("fra", machine_id).answered(…)`` what a Machine answered
    to the proxy.
    """

    def __init__(self) -> None:
        self.edges: dict[str, Traffic] = {}
        self.machines: dict[Place, Traffic] = {}

    def edge(self, region: str) -> Traffic:
        """What passes the edge of a region."""
        traffic = self.edges.get(region)
        if traffic is None:
            traffic = self.edges[region] = Traffic()
        return traffic

    def machine(self, region: str, machine_id: str) -> Traffic:
        """What passes between the proxy and a Machine of that region."""
        place = Place(region, machine_id)
        traffic = self.machines.get(place)
        if traffic is None:
            traffic = self.machines[place] = Traffic()
        return traffic

    def forget(self, region: str, machine_id: str) -> None:
        """Forget what passed between the proxy and a Machine; its series end."""
        self.machines.pop(Place(region, machine_id), None)
