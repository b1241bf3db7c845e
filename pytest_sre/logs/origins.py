"""Which process group and release a line is from, by what the platform said of its Machine."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_sre.recording.rows import MachineSeen


@dataclass(frozen=True, slots=True)
class Origin:
    """What a Machine was at a time.

    Attributes:
        group: its process group; empty when that is not known.
        release: the number of the release that it ran; 0 when that is not known.
        image: the image that it ran.
    """

    group: str = ""
    release: int = 0
    image: str = ""


class Origins:
    """What the Machines of an app were, as they changed.

    Args:
        seen: the Machines as the platform described them, in any order.
    """

    def __init__(self, seen: Iterable[MachineSeen] = ()) -> None:
        self._seen: dict[str, list[MachineSeen]] = {}
        for machine in sorted(seen, key=lambda one: one.at):
            self._seen.setdefault(machine.machine, []).append(machine)

    def of(self, machine: str, at: float) -> Origin:
        """What a Machine was at a time; before it was first seen, what it was then."""
        seen = self._seen.get(machine)
        if not seen:
            return Origin()
        found = seen[max(bisect_right(seen, at, key=lambda one: one.at) - 1, 0)]
        return Origin(found.group, found.release_version, found.image)
