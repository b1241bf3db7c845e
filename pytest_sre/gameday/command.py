"""What ``pytest-sre gameday`` does; the command line prints what is returned."""

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from pytest_sre.chaos.experiments.configuration import set_values
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.gameday.closing import as_json, as_markdown, with_not_run
from pytest_sre.gameday.day import Day
from pytest_sre.gameday.plan import Step, read_plan
from pytest_sre.gameday.results import exit_code_of
from pytest_sre.gameday.timeline import Timeline
from pytest_sre.local.commands import Outcome
from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.targets.errors import unknown_name

_USAGE = 4


def hold_gameday(
    root: Path, plan_file: Path, target: str, more: Sequence[str], *, json: bool = False
) -> Outcome:
    """Hold a game day.

    Args:
        root: the project.
        plan_file: the plan.
        target: the name of the target instead of the plan's; the plan's when empty.
        more: further arguments for pytest, such as ``--sre-allow=chaos``.
        json: give the report as JSON instead of Markdown.

    Returns:
        The closing report. Exit code 0 when all experiments held, 1 when one did not, 4 for a
        mistake in the plan or in what it names, 130 when it was ended by Ctrl-C or SIGTERM.
    """
    try:
        plan = read_plan(plan_file)
        plan = replace(plan, target=target or plan.target)
        root = load_settings(root, plan.target).root
        for step in plan.steps:
            _require_sound(step, root)
    except ConfigError as error:
        return Outcome(_USAGE, (str(error),))
    folder = root / ".sre" / "gameday" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder.mkdir(parents=True, exist_ok=True)
    interrupted = False
    with Timeline(plan, Console(stderr=True)) as timeline, _ended_alike():
        day = Day(root, plan, more, folder, timeline)
        try:
            day.hold()
        except KeyboardInterrupt:
            interrupted = True
    why = "the game day was ended from outside" if interrupted else day.why_ended
    results = with_not_run(plan, day.results, why)
    exit_code = exit_code_of(results, interrupted=interrupted)
    report = as_markdown(plan, results)
    (folder / "report.md").write_text(report, encoding="utf-8")
    shown = as_json(plan, results, exit_code) if json else report
    return Outcome(exit_code, tuple(shown.splitlines()))


def _require_sound(step: Step, root: Path) -> None:
    """Pass when an experiment can be read, and has the parameters that the plan sets.

    Raises:
        ConfigError: it cannot, or has not.
    """
    known = read_experiment(step.file, root).configuration
    where = f"{step.name}: set"
    for name in step.told:
        if name not in known:
            what = "has an unknown parameter"
            raise unknown_name(where=where, what=what, name=name, names=known)
    set_values(known, step.told, where)


@contextlib.contextmanager
def _ended_alike() -> Iterator[None]:
    """Have SIGTERM end it as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
