"""Arranges what a report shows of what was done to the target on purpose. Pure."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_sre.recording.rows import ExperimentRun, Perturbation
from pytest_sre.report.html.blocks import Block
from pytest_sre.report.html.figures import Rows, Table, at_text, safe_line
from pytest_sre.report.html.values import Report
from pytest_sre.report.perturbations import ended

_NAME: Final = 200
_TEXT: Final = 400
_MOST_ROWS: Final = 100
_MARKS: Final = {"HELD": "HEALTHY", "DEVIATED": "UNHEALTHY"}


def chaos_blocks(report: Report) -> Iterator[Block]:
    """Arrange the experiments and the perturbations of a report."""
    yield from map(_experiment, report.experiments.shown)
    if report.experiments.left:
        yield Block(f"and {report.experiments.left:,} more experiments")
    shown = report.perturbations.shown
    if shown:
        titles = ("done", "Machines", "from (UTC)", "until (UTC)", "undone", "test")
        table = Table(
            "What was done", titles, tuple(map(_perturbation, shown)), report.perturbations.left
        )
        unclean = [row for row in shown if not row.clean]
        by_hand = [line for row in unclean for line in row.left.splitlines()]
        yield Block(
            "All that was done to the target on purpose",
            mark="UNHEALTHY" if unclean else "",
            says=tuple(f"by hand: {safe_line(line, _TEXT)}" for line in by_hand[:_MOST_ROWS]),
            tables=(table,),
        )


def _perturbation(row: Perturbation) -> tuple[str, ...]:
    return (
        safe_line(row.described, _TEXT),
        safe_line(", ".join(row.machine_ids), _NAME),
        at_text(row.made_at),
        at_text(row.undone_at),
        ended(row),
        safe_line(row.test, _NAME),
    )


def _experiment(run: ExperimentRun) -> Block:
    name = safe_line(run.title or run.name, _NAME)
    recovered = (
        f"steady again {run.recovery_s:.1f} s after" if math.isfinite(run.recovery_s) else ""
    )
    says = (
        f"{run.verdict}{'' if run.clean else ', NOT CLEAN'}",
        safe_line(run.detail, _TEXT),
        f"{at_text(run.at)} to {at_text(run.ended_at)} UTC",
        recovered,
        f"by {safe_line(run.test, _NAME)}" if run.test else "",
    )
    tables = (_table("The steady state", run.steady_states), _table("Activities", run.activities))
    return Block(
        name,
        mark=_MARKS.get(run.verdict, "INCONCLUSIVE") if run.clean else "UNHEALTHY",
        says=tuple(filter(None, says)),
        tables=tuple(table for table in tables if table.rows),
        is_open=run.verdict != "HELD" or not run.clean,
    )


def _table(caption: str, told: str) -> Table:
    """Lay out a list of objects under the names of their keys."""
    try:
        found = json.loads(told)
    except ValueError:
        found = []
    objects = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    titles = tuple(dict.fromkeys(key for each in objects for key in each))
    shown = objects[:_MOST_ROWS]
    return Table(caption, titles, _rows(titles, shown), len(objects) - len(shown))


def _rows(titles: Sequence[str], objects: Sequence[dict[str, object]]) -> Rows:
    return tuple(
        tuple(safe_line(str(each.get(title, "")), _TEXT) for title in titles) for each in objects
    )
