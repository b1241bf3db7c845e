"""Puts a long window together from days: those that metrics know, and those of the ledger. Pure.

A day that neither knows is missing. It counts neither as good nor as bad, and between days that
are known it keeps the objective from being called met.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final

from pytest_sre.recording.ledger import DayCounts
from pytest_sre.slo.counts import Counts, added
from pytest_sre.slo.measuring.events import is_within, told_adjustment
from pytest_sre.slo.measuring.values import Measured
from pytest_sre.targets.objectives import BudgetAdjustment, Objective

DAY_S: Final = 86_400.0
_SHOWN_DAYS: Final = 5


def day_at(at: float) -> dt.date:
    """The day in UTC that a moment, in Unix seconds, is on."""
    return dt.datetime.fromtimestamp(at, dt.UTC).date()


def start_of(day: dt.date) -> float:
    """When a day in UTC begins, Unix seconds."""
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()


def days_of(window_s: float, now: float) -> tuple[dt.date, ...]:
    """The whole days of a window that ends now, and today as far as it has come."""
    today = day_at(now)
    whole = max(1, round(window_s / DAY_S))
    return tuple(today - dt.timedelta(days=ago) for ago in range(whole, -1, -1))


def definition_of(objective: Objective) -> str:
    """A short text that changes with what is counted, so that old counts are not mistaken."""
    counted = (
        objective.kind,
        objective.source,
        objective.app,
        objective.threshold_s,
        objective.slices,
    )
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:12]


def completed(
    days: Sequence[dt.date],
    known: Mapping[dt.date, Counts],
    kept: Iterable[DayCounts],
    now: float,
    *,
    adjustments: Sequence[BudgetAdjustment] = (),
    left_out: Mapping[dt.date, Counts] = MappingProxyType({}),
) -> Measured:
    """Count the events of a window whose beginning the metrics have forgotten.

    Args:
        days: the days of the window, oldest first.
        known: what the metrics tell of a day.
        kept: what the ledger has of metrics.
        now: when the window ends, Unix seconds.
        adjustments: times that do not count.
        left_out: the events in these times, of days that they do not cover whole.
    """
    from_ledger = _of_ledger(kept, known)
    skipped = {day for day in days if any(covers(each, day) for each in adjustments)}
    found = {**known, **from_ledger}
    counted = {day: found[day] for day in days if day in found and day not in skipped}
    first = min(counted, default=None)
    between = [day for day in days if first and first < day < days[-1] and day not in skipped]
    own = [day for day in counted if day in from_ledger]
    notes = _told_adjusted(adjustments, skipped, counted, own)
    if first and first > days[0] and days[0] not in skipped:
        notes.append(f"nothing is known of the days before {first}")
    return Measured(
        counts=added(
            counts.without(Counts() if day in own else left_out.get(day, Counts()))
            for day, counts in counted.items()
        ),
        from_at=start_of(first or days[0]),
        until_at=now,
        told_by=_told_by([day for day in counted if day not in own], own),
        missing_days=tuple(str(day) for day in between if day not in counted),
        notes=tuple(notes),
    )


def of_runs(
    kept: Sequence[DayCounts],
    since: dt.date,
    now: float,
    *,
    adjustments: Sequence[BudgetAdjustment] = (),
) -> Measured:
    """Count the events of a window that runs observed, each run on its own day.

    Args:
        kept: what the ledger has of runs, this one's own included.
        since: the first day of the window.
        now: when it ends, Unix seconds.
        adjustments: times that do not count.
    """
    ours = [day for day in kept if day.source == "runs" and day.day >= since.isoformat()]
    counted = [day for day in ours if not any(is_within(day.at, each) for each in adjustments)]
    notes = [
        told_adjustment(each, f"{len(inside)} runs")
        for each in adjustments
        if (inside := {day.run for day in ours if is_within(day.at, each)})
    ]
    runs = len({day.run for day in counted})
    return Measured(
        counts=added(Counts(day.bad, day.total) for day in counted),
        from_at=min((day.at for day in counted), default=start_of(since)),
        until_at=now,
        told_by=f"{runs} run{'' if runs == 1 else 's'}",
        notes=tuple(notes),
    )


def _of_ledger(kept: Iterable[DayCounts], known: Mapping[dt.date, Counts]) -> dict[dt.date, Counts]:
    days = {dt.date.fromisoformat(each.day): each for each in kept if each.source == "metrics"}
    return {
        day: Counts(each.bad, each.total)
        for day, each in days.items()
        if day not in known or known[day].total < each.total
    }


def covers(adjustment: BudgetAdjustment, day: dt.date) -> bool:
    """Whether a time that does not count has the whole of a day."""
    begin_at = start_of(day)
    return adjustment.start_at <= begin_at and begin_at + DAY_S <= adjustment.end_at


def _told_adjusted(
    adjustments: Sequence[BudgetAdjustment],
    skipped: AbstractSet[dt.date],
    counted: Collection[dt.date],
    own: Collection[dt.date],
) -> list[str]:
    notes = []
    for each in adjustments:
        whole = [day for day in skipped if covers(each, day)]
        parts = [day for day in counted if _touches(each, day)]
        if whole or any(day not in own for day in parts):
            notes.append(told_adjustment(each, "events"))
        if inexact := [day for day in parts if day in own]:
            notes.append(
                f"{_listed(inexact)}: the ledger knows only whole days, so they count whole"
            )
    return notes


def _touches(adjustment: BudgetAdjustment, day: dt.date) -> bool:
    begin_at = start_of(day)
    return bool(adjustment.start_at < begin_at + DAY_S and begin_at < adjustment.end_at)


def _told_by(of_metrics: Sequence[dt.date], of_ledger: Sequence[dt.date]) -> str:
    parts = [f"metrics of {_listed(of_metrics)}"] if of_metrics else []
    parts += [f"the ledger of {_listed(of_ledger)}"] if of_ledger else []
    return " and ".join(parts) or "no day"


def _listed(days: Sequence[dt.date]) -> str:
    ordered = sorted(days)
    if len(ordered) <= _SHOWN_DAYS and not _is_run(ordered):
        return ", ".join(map(str, ordered))
    if len(ordered) == 1:
        return str(ordered[0])
    between = "to" if _is_run(ordered) else f"({len(ordered)} days) to"
    return f"{ordered[0]} {between} {ordered[-1]}"


def _is_run(ordered: Sequence[dt.date]) -> bool:
    return (ordered[-1] - ordered[0]).days == len(ordered) - 1
