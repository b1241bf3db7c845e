"""What can be said of an objective before anything is measured: whether its alerts and its verdict
can do what they are for. Pure.

Source of the burn rates: `pytest_sre.slo.burn`. An alert at factor f fires when the share of bad
events is above f times the allowed one. No share is above 1, so it needs an objective above
1 - 1/f; and one bad event of n is a share of 1/n, so it needs more than 1/(f * allowed) events.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sre.slo.burn import burn_windows
from pytest_sre.slo.proportion import samples_to_settle
from pytest_sre.slo.queries import EDGE_TIMES, is_asked
from pytest_sre.targets.durations import format_duration
from pytest_sre.targets.errors import did_you_mean, quoted
from pytest_sre.targets.objectives import Edge, Objective, Observed, RatioQuery, ThresholdQuery
from pytest_sre.targets.severities import Severity

Check = Literal[
    "alert-cannot-fire",
    "alert-fires-when-well",
    "alert-on-one-failure",
    "window-too-short",
    "run-too-short",
    "threshold-between-buckets",
    "unknown-journey",
]
_BUCKET: Final = re.compile(r'([A-Za-z_:][A-Za-z0-9_:]*_bucket)\s*\{[^{}]*?\ble\s*=\s*"([^"]*)"')
_DAY_S: Final = 86_400.0
_OF_WEIGHT: Final = ("high", "critical")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What is known of the events of an objective; None is unknown.

    Attributes:
        events_per_s: how many there are, on average.
        run_events: how many of them one run observes at most.
        journeys: the names of those that are registered.
        bounds: those of the buckets of the histogram that is asked (`asked_buckets`).
    """

    events_per_s: float | None = None
    run_events: float | None = None
    journeys: tuple[str, ...] | None = None
    bounds: tuple[float, ...] | None = None


UNKNOWN: Final = Traffic()


@dataclass(frozen=True)
class Finding:
    """Something that an objective, or what is made of it, cannot do.

    Attributes:
        objective: its name.
        check: which check found it.
        severity: high when a verdict or an alert is worthless by it; lower informs.
        sentence: what is so.
        advice: what to do.
        where: the file and the key of the objective.
    """

    objective: str
    check: Check
    severity: Severity
    sentence: str
    advice: str
    where: str = ""

    @property
    def has_weight(self) -> bool:
        """Whether a verdict or an alert is worthless by it."""
        return self.severity in _OF_WEIGHT

    def __str__(self) -> str:
        return f"{self.sentence}; {self.advice}"


@dataclass(frozen=True)
class _Alert:
    """An alert on the burn rate over a window; a usual one is not made where it can't fire."""

    name: str
    factor: float
    window_s: float
    is_page: bool
    is_usual: bool
    fires_above: bool = True


def findings(objective: Objective, traffic: Traffic = UNKNOWN) -> tuple[Finding, ...]:
    """Check an objective.

    Args:
        objective: it.
        traffic: what is known of its events. What is unknown is not checked.

    Returns:
        What it cannot do, the worst first; nothing when all is well as far as is known.
    """
    found = [
        *_of_alerts(objective, traffic),
        *_of_window(objective, traffic),
        *_of_run(objective, traffic),
        *_of_journey(objective, traffic),
        *_of_threshold(objective, traffic),
    ]
    return tuple(sorted(found, key=lambda one: not one.has_weight))


def _of_alerts(objective: Objective, traffic: Traffic) -> Iterator[Finding]:
    if not objective.alerts or not is_asked(objective):
        return
    alerts = _alerts(objective)
    per_s = _events_per_s(objective, traffic)
    for alert in alerts:
        if not alert.fires_above:
            yield _fires_when_well(objective, alert)
        elif alert.factor * objective.allowed_ratio >= 1:
            yield _cannot_fire(objective, alert)
        elif per_s is not None:
            yield from _on_one_failure(objective, alert, per_s)


def _alerts(objective: Objective) -> tuple[_Alert, ...]:
    if objective.burn_alerts:
        return tuple(
            _Alert(one.name, one.factor, one.window_s, True, False, one.fires_above)
            for one in objective.burn_alerts
        )
    return tuple(
        _Alert("", row.factor, row.long_s, row.urgency == "page", True)
        for row in burn_windows(objective.window_s)
    )


def _told(alert: _Alert) -> str:
    name = f"alert {alert.name}" if alert.name else "alert"
    return f"the {name} at burn rate {alert.factor:g} over {length(alert.window_s)}"


def _cannot_fire(objective: Objective, alert: _Alert) -> Finding:
    fastest = 1 / objective.allowed_ratio
    rest = "; the generated rules leave it out" if alert.is_usual else ""
    return _finding(
        objective,
        "alert-cannot-fire",
        "low" if alert.is_usual else "high",
        f"{_told(alert)} can't fire: when all is bad, the burn rate is {fastest:.3g}",
        f"it needs an objective above {_share(1 - 1 / alert.factor)} or a lower factor{rest}",
    )


def _fires_when_well(objective: Objective, alert: _Alert) -> Finding:
    return _finding(
        objective,
        "alert-fires-when-well",
        "high",
        f"{_told(alert)} fires while the budget burns slower than that, so when all is well",
        "the operator of its condition is to be gt or gte",
    )


def _on_one_failure(objective: Objective, alert: _Alert, per_s: float) -> Iterator[Finding]:
    count = per_s * alert.window_s
    most = 1 / (alert.factor * objective.allowed_ratio)
    if count <= 0 or count > most:
        return
    needed = math.floor(most) + 1
    yield _finding(
        objective,
        "alert-on-one-failure",
        "high" if alert.is_page and _slice_s(objective) is None else "medium",
        f"{_told(alert)} fires on a single bad one: {length(alert.window_s)} has"
        f" {_number(count)} {_what(objective)}",
        f"it takes {needed:,} of them there; choose a lower objective, a longer window, or probes"
        " that add traffic",
    )


def _of_window(objective: Objective, traffic: Traffic) -> Iterator[Finding]:
    per_s = _events_per_s(objective, traffic)
    if per_s is None:
        return
    needed = samples_to_settle(objective.allowed_ratio)
    count = per_s * objective.window_s
    if count >= needed:
        return
    days = needed / per_s / _DAY_S if per_s else math.inf
    longer = f"a window of {math.ceil(days)}d" if days <= 366 else "more of them"
    yield _finding(
        objective,
        "window-too-short",
        "high",
        f"{length(objective.window_s)} has {_number(count)} {_what(objective)}, and"
        f" {_share(objective.good_ratio)} can be shown with {needed:,} good ones at the least",
        f"choose {longer}, or a lower objective",
    )


def _of_run(objective: Objective, traffic: Traffic) -> Iterator[Finding]:
    if traffic.run_events is None or _slice_s(objective) is not None:
        return
    needed = samples_to_settle(objective.allowed_ratio)
    if traffic.run_events >= needed:
        return
    yield _finding(
        objective,
        "run-too-short",
        "high",
        f"a run observes at most {_number(traffic.run_events)} events, and"
        f" {_share(objective.good_ratio)} can be shown with {needed:,} good ones at the least",
        "watch for longer, ask more often, or choose a lower objective",
    )


def _of_journey(objective: Objective, traffic: Traffic) -> Iterator[Finding]:
    known, source = traffic.journeys, objective.source
    if known is None or not isinstance(source, Observed) or source.journey in (None, *known):
        return
    name = source.journey or ""
    # Not of weight: a conftest.py, which is not read here, may register it.
    yield _finding(
        objective,
        "unknown-journey",
        "medium",
        f"no file of journeys registers the journey {quoted(name)}",
        did_you_mean(name, known) or f"registered are: {', '.join(sorted(known)) or 'none'}",
    )


def _of_threshold(objective: Objective, traffic: Traffic) -> Iterator[Finding]:
    asked, known = asked_buckets(objective), traffic.bounds
    if asked is None or not known:
        return
    for bound in asked.bounds:
        if any(math.isclose(bound, one) for one in known):
            continue
        under = [one for one in known if one < bound]
        over = [one for one in known if bound < one < math.inf]
        near = [*([max(under)] if under else []), *([min(over)] if over else [])]
        yield _finding(
            objective,
            "threshold-between-buckets",
            "high",
            f"{bound:g} is no bound of a bucket of {asked.metric}, so that nothing is counted",
            f"choose {' or '.join(f'{one:g}' for one in near)}",
        )


@dataclass(frozen=True)
class AskedBuckets:
    """Buckets of a histogram whose counts an objective asks for, by their upper bounds."""

    metric: str
    bounds: tuple[float, ...]


def asked_buckets(objective: Objective) -> AskedBuckets | None:
    """Give the buckets that an objective asks for; None when it asks for none.

    Of a query of one's own, the first metric of which a bucket is named by ``le="…"``.
    """
    if isinstance(objective.source, Edge) and objective.threshold_s is not None:
        return AskedBuckets(f"{EDGE_TIMES}_bucket", (objective.threshold_s,))
    if not isinstance(objective.source, RatioQuery):
        return None
    query = objective.source.good or objective.source.bad or ""
    found = [(match[1], _bound(match[2])) for match in _BUCKET.finditer(query)]
    bounds = tuple(bound for metric, bound in found if bound is not None and metric == found[0][0])
    return AskedBuckets(found[0][0], bounds) if bounds else None


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _finding(
    objective: Objective, check: Check, severity: Severity, sentence: str, advice: str
) -> Finding:
    return Finding(objective.name, check, severity, sentence, advice, objective.where)


def _events_per_s(objective: Objective, traffic: Traffic) -> float | None:
    """How many events count in a second: slices come by the clock, whatever the traffic."""
    slice_s = _slice_s(objective)
    return traffic.events_per_s if slice_s is None else 1 / slice_s


def _slice_s(objective: Objective) -> float | None:
    if isinstance(objective.source, ThresholdQuery):
        return objective.source.slice_s
    return None if objective.slices is None else objective.slices.slice_s


def _what(objective: Objective) -> str:
    slice_s = _slice_s(objective)
    return "events" if slice_s is None else f"slices of {length(slice_s)}"


def _share(ratio: float) -> str:
    return f"{100 * ratio:.6g} %"


def length(seconds: float) -> str:
    """Write a length of time for people, such as ``28d`` or ``1h30m``."""
    days, rest = divmod(seconds, _DAY_S)
    return f"{days:.0f}d{format_duration(rest) if rest else ''}" if days else format_duration(rest)


def _number(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 else f"{count:.1g}"
