"""The state of the network: links that are bad for a while, and how far regions are apart."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.network.conditions import CLEAR, Conditions, combined
from pytest_sre.local.network.distances import round_trip_s
from pytest_sre.local.network.points import Place, Point

LONGEST_S: Final = 3600.0
_MOST_LINKS: Final = 100


class TooManyLinksError(Exception):
    """There are 100 bad links already."""


@dataclass(frozen=True)
class Link:
    """What passes between two points, in either direction, meets these conditions."""

    one: Point
    other: Point
    conditions: Conditions

    def joins(self, src: Place, dst: Place) -> bool:
        """Whether the way between two places is on it."""
        return (self.one.holds(src) and self.other.holds(dst)) or (
            self.one.holds(dst) and self.other.holds(src)
        )


@dataclass(frozen=True)
class LinkView:
    """A link as it is shown; ``until_at`` in Unix seconds."""

    id: str
    link: Link
    until_at: float


class Network:
    """What is wrong between which points, until when.

    Attributes:
        distances: round trips between regions take as long as their distance lets them; at
            first they do not.

    Args:
        clock: seconds; Unix time unless a test has its own.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.distances = False
        self._clock = clock
        self._links: dict[str, LinkView] = {}
        self._ids = itertools.count(1)

    @property
    def is_clear(self) -> bool:
        """Nothing is wrong anywhere, and regions are not apart."""
        return not (self._links or self.distances)

    def add(self, link: Link, for_s: float, name: str = "") -> str:
        """Make a link bad for a while.

        Args:
            link: between what, and how bad.
            for_s: seconds until all is well again by itself; at most an hour.
            name: by which it is known; a new one when empty.

        Returns:
            Its id.

        Raises:
            ValueError: not a time of that length, or the name is taken.
            TooManyLinksError: there are 100 already.
        """
        if not 0 < for_s <= LONGEST_S:
            raise ValueError(f"expected for_s above 0 and at most {LONGEST_S:g}, found {for_s}")
        self._forget_what_is_over()
        if len(self._links) >= _MOST_LINKS:
            raise TooManyLinksError(f"expected at most {_MOST_LINKS} bad links at a time")
        if name in self._links:
            raise ValueError(f"expected a new name, found {name!r}, which is a bad link's already")
        new = (link_id for n in self._ids if (link_id := f"link-{n}") not in self._links)
        link_id = name or next(new)
        self._links[link_id] = LinkView(link_id, link, self._clock() + for_s)
        return link_id

    def remove(self, link_id: str) -> bool:
        """Make it good again; whether there was such a link."""
        return self._links.pop(link_id, None) is not None

    def views(self) -> list[LinkView]:
        """The bad links, oldest first."""
        self._forget_what_is_over()
        return list(self._links.values())

    def conditions(self, src: Place, dst: Place) -> Conditions:
        """What the way between two places is like now."""
        if self.is_clear:
            return CLEAR
        self._forget_what_is_over()
        found = [view.link.conditions for view in self._links.values() if view.link.joins(src, dst)]
        if self.distances and src.region and dst.region:
            found.append(Conditions(latency_s=round_trip_s(src.region, dst.region)))
        return combined(found)

    def _forget_what_is_over(self) -> None:
        now = self._clock()
        for view in [each for each in self._links.values() if each.until_at <= now]:
            del self._links[view.id]
