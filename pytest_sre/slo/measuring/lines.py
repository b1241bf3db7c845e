"""Counts requests that an app's structured log tells of, a line a request. Pure.

A line that has not the fields is about something else. One that has them with a value that cannot
be is left out, and counted in a note.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_sre.logs.formats import parse_line
from pytest_sre.recording.rows import LogLine
from pytest_sre.slo.measuring.events import (
    counts_or_slices,
    is_time,
    is_within,
    told_adjustment,
)
from pytest_sre.slo.measuring.values import Event, Measured, parts_of
from pytest_sre.targets.objectives import BudgetAdjustment, Logged, Objective

_STRUCTURED: Final = frozenset({"json", "logfmt"})


def measure_lines(
    objective: Objective,
    source: Logged,
    lines: Sequence[LogLine],
    from_at: float,
    until_at: float,
    *,
    adjustments: Sequence[BudgetAdjustment] = (),
) -> Measured:
    """Count the events of an objective whose source is the app's log.

    Args:
        objective: it.
        source: where in a line they are.
        lines: what the app printed.
        from_at: from when on the log was read, Unix seconds.
        until_at: up to when.
        adjustments: times that do not count.
    """
    left_out: Counter[str] = Counter()
    events: list[Event] = []
    for line in lines:
        if line.provider != "app":
            continue
        is_bad = _is_bad(objective, source, line, left_out)
        if is_bad is not None:
            events.append(Event(line.at, is_bad, line.machine, line.region))
    notes = [f"{count} lines with {what} are left out" for what, count in left_out.items()]
    for adjustment in adjustments:
        inside = sum(is_within(event.at, adjustment) for event in events)
        events = [event for event in events if not is_within(event.at, adjustment)]
        notes += [told_adjustment(adjustment, f"{inside} lines")] if inside else []
    return Measured(
        counts=counts_or_slices(objective, events),
        from_at=from_at,
        until_at=until_at,
        told_by="requests that the log of this run tells of",
        parts=parts_of(events),
        notes=tuple(notes),
    )


def _is_bad(
    objective: Objective, source: Logged, line: LogLine, left_out: Counter[str]
) -> bool | None:
    """Tell whether the request of a line was bad; None where it tells of none."""
    parsed = parse_line(line.message)
    if parsed.format not in _STRUCTURED:
        return None
    status = _field(parsed.fields, source.status)
    duration = _field(parsed.fields, source.duration)
    needed = {"availability": status, "latency": duration, "freshness": duration}
    if needed.get(objective.kind) is None:
        return None
    if not is_time(line.at):
        left_out["a time that cannot be"] += 1
        return None
    code = _number(status)
    if objective.kind == "availability" and not (code is not None and 100 <= code <= 599):
        left_out[f"a {source.status} that is none"] += 1
        return None
    is_failed = code is not None and 500 <= code <= 599
    if objective.kind == "availability":
        return is_failed
    took = _number(duration)
    if took is None or took < 0 or objective.threshold_s is None:
        left_out[f"a {source.duration} that is none"] += 1
        return None
    return is_failed or took * source.duration_unit_s > objective.threshold_s


def _field(fields: Mapping[str, object], name: str) -> object:
    """Give a field by its name, or by a path of names such as ``http.status``."""
    if name in fields:
        return fields[name]
    first, _, rest = name.partition(".")
    inner = fields.get(first)
    return _field(inner, rest) if rest and isinstance(inner, Mapping) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
