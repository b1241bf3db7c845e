"""Counts what runs observed themselves: requests, and runs of journeys. Pure."""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from pytest_sre.recording.rows import Exchange, JourneyRun
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.measuring.values import Event, Measured, counts_of, parts_of, slices_of
from pytest_sre.targets.objectives import BudgetAdjustment, Objective, Observed
from pytest_sre.verdict import Inconclusive

OBSERVERS: Final = frozenset({"bake", "watch", "load"})
"""Who asks so evenly that its requests are a sample; what a test asks for its own ends is none."""

_FAILED_SHOWN: Final = 40
# Clocks of two machines differ; a time further ahead than this is no time of an event.
_AHEAD_S: Final = 300.0


def measure_rows(
    objective: Objective,
    exchanges: Sequence[Exchange],
    journey_runs: Sequence[JourneyRun],
    from_at: float,
    until_at: float,
    *,
    app: str | None = None,
    adjustments: Sequence[BudgetAdjustment] = (),
) -> Measured:
    """Count the events of an objective whose source is what runs observe.

    Args:
        objective: it.
        exchanges: requests that were observed.
        journey_runs: the journeys that were walked.
        from_at: from when on it was observed, Unix seconds.
        until_at: up to when.
        app: the app it is about; None for all that the rows are about.
        adjustments: times that do not count.

    Raises:
        Inconclusive: requests and journeys do not tell what the objective is about.
    """
    if objective.kind == "correctness":
        runs = [row for row in journey_runs if _is_of(row.app, app) and _is_walked(objective, row)]
        rows = [(row, not row.ok) for row in runs]
        return _measured(objective, rows, from_at, until_at, "journeys walked", adjustments)
    asked = [row for row in exchanges if _is_of(row.app, app) and _is_meant(objective, row)]
    found = [(row, is_bad_request(objective, row)) for row in asked]
    return _measured(objective, found, from_at, until_at, "requests", adjustments)


def is_bad_request(objective: Objective, row: Exchange) -> bool:
    """Tell whether a request counts as bad; one that failed is not good however fast.

    Raises:
        Inconclusive: a request does not tell what the objective is about.
    """
    if objective.kind == "availability":
        return not row.ok
    if objective.kind == "latency" and objective.threshold_s is not None:
        # Written so that a time that is no number is not within the threshold.
        return not (row.ok and row.total_s <= objective.threshold_s)
    raise Inconclusive(
        f"{objective.name}: requests do not tell about {objective.kind}; "
        'give it a query of metrics, or source = "logs"',
        cause=f"objective {objective.name}",
    )


def _measured(
    objective: Objective,
    rows: Iterable[tuple[Exchange | JourneyRun, bool]],
    from_at: float,
    until_at: float,
    what: str,
    adjustments: Sequence[BudgetAdjustment],
) -> Measured:
    known = [(row, bad) for row, bad in rows if is_time(row.at)]
    counted, left_out = _without_adjusted(known, adjustments)
    events = [
        Event(row.at, bad, getattr(row, "machine", ""), getattr(row, "region", ""))
        for row, bad in counted
        if not row.own_fault
    ]
    failed = [row for row, bad in counted if bad and isinstance(row, Exchange)]
    return Measured(
        counts=counts_or_slices(objective, events),
        from_at=from_at,
        until_at=until_at,
        told_by=f"{what} of this run",
        own_faults=sum(row.own_fault for row, _ in counted),
        parts=parts_of(events),
        failed=tuple(row for row in failed if not row.own_fault)[:_FAILED_SHOWN],
        notes=left_out,
    )


def counts_or_slices(objective: Objective, events: Sequence[Event]) -> Counts:
    """Count events, or the time slices that they fall into where the objective counts those."""
    slices = objective.slices
    if slices is None:
        return counts_of(events)
    return slices_of(events, slices.slice_s, slices.good_ratio)


def is_time(at: float) -> bool:
    """Whether an event can have been then: not before 1970, and not in the future."""
    return math.isfinite(at) and 0 <= at <= time.time() + _AHEAD_S


def told_adjustment(adjustment: BudgetAdjustment, left_out: str) -> str:
    """Say that a time does not count, and why."""
    begin, end = (
        time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))
        for at in (adjustment.start_at, adjustment.end_at)
    )
    return f"{left_out} from {begin} to {end} UTC do not count: {adjustment.reason}"


def _without_adjusted(
    rows: Sequence[tuple[Exchange | JourneyRun, bool]], adjustments: Sequence[BudgetAdjustment]
) -> tuple[list[tuple[Exchange | JourneyRun, bool]], tuple[str, ...]]:
    counted, notes = list(rows), []
    for adjustment in adjustments:
        inside = [row for row in counted if is_within(row[0].at, adjustment)]
        counted = [row for row in counted if not is_within(row[0].at, adjustment)]
        if inside:
            notes.append(told_adjustment(adjustment, f"{len(inside)} events"))
    return counted, tuple(notes)


def is_within(at: float, adjustment: BudgetAdjustment) -> bool:
    """Whether a moment is in a time that does not count."""
    return adjustment.start_at <= at < adjustment.end_at


def _is_of(app: str, wanted: str | None) -> bool:
    return wanted is None or app == wanted


def _observed(objective: Objective) -> Observed:
    if isinstance(objective.source, Observed):
        return objective.source
    raise ValueError(f"objective {objective.name}: expected a source that runs observe")


def _is_walked(objective: Objective, row: JourneyRun) -> bool:
    journey = _observed(objective).journey
    return row.source in OBSERVERS and journey in (None, row.journey)


def _is_meant(objective: Objective, row: Exchange) -> bool:
    source = _observed(objective)
    return (
        row.source in OBSERVERS
        and source.journey in (None, row.journey)
        and source.path in (None, urlsplit(row.url).path or "/")
    )
