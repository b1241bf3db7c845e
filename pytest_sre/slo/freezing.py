"""Whether an error budget lets a release pass. Pure."""

from pytest_sre.slo.budget import Budget
from pytest_sre.slo.describing import told_budget
from pytest_sre.targets.objectives import Objective


def check_freeze(objective: Objective, budget: Budget, override: str = "") -> str:
    """Pass unless less of the error budget is left than releases need.

    Args:
        objective: it; without ``freeze_below`` it freezes nothing.
        budget: its budget.
        override: why the release is to pass all the same; empty for no override.

    Returns:
        What was lifted and why; empty when nothing was frozen.

    Raises:
        AssertionError: releases are frozen.
        Inconclusive: the budget is not known.
    """
    limit = objective.freeze_below
    if limit is None or budget.remaining >= limit:
        return ""
    frozen = (
        f"{objective.name}: {100 * budget.remaining:.1f} % of its error budget is left, and below "
        f"{100 * limit:g} % releases are frozen"
    )
    if override:
        return f"{frozen}; lifted: {override}"
    why = '--sre-override-freeze="why" lets this one pass, and is recorded'
    raise AssertionError(f"{frozen}\n{told_budget(budget)}\n{why}")
