"""Which Machines a deploy makes: pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_sre.fly.models import Machine
from pytest_sre.targets import AppSpec

DEFAULT_REGION = "iad"
# flyctl's own.
_MAX_UNAVAILABLE = 0.33
"""States that a Machine stays in when it is changed."""


@dataclass(frozen=True)
class Place:
    """A Machine to be made: its process group and its region."""

    group: str
    region: str


def places(spec: AppSpec) -> tuple[Place, ...]:
    """List the Machines of an app, as its target states them.

    A group that the target does not state gets what ``fly launch`` gives it: two Machines when
    the proxy routes to it and it keeps no data on a volume, otherwise one, in the primary region.
    """
    return tuple(
        Place(group, region)
        for group in spec.toml.groups
        for region, count in _counts(spec, group).items()
        for _ in range(count)
    )


def _counts(spec: AppSpec, group: str) -> Mapping[str, int]:
    stated = spec.machines.get(group)
    if stated is not None:
        return stated
    is_spread = spec.toml.services(group) and not spec.toml.mounts(group)
    return {spec.toml.primary_region or DEFAULT_REGION: 2 if is_spread else 1}


def missing_places(spec: AppSpec, existing: Iterable[Machine]) -> tuple[Place, ...]:
    """List the Machines of an app that do not exist yet."""
    wanted = list(places(spec))
    for machine in existing:
        place = Place(machine.group, machine.region)
        if place in wanted:
            wanted.remove(place)
    return tuple(wanted)


@dataclass(frozen=True)
class Turns:
    """In which order the Machines of one process group are changed.

    Attributes:
        asleep: those that somebody or the proxy stopped; they are changed and stay so.
        first: the one that is changed alone, so that a bad release meets one Machine only.
        rest: the others.
        at_once: how many of the rest are changed at the same time.
    """

    asleep: tuple[Machine, ...]
    first: tuple[Machine, ...]
    rest: tuple[Machine, ...]
    at_once: int


def turns(machines: Iterable[Machine], max_unavailable: float | None) -> Turns:
    """Plan a rolling deploy of one process group, as flyctl does it.

    Args:
        machines: the group's.
        max_unavailable: how many may be changed at the same time: below 1 a share of those that
            run, otherwise a count; a third when None.
    """
    in_order = sorted(machines, key=lambda machine: machine.id)
    asleep = tuple(machine for machine in in_order if _was_stopped(machine))
    awake = tuple(machine for machine in in_order if not _was_stopped(machine))
    limit = _MAX_UNAVAILABLE if max_unavailable is None else max_unavailable
    at_once = math.ceil(len(awake) * limit) if limit < 1 else int(limit)
    return Turns(asleep, awake[:1], awake[1:], max(at_once, 1))


def _was_stopped(machine: Machine) -> bool:
    """Whether it was told to stop; one whose process ended by itself is to run again."""
    newest_exit = next((event for event in machine.events if event.type == "exit"), None)
    return machine.is_at_rest and not (newest_exit and newest_exit.is_unasked_exit)
