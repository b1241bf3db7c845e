"""Budgets and burn rates in words. Pure."""

import math

from pytest_sre.slo.budget import Budget
from pytest_sre.slo.burn import Burning
from pytest_sre.targets.durations import format_duration

_DAY_S = 86_400.0


def told_budget(budget: Budget) -> str:
    """Say in one line what is left of a budget, and how it is being spent.

    Raises:
        Inconclusive: the budget is not known.
    """
    parts = [f"{100 * budget.remaining:.1f} % of its error budget left"]
    if budget.spent_in_release is not None:
        parts.append(f"{100 * budget.spent_in_release:.1f} % spent by this release")
    if budget.burn_rate is not None:
        parts.append(f"burn rate {budget.burn_rate:.3g}")
    parts.append(told_end(budget.exhausted_in_s))
    return ", ".join(part for part in parts if part)


def told_burning(row: Burning) -> str:
    """Say of a row of the table that its burn rate is too fast."""
    window = row.window
    return (
        f"burns too fast ({window.urgency}): {row.long_rate or 0:.3g} over "
        f"{told_time(window.long_s)} and {row.short_rate or 0:.3g} over "
        f"{told_time(window.short_s)}, where {window.factor:g} is the limit"
    )


def told_end(exhausted_in_s: float | None) -> str:
    """Say when a budget ends; empty when that is not known or never."""
    if exhausted_in_s is None or math.isinf(exhausted_in_s):
        return ""
    return f"gone in {told_time(exhausted_in_s)}" if exhausted_in_s else "gone"


def told_time(seconds: float) -> str:
    """A length of time for people: days from two on, and otherwise hours and minutes."""
    if seconds >= 2 * _DAY_S:
        return f"{seconds / _DAY_S:.1f} d"
    return format_duration(float(round(seconds / 60) * 60)) or "0s"
