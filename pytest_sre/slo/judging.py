"""The verdict on an objective from what was measured of it. Pure."""

import time
from collections.abc import Mapping
from typing import Final

from pytest_sre.slo.feasibility import Traffic, findings
from pytest_sre.slo.measuring.values import Measured
from pytest_sre.slo.proportion import Judgement, judge_ratio
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

_SHOWN_MACHINES: Final = 4


def judge_objective(objective: Objective, measured: Measured) -> Judgement:
    """Judge the events of an objective.

    Raises:
        Inconclusive: there are none, days between others are missing that could have broken
            what the others kept, or what counted them is in doubt.
    """
    name, counts = objective.name, measured.counts
    if not counts.total:
        raise _nothing_measured(name, measured)
    judgement = judge_ratio(counts.bad, counts.total, objective.allowed_ratio)
    missing = measured.missing_days
    if missing and judgement.verdict is ObjectiveVerdict.MET:
        days = f"{len(missing)} days, {missing[0]} the first," if len(missing) > 1 else missing[0]
        raise Inconclusive(
            f"{name}: of {days} nothing is known, and they are not taken for good\n"
            f"what is known: {judgement}; {measured.told_by}",
            cause=f"missing days: {name}",
        )
    if measured.doubts and judgement.verdict is ObjectiveVerdict.MET:
        raise Inconclusive(
            f"{name}: {'; '.join(measured.doubts[:3])}\n"
            f"what was seen: {judgement}; {_origin(measured)}",
            cause="load generator",
        )
    return judgement


def check_objective(
    objective: Objective, measured: Measured, labels: Mapping[str, str] | None = None
) -> Judgement:
    """Pass when an objective is met.

    Args:
        objective: it.
        measured: its events.
        labels: names of Machines for people, by id.

    Raises:
        AssertionError: it is breached; the text says what was seen, and where.
        Inconclusive: the events cannot carry a verdict.
    """
    judgement = judge_objective(objective, measured)
    if judgement.verdict is ObjectiveVerdict.MET:
        return judgement
    text = described(objective, measured, judgement, labels or {})
    if judgement.verdict is ObjectiveVerdict.BREACHED:
        raise AssertionError(text)
    span_s = measured.until_at - measured.from_at
    beforehand = weighty_findings(objective, measured.counts.total, span_s)[:1]
    raise Inconclusive("\n".join((text, *beforehand)), cause=f"too few events: {objective.name}")


def described(
    objective: Objective, measured: Measured, judgement: Judgement, labels: Mapping[str, str]
) -> str:
    """Say what was concluded from what; at most four lines."""
    lines = [f"{objective.name}: {judgement}", _origin(measured)]
    worst = [part for part in measured.parts if part.counts.bad][:_SHOWN_MACHINES]
    if worst:
        shown = (
            f"{labels.get(part.machine, part.machine) or 'Machine unknown'} "
            f"{part.counts.bad} of {part.counts.total}"
            for part in worst
        )
        lines.append(f"bad by Machine: {', '.join(shown)}")
    if measured.notes:
        lines.append("; ".join(measured.notes))
    return "\n".join(lines)


def weighty_findings(objective: Objective, total: int, span_s: float) -> tuple[str, ...]:
    """Say what the objective, or an alert on it, cannot do with so many events in so long a time.

    Args:
        objective: it.
        total: its events.
        span_s: the time that they are from, seconds; not asked of what runs observe.
    """
    if is_asked(objective):
        traffic = Traffic(events_per_s=total / span_s if span_s > 0 else None)
    else:
        traffic = Traffic(run_events=total)
    return tuple(str(one) for one in findings(objective, traffic) if one.has_weight)


def _origin(measured: Measured) -> str:
    lost = f"; {measured.own_faults} more failed on our side" if measured.own_faults else ""
    return f"told by {measured.told_by}, {_span(measured.from_at, measured.until_at)}{lost}"


def _span(from_at: float, until_at: float) -> str:
    begin, end = time.gmtime(from_at), time.gmtime(until_at)
    is_same_day = begin[:3] == end[:3]
    return (
        f"{time.strftime('%Y-%m-%d %H:%M:%S', begin)} to "
        f"{time.strftime('%H:%M:%S' if is_same_day else '%Y-%m-%d %H:%M:%S', end)} UTC"
    )


def _nothing_measured(name: str, measured: Measured) -> Inconclusive:
    if measured.own_faults:
        lost = f"{name}: all {measured.own_faults} events failed on our side: {_origin(measured)}"
        return Inconclusive(lost, cause="own network")
    notes = "".join(f"\n{note}" for note in measured.notes[:2])
    return Inconclusive(
        f"{name}: nothing was measured, which is not taken for good: {_origin(measured)}{notes}",
        cause=f"no events: {name}",
    )
