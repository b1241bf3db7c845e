"""The fault ``link``: a bad way between two points of the network, told as the other faults are."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec

from pytest_sre.local.faults.registry import DEFAULT_S, require_name
from pytest_sre.local.network import CLEAR, Conditions, Link, LinkView, Network, Point
from pytest_sre.targets.durations import parse_duration_s

LINK: Final = "link"


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    from_: str = msgspec.field(name="from", default="anywhere")
    to: str = "anywhere"
    for_: str | float = msgspec.field(name="for", default=DEFAULT_S)
    latency_s: float = 0.0
    jitter_s: float = 0.0
    loss_ratio: float = 0.0
    bandwidth_bytes_s: float | None = None
    blackhole: bool = False
    refused: bool = False
    name: str = ""


def add_link(network: Network, given: Mapping[str, object]) -> LinkView:
    """Make a link bad for a while.

    Raises:
        ValueError: there is no such point, or no such condition, or none at all.
        TooManyLinksError: there are too many already.
    """
    told = msgspec.convert(given, _Told)
    conditions = Conditions(
        told.latency_s,
        told.jitter_s,
        told.loss_ratio,
        told.bandwidth_bytes_s,
        told.blackhole,
        told.refused,
    )
    if conditions == CLEAR:
        raise ValueError(
            "expected latency_s, jitter_s, loss_ratio, bandwidth_bytes_s, blackhole or refused"
        )
    link = Link(Point.parse(told.from_), Point.parse(told.to), conditions)
    link_id = network.add(link, parse_duration_s(told.for_), require_name(told.name))
    return next(view for view in network.views() if view.id == link_id)


def link_view(view: LinkView) -> dict[str, Any]:
    """As the API shows it, like another fault."""
    stated = {name: value for name, value in asdict(view.link.conditions).items() if value}
    return {
        "id": view.id,
        "kind": LINK,
        "from": str(view.link.one),
        "to": str(view.link.other),
        **stated,
        "ends_at": view.until_at,
        "left": None,
    }
