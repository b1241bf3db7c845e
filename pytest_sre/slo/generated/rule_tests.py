"""From objectives to tests of their alerts, for ``promtool test rules``.

Each alert is shown to fire just above its limit, where those of higher limits are silent; all are
shown to be silent below the lowest, and the alert that nothing is measured to fire without any
series. Source: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.

Of Fly's metrics the tests make the series themselves. What an own query asks for cannot be known
without evaluating it: there the tests begin at the recorded error ratios or slices. Of a query
that has a value whatever is fed there are none.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.slo import queries
from pytest_sre.slo.generated.alerting import (
    VALUE,
    AlertingRule,
    absent_name,
    alerting_rules,
    makes_values_up,
    rendered,
)
from pytest_sre.slo.generated.recorded import SLICE, error_ratio, identity
from pytest_sre.slo.generated.watched import (
    BurnRule,
    BurnRules,
    Timing,
    Watched,
    burn_rules,
    slice_of,
)
from pytest_sre.slo.queries import duration, number, selector
from pytest_sre.targets.objectives import Edge

# As seldom as can be: what is recorded is gone after five minutes.
_EVERY_S: Final = 240.0
# Groups are evaluated in any order, so what an alert reads may be one evaluation old.
_MARGIN: Final = 3
_JUST_ABOVE: Final = 1.2
_EVENTS: Final = 1_000


@dataclass(frozen=True)
class _Case:
    """One error ratio that holds all the time, and how to feed it."""

    watched: Watched
    burns: BurnRules
    rules: Sequence[AlertingRule]
    timing: Timing

    @property
    def every_s(self) -> float:
        return _EVERY_S * self.timing.scale

    def after(self, hold_s: float) -> float:
        """When something has lasted that long for certain, in whole evaluations."""
        return (math.ceil(hold_s / self.every_s) + _MARGIN) * self.every_s


def rule_tests(
    watched: Iterable[Watched],
    rules_file: str,
    timing: Timing = Timing(),  # noqa: B008
) -> dict[str, object]:
    """Make the document of tests for the rules of ``rule_file``.

    Args:
        watched: the objectives.
        rules_file: the name of the file of rules, beside that of the tests.
        timing: as of the rules.

    Raises:
        ValueError: an objective's events are not in a Prometheus.
    """
    ordered = sorted(watched, key=lambda each: (each.service, each.objective.name))
    tested = [each for each in ordered if each.objective.alerts and not makes_values_up(each)]
    tests = [test for each in tested for test in _tests(each, timing)]
    return {
        "rule_files": [rules_file],
        "evaluation_interval": duration(_EVERY_S * timing.scale),
        "tests": tests,
    }


def _tests(watched: Watched, timing: Timing) -> list[dict[str, object]]:
    burns = burn_rules(watched, timing)
    case = _Case(watched, burns, alerting_rules(watched, burns, timing), timing)
    ratios = (_healthy(case), *_unhealthy(case))
    return [*(_at(case, ratio) for ratio in ratios), _not_measured(case)]


def _limits(case: _Case) -> list[float]:
    """The error ratios above which something fires, in order."""
    allowed = case.watched.objective.allowed_ratio
    return sorted({each.factor * allowed for each in case.burns.kept if each.fires_above})


def _healthy(case: _Case) -> float:
    return min([case.watched.objective.allowed_ratio, *_limits(case)]) / 2


def _unhealthy(case: _Case) -> list[float]:
    limits = _limits(case)
    above = [*limits[1:], 1.0]
    return [
        min(low * _JUST_ABOVE, (low + high) / 2) for low, high in zip(limits, above, strict=False)
    ]


def _at(case: _Case, ratio: float) -> dict[str, object]:
    """All alerts at one error ratio."""
    at_s = case.after(max((each.hold_s for each in case.burns.kept), default=0.0))
    is_edge = isinstance(case.watched.objective.source, Edge) and not _slices(case)
    expected: dict[str, list[AlertingRule]] = {rule.alert: [] for rule in case.rules}
    for burn, rule in zip(case.burns.kept, case.rules, strict=False):
        if _fires(burn, ratio, case.watched.objective.allowed_ratio):
            expected[rule.alert].append(rule)
    if not is_edge:
        del expected[absent_name(case.watched)]
    return {
        "name": f"{case.watched.objective.name}: {number(100 * ratio)} % bad",
        **_series(case, ratio, at_s),
        "alert_rule_test": [_expect(name, at_s, ratio, expected[name]) for name in expected],
    }


def _not_measured(case: _Case) -> dict[str, object]:
    rule = case.rules[-1]
    at_s = case.after(rule.hold_s)
    return {
        "name": f"{case.watched.objective.name}: not measured",
        "interval": duration(case.every_s),
        "input_series": [],
        "alert_rule_test": [_expect(rule.alert, at_s, 1.0, [rule])],
    }


def _fires(burn: BurnRule, ratio: float, allowed: float) -> bool:
    limit = burn.factor * allowed
    return ratio > limit if burn.fires_above else ratio < limit


def _expect(
    name: str, at_s: float, ratio: float, firing: Sequence[AlertingRule]
) -> dict[str, object]:
    values = {VALUE: f"{100 * ratio:.4g}%"}
    return {
        "eval_time": duration(at_s),
        "alertname": name,
        "exp_alerts": [
            {
                "exp_labels": _rendered(rule.labels, values),
                "exp_annotations": _rendered(rule.annotations, values),
            }
            for rule in firing
        ],
    }


def _rendered(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: rendered(text, values) for name, text in texts.items()}


def _slices(case: _Case) -> float | None:
    return slice_of(case.watched, case.timing)


def _series(case: _Case, ratio: float, at_s: float) -> dict[str, object]:
    """What is measured while so many events are bad, and how often."""
    slice_s = _slices(case)
    if slice_s is not None:
        recorded = {selector(SLICE, **identity(case.watched)): _constant(ratio, at_s / slice_s)}
        return _input(slice_s, recorded)
    if isinstance(case.watched.objective.source, Edge):
        step_s = min(each / 5 for each in (*case.burns.ranges_s, 5 * case.every_s))
        counts = queries.edge_series(case.watched.objective, case.watched.service, ratio)
        steps = math.ceil(at_s / step_s)
        return _input(
            step_s,
            {name: f"0+{number(_EVENTS * share)}x{steps}" for name, share in counts.items()},
        )
    ratios = {
        error_ratio(case.watched, each): _constant(ratio, at_s / case.every_s)
        for each in sorted(case.burns.ranges_s)
    }
    return _input(case.every_s, ratios)


def _constant(value: float, steps: float) -> str:
    return f"{number(value)}+0x{math.ceil(steps)}"


def _input(step_s: float, series: Mapping[str, str]) -> dict[str, object]:
    found = [{"series": name, "values": values} for name, values in series.items()]
    return {"interval": duration(step_s), "input_series": found}
