"""The closing report of a game day, for people and for programs."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pytest_sre.gameday.plan import Plan
from pytest_sre.gameday.results import HELD, NOT_RUN, Injected, Result
from pytest_sre.redaction import fenced, inline
from pytest_sre.report.tables import clock


def with_not_run(plan: Plan, results: Sequence[Result], why: str) -> tuple[Result, ...]:
    """Add the experiments to which it did not come."""
    left = plan.steps[len(results) :]
    return (*results, *(Result(step.name, "", NOT_RUN, why, 0.0, 0.0) for step in left))


def as_markdown(plan: Plan, results: Sequence[Result]) -> str:
    """Write the report as Markdown."""
    held = sum(result.verdict == HELD for result in results)
    lines = [
        f"# {inline(plan.title)}",
        "",
        f"{held} of {len(results)} experiments held on {inline(plan.target)}.",
        "",
        "| experiment | verdict | began (UTC) | took | recovered in |",
        "| --- | --- | --- | --- | --- |",
        *(_row(result) for result in results),
    ]
    for result in results:
        lines += _section(result)
    return "\n".join(lines) + "\n"


def as_json(plan: Plan, results: Sequence[Result], exit_code: int) -> str:
    """Write the report as one JSON object."""
    shown: dict[str, Any] = {
        "title": plan.title,
        "target": plan.target,
        "exit_code": exit_code,
        "experiments": [_as_data(result) for result in results],
    }
    return msgspec.json.encode(shown).decode()


def _as_data(result: Result) -> dict[str, object]:
    data: dict[str, object] = msgspec.to_builtins(result, enc_hook=str)
    return data


def _row(result: Result) -> str:
    began = clock(result.began_at) if result.began_at else "-"
    took = f"{result.took_s:.1f} s" if result.began_at else "-"
    recovered = "-" if result.recovery_s is None else f"{result.recovery_s:.1f} s"
    return f"| {inline(result.name)} | {result.verdict} | {began} | {took} | {recovered} |"


def _section(result: Result) -> list[str]:
    lines = ["", f"## {inline(result.title or result.name)}: {result.verdict}", ""]
    if result.detail:
        lines += [fenced(result.detail), ""]
    lines += [_line(each) for each in result.injected]
    left = [command for each in result.injected for command in each.left if not each.clean]
    if left:
        lines += ["", "Left in place; by hand:", fenced("\n".join(left))]
    if result.output and result.verdict != HELD:
        lines += ["", f"All that was printed: `{result.output}`"]
    return lines


def _line(each: Injected) -> str:
    undone = f"undone at {clock(each.undone_at)}" if each.undone_at else "not undone"
    return f"- {clock(each.made_at)} {inline(each.described)}, {undone}"
