"""The network between clients, edges, Machines and the outside, and what can be wrong with it."""

from pytest_sre.local.network.conditions import CLEAR, Conditions
from pytest_sre.local.network.network import LONGEST_S, Link, LinkView, Network, TooManyLinksError
from pytest_sre.local.network.path import Path
from pytest_sre.local.network.points import CLIENT, OUTSIDE, Place, Point

__all__ = [
    "CLEAR",
    "CLIENT",
    "LONGEST_S",
    "OUTSIDE",
    "Conditions",
    "Link",
    "LinkView",
    "Network",
    "Path",
    "Place",
    "Point",
    "TooManyLinksError",
]
