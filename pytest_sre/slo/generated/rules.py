"""From objectives to Prometheus' recording and alerting rules.

Source: B. Beyer et al., "The Site Reliability Workbook", chapter 5. Ratios over long ranges are
made of the events themselves, never of shorter ratios: in a mean of those, a quiet hour would
weigh as much as a busy one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pytest_sre.slo import queries
from pytest_sre.slo.generated.alerting import AlertingRule, alerting_rules, makes_values_up
from pytest_sre.slo.generated.recorded import (
    ERROR_RATIO,
    EXHAUSTION,
    OBJECTIVE,
    REMAINING,
    SLICE,
    RecordingRule,
    error_ratio,
    identity,
)
from pytest_sre.slo.generated.watched import (
    BurnRules,
    Timing,
    Watched,
    burn_rules,
    is_long,
    long_every_s,
    recent_of,
    slice_of,
    window_of,
)
from pytest_sre.slo.queries import duration, number, selector
from pytest_sre.targets.objectives import Objective, ThresholdQuery

_MADE_UP: Final = "its query has a value even where nothing is counted, so nobody is told then"

Rule = RecordingRule | AlertingRule


@dataclass(frozen=True)
class RuleGroup:
    """Rules that are evaluated in order, every ``every_s`` seconds or as Prometheus is set."""

    name: str
    rules: tuple[Rule, ...]
    every_s: float | None = None


@dataclass(frozen=True)
class RuleFile:
    """All rules, with remarks on those that are not there."""

    groups: tuple[RuleGroup, ...]
    remarks: tuple[str, ...] = ()

    @property
    def alerts(self) -> tuple[AlertingRule, ...]:
        """The alerting rules among them."""
        every = (rule for group in self.groups for rule in group.rules)
        return tuple(rule for rule in every if isinstance(rule, AlertingRule))


def rule_file(watched: Iterable[Watched], timing: Timing = Timing()) -> RuleFile:  # noqa: B008
    """Make the rules of objectives that a Prometheus knows the events of.

    Args:
        watched: the objectives.
        timing: for a drill, shorter times.

    Raises:
        ValueError: an objective's events are not in a Prometheus (`queries.is_asked`).
    """
    ordered = sorted(watched, key=lambda each: (each.service, each.objective.name))
    groups, remarks = [], []
    for each in ordered:
        burns = burn_rules(each, timing)
        groups += _groups(each, burns, timing)
        remarks += [f"{each.objective.name}: {why}" for why in _remarks(each, burns)]
    return RuleFile(tuple(groups), tuple(remarks))


def _remarks(watched: Watched, burns: BurnRules) -> list[str]:
    remarks = [f"no alert on {why}" for why in burns.left_out]
    if makes_values_up(watched):
        remarks.append(_MADE_UP)
    return remarks


def _groups(watched: Watched, burns: BurnRules, timing: Timing) -> list[RuleGroup]:
    ranges = sorted((burns.ranges_s | {recent_of(watched, timing)}) - {window_of(watched, timing)})
    alerts = alerting_rules(watched, burns, timing)
    name = f"slo:{watched.service}:{watched.objective.name}"
    slice_s = slice_of(watched, timing)
    if slice_s is not None:
        recorded = (_slice_rule(watched, timing), *_ratios(watched, ranges, timing))
        rules: tuple[Rule, ...] = (*recorded, *_budget(watched, timing), *alerts)
        return [RuleGroup(name, rules, slice_s)]
    short = [each for each in ranges if not is_long(each, timing)]
    long = [each for each in ranges if is_long(each, timing)]
    return [
        RuleGroup(name, (*_ratios(watched, short, timing), *alerts)),
        RuleGroup(
            f"{name}:budget",
            (*_ratios(watched, long, timing), *_budget(watched, timing)),
            long_every_s(timing),
        ),
    ]


def _slice_rule(watched: Watched, timing: Timing) -> RecordingRule:
    found = queries.slice_query(_scaled(watched, timing), watched.service)
    assert found is not None
    return RecordingRule(SLICE, found[0], identity(watched))


def _ratios(watched: Watched, ranges_s: Sequence[float], timing: Timing) -> list[RecordingRule]:
    if slice_of(watched, timing) is None:
        events = queries.event_queries(watched.objective, watched.service)
    else:
        events = queries.slices_recorded(selector(SLICE, **identity(watched)))
    return [
        RecordingRule(
            f"{ERROR_RATIO}:{duration(each)}", events.over(each).error_ratio, identity(watched)
        )
        for each in ranges_s
    ]


def _budget(watched: Watched, timing: Timing) -> list[RecordingRule]:
    window_s, labels = window_of(watched, timing), identity(watched)
    allowed = number(watched.objective.allowed_ratio)
    spent = f"{error_ratio(watched, window_s)} / {allowed}"
    recent = f"{error_ratio(watched, recent_of(watched, timing))} / {allowed}"
    left = selector(REMAINING, **labels)
    exhaustion = f"clamp_min({left}, 0) * {number(window_s)} / ({recent} > 0)"
    return [
        *_ratios(watched, [window_s], timing),
        RecordingRule(OBJECTIVE, f"vector({number(watched.objective.good_ratio)})", labels),
        RecordingRule(REMAINING, f"1 - {spent}", labels),
        RecordingRule(EXHAUSTION, exhaustion, labels),
    ]


def _scaled(watched: Watched, timing: Timing) -> Objective:
    """Give an objective with shorter slices; its queries know no other times."""
    objective, slice_s = watched.objective, slice_of(watched, timing)
    if slice_s is not None and objective.slices is not None:
        return replace(objective, slices=replace(objective.slices, slice_s=slice_s))
    if slice_s is not None and isinstance(objective.source, ThresholdQuery):
        return replace(objective, source=replace(objective.source, slice_s=slice_s))
    return objective
