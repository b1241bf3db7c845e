"""An objective that a Prometheus is to watch, and which burn rates it is watched for."""

from dataclasses import dataclass
from typing import Final

from pytest_sre.slo.burn import BurnWindow, burn_windows
from pytest_sre.slo.queries import duration
from pytest_sre.targets.objectives import BurnAlert, Objective, ThresholdQuery

PAGE: Final = "page"
TICKET: Final = "ticket"

_PAGING: Final = frozenset({"high", "critical"})
# A rate needs two samples; over four, one that is late or lost does no harm.
_SAMPLES: Final = 4
# The Workbook has none: two evaluations in a row keep one odd sample from waking anybody.
_HOLD_SHARE: Final = 1 / 60
_WHOLE_SECONDS_FROM_S: Final = 10.0
_LONG_GROUP_FROM_S: Final = 12 * 3_600.0
_LONG_GROUP_EVERY_S: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long time is, and how often it is looked.

    Attributes:
        scale: what all windows are multiplied by: 1, or 1/60 for a drill in which an hour is to
            last a minute.
        scrape_s: how often metrics are read, seconds; Fly does so every 15.
    """

    scale: float = 1.0
    scrape_s: float = 15.0


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An objective of one app, with the rest of what its rules say.

    Attributes:
        objective: it, with a source that a Prometheus knows.
        service: the app.
        runbook: where its runbook is: a URL, or a path in the project; empty when there is none.
    """

    objective: Objective
    service: str
    runbook: str = ""

    @property
    def alert_name(self) -> str:
        """What its alerts' names begin with: ``checkout-latency`` gives ``CheckoutLatency``."""
        return "".join(f"{part[:1].upper()}{part[1:]}" for part in self.objective.name.split("-"))


@dataclass(frozen=True, kw_only=True)
class BurnRule:
    """One burn rate to alert on, with its ranges as they are to be written.

    Attributes:
        alert: the name of the alert.
        factor: the burn rate.
        long_s: the long range, seconds.
        short_s: the short range, seconds; None where the long one decides alone.
        hold_s: how long it has to last before the alert fires, seconds.
        severity: ``page`` or ``ticket``, or what an own alert policy says.
        fires_above: whether it fires above the burn rate rather than under it.
    """

    alert: str
    factor: float
    long_s: float
    short_s: float | None
    hold_s: float
    severity: str
    fires_above: bool = True

    @property
    def ranges_s(self) -> tuple[float, ...]:
        """The ranges that it looks at, seconds."""
        return (self.long_s,) if self.short_s is None else (self.long_s, self.short_s)


@dataclass(frozen=True)
class BurnRules:
    """Those of an objective, the fastest first, and why others are left out."""

    kept: tuple[BurnRule, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def ranges_s(self) -> frozenset[float]:
        """All ranges that are looked at, seconds."""
        return frozenset(length for each in self.kept for length in each.ranges_s)


def window_of(watched: Watched, timing: Timing) -> float:
    """Give the objective's window as it is to be written, seconds."""
    return _rounded(watched.objective.window_s * timing.scale)


def slice_of(watched: Watched, timing: Timing) -> float | None:
    """Give the length of its time slices as it is to be written, seconds; None for events."""
    objective = watched.objective
    if objective.slices is not None:
        return _rounded(objective.slices.slice_s * timing.scale)
    if isinstance(objective.source, ThresholdQuery):
        return _rounded(objective.source.slice_s * timing.scale)
    return None


def recent_of(watched: Watched, timing: Timing) -> float:
    """Give the range whose burn rate tells when the budget will be gone, seconds.

    That of the second row of the Workbook's table: 6 hours for a month.
    """
    range_s = burn_windows(watched.objective.window_s)[1].long_s * timing.scale
    return _rounded(max(range_s, _finest_s(watched, timing)))


def is_long(range_s: float, timing: Timing) -> bool:
    """Tell whether a range is so long that it changes slowly, and is costly to look at often."""
    return range_s > _LONG_GROUP_FROM_S * timing.scale


def long_every_s(timing: Timing) -> float:
    """Give how often long ranges are looked at, seconds."""
    return max(timing.scrape_s, _LONG_GROUP_EVERY_S * timing.scale)


def burn_rules(watched: Watched, timing: Timing) -> BurnRules:
    """Give the burn rates that an objective's alerts look for: its own, or the Workbook's."""
    objective = watched.objective
    if not objective.alerts:
        return BurnRules()
    wanted = [_own(each, timing) for each in objective.burn_alerts]
    wanted = wanted or [_usual(each, watched, timing) for each in burn_windows(objective.window_s)]
    reasons = {each: _why_not(each, watched, timing) for each in wanted}
    return BurnRules(
        tuple(each for each, why in reasons.items() if not why),
        tuple(
            f"burn rate {each.factor:g} over {duration(each.long_s)}: {why}"
            for each, why in reasons.items()
            if why
        ),
    )


def _usual(window: BurnWindow, watched: Watched, timing: Timing) -> BurnRule:
    scaled = window.scaled(timing.scale)
    pages = window.urgency == "page" and watched.objective.severity in _PAGING
    return BurnRule(
        alert=f"{watched.alert_name}ErrorBudgetBurn",
        factor=window.factor,
        long_s=_rounded(scaled.long_s),
        short_s=_rounded(max(scaled.short_s, _finest_s(watched, timing))),
        hold_s=_rounded(scaled.long_s * _HOLD_SHARE),
        severity=PAGE if pages else TICKET,
    )


def _own(alert: BurnAlert, timing: Timing) -> BurnRule:
    return BurnRule(
        alert=alert.name,
        factor=alert.factor,
        long_s=_rounded(alert.window_s * timing.scale),
        short_s=None,
        hold_s=_rounded(alert.after_s * timing.scale) if alert.after_s else 0.0,
        severity=alert.severity,
        fires_above=alert.fires_above,
    )


def _finest_s(watched: Watched, timing: Timing) -> float:
    return _SAMPLES * max(timing.scrape_s, slice_of(watched, timing) or 0.0)


def _why_not(rule: BurnRule, watched: Watched, timing: Timing) -> str:
    allowed = watched.objective.allowed_ratio
    if rule.fires_above and rule.factor * allowed >= 1:
        least = 1 - 1 / rule.factor
        return (
            f"could never fire, for all events being bad burns at {1 / allowed:.4g};"
            f" the objective would have to be above {least:.2%}"
        )
    finest_s = _finest_s(watched, timing)
    least_s = finest_s if rule.short_s is None else 2 * rule.short_s
    if rule.long_s < least_s:
        return f"too short: by how often it is measured, no less than {duration(finest_s)} will do"
    return ""


def _rounded(seconds: float) -> float:
    """Round to what reads well: whole seconds, or tenths of short times."""
    return (
        float(round(seconds)) if seconds >= _WHOLE_SECONDS_FROM_S else max(0.1, round(seconds, 1))
    )
