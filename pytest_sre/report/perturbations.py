"""What was done to a target on purpose, as a table and as lines."""

import math
from collections.abc import Iterator, Sequence

from pytest_sre.recording.rows import ExperimentRun, Perturbation
from pytest_sre.report.tables import clean, clock, table

NOT_CLEAN = "NOT CLEAN"
"""Begins what is said of something that is not proven to be undone."""

_SHOWN = 20
_WIDE = 90


def perturbations_table(rows: Sequence[Perturbation]) -> str:
    """Show what was done, when, and whether it is undone."""
    shown = [
        (clean(row.described, _WIDE), told_time(row.made_at), told_time(row.undone_at), ended(row))
        for row in rows[:_SHOWN]
    ]
    more = [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    titles = ("done on purpose", "from (UTC)", "until (UTC)", "undone")
    return "\n".join([table(titles, shown), *more])


def timeline(rows: Sequence[Perturbation]) -> Iterator[str]:
    """Say what was done and undone, in the order of time, a line each; and what is left to do."""
    moments = [(row.made_at, f"done: {row.described}") for row in rows]
    moments += [(row.undone_at, f"{ended(row)}: {row.described}") for row in rows]
    for at, said in sorted(moment for moment in moments if math.isfinite(moment[0])):
        yield f"{clock(at)} {clean(said, 2 * _WIDE)}"
    for row in rows:
        yield from (f"by hand: {clean(command, 2 * _WIDE)}" for command in row.left.splitlines())


def told_time(at: float) -> str:
    """Show a time; a dash for one that did not come."""
    return clock(at) if math.isfinite(at) else "-"


def ended(row: Perturbation) -> str:
    """Say whether it is undone."""
    if row.clean:
        return "undone"
    return NOT_CLEAN if math.isfinite(row.undone_at) else "not known to be undone"


def told_experiment(run: ExperimentRun) -> str:
    """Say in a line what an experiment showed."""
    recovered = (
        f", steady {run.recovery_s:.1f} s after the undo" if math.isfinite(run.recovery_s) else ""
    )
    why = f": {clean(run.detail, _WIDE)}" if run.detail else ""
    left = "" if run.clean else f", {NOT_CLEAN}"
    return f"{run.verdict}  {clean(run.title or run.name, _WIDE)}{recovered}{left}{why}"


def told_perturbations(rows: Sequence[Perturbation]) -> Iterator[str]:
    """Say in a line how much was done, and in one each what is not proven to be undone."""
    if rows:
        done = "1 perturbation" if len(rows) == 1 else f"{len(rows)} perturbations"
        undone = sum(row.clean for row in rows)
        what = "all" if undone == len(rows) else f"{undone} of them"
        yield f"{done}, {what} undone and read back"
    for row in rows:
        if not row.clean:
            yield f"{ended(row)}  {clean(row.described, _WIDE)}; run: pytest-sre recover"
