"""The keys of ``[[slo]]`` and ``[[slo-adjustment]]``: objectives as people write them."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.objectives import (
    SLI_KINDS,
    BudgetAdjustment,
    Objective,
    Slices,
    SliKind,
)
from pytest_sre.targets.reading import (
    Place,
    boolean,
    duration_with_unit,
    key,
    list_of,
    matching,
    one_of,
    ratio,
    require_exactly,
    table,
    text,
)
from pytest_sre.targets.severities import SEVERITIES, Severity
from pytest_sre.targets.slo_sources import SourceKeys, refuse_unfit, source_of, threshold_of

Budgeting = Literal["occurrences", "timeslices", "ratio-timeslices"]
BUDGETINGS: tuple[Budgeting, ...] = ("occurrences", "timeslices", "ratio-timeslices")
DEFAULT_WINDOW_S = 28 * 86_400.0
SHORTEST_WINDOW_S = 60.0
LONGEST_WINDOW_S = 366 * 86_400.0
_WINDOW = 'a duration with its unit, from "1m" to "366d", such as "28d"'
_SLICE = 'a duration with its unit, such as "1m"'

objective_name = matching(
    "(?=.{1,63}$)[a-z0-9]+(-[a-z0-9]+)*", 'a name such as "checkout-availability"'
)
"""Reads the name of an objective."""


def percent(value: object, place: Place) -> float:
    """Read a percentage that an objective can be, as a ratio.

    Raises:
        ConfigError: it is not a number above 1 and below 100.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
        raise place.wrong(value, "a percentage above 1 and below 100, such as 99.9")
    if value == 100:
        raise ConfigError(
            where=str(place),
            found="is 100, which leaves no error budget",
            expected="less than 100, such as 99.9",
            hint="no number of good events can show that none will ever be bad",
        )
    if value == 0:
        raise ConfigError(
            where=str(place),
            found="is 0, which everything meets",
            expected="a percentage above 1 and below 100, such as 99.9",
        )
    if value <= 1:
        raise ConfigError(
            where=str(place),
            found=f"is {value:g}, that is {value:g} %",
            expected="a percentage above 1 and below 100, such as 99.9",
            hint=f"write {_percent_of(value):g} for a share of {value:g}",
        )
    return _ratio_of(value)


def _ratio_of(value: float) -> float:
    # Through decimals: 99.9 / 100 is not the number that is written 0.999.
    return float(Decimal(str(value)) / 100)


def _percent_of(value: float) -> float:
    return float(Decimal(str(value)) * 100)


def _slice_percent(value: object, place: Place) -> float:
    """Read the share of a slice that is to be good; all of it may be asked for."""
    return 1.0 if value == 100 and not isinstance(value, bool) else percent(value, place)


def _window_s(value: object, place: Place) -> float:
    seconds = duration_with_unit(_WINDOW)(value, place)
    if not SHORTEST_WINDOW_S <= seconds <= LONGEST_WINDOW_S:
        raise place.wrong(value, _WINDOW)
    return seconds


@dataclass(frozen=True, kw_only=True)
class _SloKeys(SourceKeys):
    name: str = key("name", objective_name)
    kind: SliKind | None = key("kind", one_of(SLI_KINDS), None)
    app: str | None = key("app", text, None)
    objective: float | None = key("objective", percent, None)
    percentile: float | None = key("percentile", percent, None)
    window_s: float = key("window", _window_s, DEFAULT_WINDOW_S)
    budgeting: Budgeting = key("budgeting", one_of(BUDGETINGS), "occurrences")
    slice_s: float | None = key("slice", duration_with_unit(_SLICE), None)
    slice_objective: float | None = key("slice-objective", _slice_percent, None)
    severity: Severity = key("severity", one_of(SEVERITIES), "high")
    owner: str | None = key("owner", text, None)
    runbook: str | None = key("runbook", text, None)
    freeze_below: float | None = key("freeze-below", ratio, None)
    alerts: bool = key("alerts", boolean, True)
    description: str = key("description", text, "")
    targets: tuple[str, ...] | None = key("targets", list_of(text), None)


@dataclass(frozen=True)
class StatedObjective:
    """An objective and the targets that it is for; None for all.

    It is about the app of the name ``service`` where a target has one.
    """

    objective: Objective
    targets: tuple[str, ...] | None
    place: Place
    service: str | None = None

    def is_for(self, target: str) -> bool:
        """Tell whether it is to hold on this target."""
        return self.targets is None or target in self.targets


def read_objective(value: object, place: Place) -> StatedObjective:
    """Read a ``[[slo]]``.

    Raises:
        ConfigError: it has a mistake.
    """
    keys = table(_SloKeys, closed=True)(value, place)
    source = source_of(keys, place)
    threshold_s = threshold_of(keys, source, place)
    kind = keys.kind or _kind_of(keys, threshold_s)
    refuse_unfit(kind, source, threshold_s, place)
    objective = Objective(
        name=keys.name,
        kind=kind,
        source=source,
        good_ratio=_good_ratio(keys, kind, place),
        window_s=keys.window_s,
        app=keys.app,
        threshold_s=threshold_s,
        slices=_slices(keys, place),
        alerts=keys.alerts,
        severity=keys.severity,
        owner=keys.owner,
        runbook=keys.runbook,
        freeze_below=keys.freeze_below,
        description=keys.description,
        where=str(place),
    )
    return StatedObjective(objective, keys.targets, place)


def read_objectives(value: object, place: Place) -> tuple[StatedObjective, ...]:
    """Read all ``[[slo]]``.

    Raises:
        ConfigError: one has a mistake.
    """
    if isinstance(value, dict):
        raise ConfigError(place.section, "is one table", "[[slo]] for each objective")
    return list_of(read_objective)(value, place)


def _kind_of(keys: _SloKeys, threshold_s: float | None) -> SliKind:
    if keys.value is not None:
        return "saturation"
    return "availability" if threshold_s is None else "latency"


def _good_ratio(keys: _SloKeys, kind: SliKind, place: Place) -> float:
    if keys.percentile is None:
        if keys.objective is None:
            raise place.lacks("objective")
        return keys.objective
    if keys.objective is not None:
        raise ConfigError(
            where=str(place / "percentile"),
            found='stands beside "objective"',
            expected="one of the two",
            hint='percentile = 99 with below = "300ms" is the objective 99: both say 99 %',
        )
    if kind != "latency" or keys.below is None or keys.value is not None:
        raise ConfigError(
            where=str(place / "percentile"),
            found='has no time to be below: no "below" of a latency',
            expected='percentile = 99 with below = "300ms"',
        )
    return keys.percentile


def _slices(keys: _SloKeys, place: Place) -> Slices | None:
    if keys.value is not None and keys.budgeting != "occurrences":
        raise ConfigError(
            where=str(place / "budgeting"),
            found='does not go with "value", which is asked for once each slice by itself',
            expected='every = "1m"',
        )
    needs = {
        "occurrences": (),
        "timeslices": ("slice", "slice-objective"),
        "ratio-timeslices": ("slice",),
    }[keys.budgeting]
    given = {"slice": keys.slice_s, "slice-objective": keys.slice_objective}
    require_exactly(
        place,
        given,
        needs,
        found=f"means nothing with budgeting = {quoted(keys.budgeting)}",
        expected='it with budgeting = "timeslices" only',
    )
    if keys.slice_s is None:
        return None
    if keys.slice_s >= keys.window_s:
        raise ConfigError(
            str(place / "slice"), "is no shorter than the window", "many slices in a window"
        )
    return Slices(slice_s=keys.slice_s, good_ratio=keys.slice_objective)


def _moment(value: object, place: Place) -> float:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise place.wrong(value, "a time with its offset, such as 2026-11-01T22:00:00Z")
    return value.timestamp()


@dataclass(frozen=True, kw_only=True)
class _AdjustmentKeys:
    slo: tuple[str, ...] = key("slo", list_of(objective_name), ())
    reason: str = key("reason", text)
    start_at: float = key("from", _moment)
    end_at: float = key("to", _moment)


def read_adjustment(value: object, place: Place) -> BudgetAdjustment:
    """Read a ``[[slo-adjustment]]``.

    Raises:
        ConfigError: it has a mistake.
    """
    keys = table(_AdjustmentKeys, closed=True)(value, place)
    if keys.end_at <= keys.start_at:
        raise ConfigError(str(place / "to"), 'is not after "from"', "a later time")
    return BudgetAdjustment(
        objectives=keys.slo,
        start_at=keys.start_at,
        end_at=keys.end_at,
        reason=keys.reason,
        where=str(place),
    )
