"""The live timeline of a game day, for a terminal, or line by line where there is none."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pytest_sre.gameday.plan import Plan, Step
from pytest_sre.gameday.results import HELD, NOT_RUN, Injected, Result
from pytest_sre.redaction import one_line
from pytest_sre.report.tables import clock

_COLOURS = {HELD: "green", "DEVIATED": "red", "ABORTED": "red", "NOT CLEAN": "bold red"}
_SHOWN = 110


@dataclass(frozen=True)
class Moment:
    """How a game day stands.

    Attributes:
        results: of the experiments that are over.
        running: the experiment that is being done, if one is.
        since_at: since when, or since when it pauses, Unix seconds.
        injected: what that experiment has done to the target.
        pause_s: how long the pause lasts; 0 when there is none.
    """

    results: tuple[Result, ...]
    running: Step | None = None
    since_at: float = 0.0
    injected: tuple[Injected, ...] = ()
    pause_s: float = 0.0


def events_of(earlier: Moment, now: Moment) -> tuple[str, ...]:
    """Say what is new, a line each."""
    said = []
    if now.running and now.running != earlier.running:
        said.append(f"{clock(now.since_at)} {now.running.name} begins")
    known = earlier.injected if now.running == earlier.running else ()
    for index, each in enumerate(now.injected):
        if index >= len(known):
            said.append(f"{clock(each.made_at)}   {each.described}")
        if each.undone_at and (index >= len(known) or not known[index].undone_at):
            how = "undone" if each.clean else "NOT undone"
            said.append(f"{clock(each.undone_at)}   {how}: {each.described}")
    for result in now.results[len(earlier.results) :]:
        said += _ended(result)
    if now.pause_s and not earlier.pause_s:
        said.append(f"{clock(now.since_at)} pause of {now.pause_s:g} s")
    return tuple(one_line(line, _SHOWN) for line in said)


class Timeline:
    """Shows a game day while it goes on; a context manager.

    Args:
        plan: the game day.
        console: where; a table that changes in place on a terminal, lines otherwise.
    """

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan, self._console = plan, console
        self._last = Moment(())
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, now: Moment) -> None:
        """Show how it stands."""
        for line in events_of(self._last, now):
            self._console.print(Text(line), highlight=False)
        if self._live:
            self._live.update(Group(Text(self._plan.title, style="bold"), self._table(now)))
            self._live.refresh()
        self._last = now

    def _table(self, now: Moment) -> Table:
        table = Table(box=None, pad_edge=False)
        for title in ("experiment", "state", "s", "recovered in s", "faults"):
            table.add_column(title)
        for index, step in enumerate(self._plan.steps):
            table.add_row(*_cells(step, index, now))
        return table


def _cells(step: Step, index: int, now: Moment) -> Sequence[Text]:
    if index < len(now.results):
        result = now.results[index]
        recovery = "" if result.recovery_s is None else f"{result.recovery_s:.1f}"
        state = Text(result.verdict, style=_COLOURS.get(result.verdict, "yellow"))
        took = f"{result.took_s:.0f}"
        return [Text(step.name), state, Text(took), Text(recovery), Text(str(len(result.injected)))]
    elapsed = Text(f"{max(0.0, time.time() - now.since_at):.0f}")
    if index == len(now.results) and now.running:
        undone = all(each.undone_at for each in now.injected)
        state = Text("running" if undone else "under fault", style="cyan")
        return [Text(step.name), state, elapsed, Text(""), Text(str(len(now.injected)))]
    if index == len(now.results) and now.pause_s:
        return [Text(step.name), Text("pause before", style="dim"), elapsed, Text(""), Text("")]
    return [Text(step.name), Text("waits", style="dim"), Text(""), Text(""), Text("")]


def _ended(result: Result) -> list[str]:
    at = clock(result.began_at + result.took_s)
    recovered = "" if result.recovery_s is None else f", recovered in {result.recovery_s:.1f} s"
    why = f": {result.detail}" if result.detail and result.verdict != HELD else ""
    if result.verdict == NOT_RUN and result.output:
        why += f" (see {result.output})"
    return [f"{at} {result.name} {result.verdict}{recovered}{why}"]
