"""What ``pytest-sre slo status|snapshot`` does; the command line prints what is returned."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.local.commands import Outcome
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.recording import RecordingError
from pytest_sre.report.tables import table
from pytest_sre.run.traffic import open_metrics
from pytest_sre.slo.describing import told_burning, told_end
from pytest_sre.slo.judging import judge_objective
from pytest_sre.slo.measuring.windows import Windows
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets import ConfigError, Settings, load_settings
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

_USAGE: Final = 4
_QUIET_S: Final = 2.0
_TITLES: Final = ("objective", "verdict", "bad", "of", "budget left", "burn rate", "gone in", "by")
_FAULTS: Final = (Inconclusive, FlyError, LocalPlatformError, RecordingError)


@dataclass(frozen=True, kw_only=True)
class _Status:
    """Where one objective stands; what is not known is None, and ``why`` says why."""

    objective: str
    verdict: str
    bad: int | None = None
    total: int | None = None
    remaining: float | None = None
    burn_rate: float | None = None
    exhausted_in_s: float | None = None
    told_by: str = ""
    missing_days: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""


def status(
    root: Path, target: str, *, as_json: bool = False, tell: Callable[[str], None] | None = None
) -> Outcome:
    """Say where a target's objectives stand over their windows.

    Args:
        root: the project's folder.
        target: the target's name.
        as_json: answer with one JSON object.
        tell: takes what is being waited for, once it takes longer than two seconds.

    Returns:
        Exit code 0 when all are met, 1 when one is breached or not known, 4 for a mistake in the
        configuration.
    """
    try:
        settings = load_settings(root, target)
    except ConfigError as error:
        return Outcome(_USAGE, (str(error),))
    with _Metrics(settings) as metrics:
        windows = Windows(settings, metrics.prometheus)
        found = [_status(windows, each) for each in _told(settings, tell)]
    is_met = all(each.verdict == ObjectiveVerdict.MET.value for each in found)
    if as_json:
        shown = {"target": target, "objectives": [_finite(each) for each in found]}
        return Outcome(int(not is_met), (msgspec.json.encode(shown).decode(),))
    return Outcome(int(not is_met), _lines(found))


def snapshot(root: Path, target: str, *, tell: Callable[[str], None] | None = None) -> Outcome:
    """Keep the whole days that a target's metrics know, before they are forgotten.

    Returns:
        Exit code 0 when all was kept, 1 when some could not be, 4 for a mistake in the
        configuration.
    """
    try:
        settings = load_settings(root, target)
    except ConfigError as error:
        return Outcome(_USAGE, (str(error),))
    lines, failed = [], False
    with _Metrics(settings) as metrics:
        windows = Windows(settings, metrics.prometheus)
        for objective in _told(settings, tell):
            if not is_asked(objective):
                lines.append(f"{objective.name}: each run keeps what it observed")
                continue
            try:
                days = windows.snapshot(objective)
                windows.keep(days)
                lines.append(f"{objective.name}: {len(days)} whole days of metrics are kept")
            except _FAULTS as error:
                failed = True
                lines.append(f"{objective.name}: not kept: {error}")
    return Outcome(int(failed), tuple(lines) or ("there are no objectives: see docs/slo.md",))


class _Metrics(contextlib.ExitStack):
    """Opens a target's metrics when they are first asked for."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._opened: Prometheus | None = None

    def prometheus(self) -> Prometheus:
        if self._opened is None:
            self._opened = self.enter_context(open_metrics(self._settings))
        return self._opened


def _told(settings: Settings, tell: Callable[[str], None] | None) -> Iterator[Objective]:
    began_at, objectives = time.monotonic(), settings.objectives
    for place, objective in enumerate(objectives, start=1):
        if tell and time.monotonic() - began_at > _QUIET_S:
            tell(f"{objective.name} ({place} of {len(objectives)})")
        yield objective


def _status(windows: Windows, objective: Objective) -> _Status:
    name = objective.name
    try:
        measured = windows.measure(objective)
        budget = windows.budget(objective)
        try:
            judgement = judge_objective(objective, measured)
            verdict, why = judgement.verdict.value, ""
        except Inconclusive as error:
            verdict, why = ObjectiveVerdict.INCONCLUSIVE.value, error.reason
        fast = [told_burning(row) for row in windows.burning(objective) if row.is_too_fast]
        has_events = bool(measured.counts.total)
        return _Status(
            objective=name,
            verdict=verdict,
            bad=measured.counts.bad,
            total=measured.counts.total,
            remaining=budget.remaining if has_events else None,
            burn_rate=budget.burn_rate,
            exhausted_in_s=budget.exhausted_in_s if has_events else None,
            told_by=measured.told_by,
            missing_days=measured.missing_days,
            notes=(*fast, *measured.notes),
            why=why,
        )
    except _FAULTS as error:
        return _Status(objective=name, verdict=ObjectiveVerdict.INCONCLUSIVE.value, why=str(error))


def _finite(one: _Status) -> dict[str, object]:
    """A status as JSON has it, which knows no infinity: what never ends is null."""
    found = asdict(one)
    if one.exhausted_in_s is not None and math.isinf(one.exhausted_in_s):
        found["exhausted_in_s"] = None
    return found


def _lines(found: list[_Status]) -> tuple[str, ...]:
    if not found:
        return ("there are no objectives: see docs/slo.md",)
    lines = table(_TITLES, [_row(one) for one in found]).splitlines()
    for one in found:
        said = [*one.why.splitlines()[:4], *one.notes]
        lines += [f"{one.objective}: {line}" for line in said]
    return tuple(lines)


def _row(one: _Status) -> tuple[str, ...]:
    def shown(value: float | None, form: str) -> str:
        return "?" if value is None else format(value, form)

    left = "?" if one.remaining is None else f"{100 * one.remaining:.1f} %"
    end = told_end(one.exhausted_in_s).removeprefix("gone in ")
    return (
        one.objective,
        one.verdict,
        shown(one.bad, ",d"),
        shown(one.total, ",d"),
        left,
        shown(one.burn_rate, ".3g"),
        end or "-",
        one.told_by,
    )
