"""What was measured of an objective, with everything a verdict on it has to tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_sre.recording.rows import Exchange
from pytest_sre.slo.counts import Counts, added
from pytest_sre.targets.objectives import BudgetAdjustment, Objective


@dataclass(frozen=True, slots=True)
class Part:
    """The events of one Machine; empty where they name none."""

    machine: str
    region: str
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The events of an objective.

    Attributes:
        counts: how many there were, and how many were bad; time slices where it counts those.
        from_at: from when on, Unix seconds.
        until_at: up to when.
        told_by: what they were told by, such as "requests of this run".
        own_faults: how many were lost to faults of our own; they are in no count.
        parts: the events by Machine, where those are known.
        failed: some of the bad ones, where they are requests.
        missing_days: days in UTC, between others, of which nothing is known.
        doubts: why these events cannot show that the objective is met, such as that a load
            generator could not keep up; they may still show that it is broken.
        notes: what else a reader has to know, a sentence each.
    """

    counts: Counts
    from_at: float
    until_at: float
    told_by: str
    own_faults: int = 0
    parts: tuple[Part, ...] = ()
    failed: tuple[Exchange, ...] = ()
    missing_days: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Measurable(Protocol):
    """What offers events to objectives: a bake, its traffic, the result of a load."""

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective among what was observed."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an SLI, at a Unix time; a Machine and its region are empty when unknown."""

    at: float
    is_bad: bool
    machine: str = ""
    region: str = ""


def counts_of(events: Iterable[Event]) -> Counts:
    """Count events."""
    bad = [event.is_bad for event in events]
    return Counts(sum(bad), len(bad))


def parts_of(events: Sequence[Event]) -> tuple[Part, ...]:
    """Count events by Machine; nothing where none is named."""
    by_machine: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        by_machine.setdefault((event.machine, event.region), []).append(event)
    if not any(machine for machine, _ in by_machine):
        return ()
    parts = [Part(*place, counts_of(found)) for place, found in sorted(by_machine.items())]
    return tuple(sorted(parts, key=lambda part: -part.counts.bad))


def slices_of(events: Sequence[Event], slice_s: float, good_ratio: float | None) -> Counts:
    """Count time slices in which there were events.

    Args:
        events: them.
        slice_s: how long a slice is, seconds; slices begin at its multiples since 1970.
        good_ratio: the share of good events that makes a slice good; None for slices that are
            as bad as their share of bad events, whose sum is rounded up.
    """
    slices: dict[int, list[Event]] = {}
    for event in events:
        slices.setdefault(int(event.at // slice_s), []).append(event)
    ratios = [added([counts_of(found)]).bad_ratio or 0.0 for found in slices.values()]
    return judged_slices(ratios, good_ratio)


def judged_slices(bad_ratios: Sequence[float], good_ratio: float | None) -> Counts:
    """Count time slices by the share of bad events of each; ``good_ratio`` as in `slices_of`."""
    if good_ratio is None:
        return Counts(_rounded_up(sum(bad_ratios)), len(bad_ratios))
    limit = 1 - good_ratio
    return Counts(sum(_is_beyond(ratio, limit) for ratio in bad_ratios), len(bad_ratios))


def adjustments_of(
    objective: Objective, all_of_them: Iterable[BudgetAdjustment]
) -> tuple[BudgetAdjustment, ...]:
    """Give the times that do not count in an objective, in their order."""
    own = (each for each in all_of_them if each.concerns(objective.name))
    return tuple(sorted(own, key=lambda each: each.start_at))


def _is_beyond(ratio: float, limit: float) -> bool:
    # 1 - 0.9 is not 0.1 in binary: a slice exactly at its limit is good.
    return ratio > limit + 1e-12


def _rounded_up(value: float) -> int:
    whole = round(value)
    return whole if abs(value - whole) < 1e-9 else int(value) + 1
