"""The alerts on one objective: that its budget burns too fast, and that nothing is measured."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sre.slo import queries
from pytest_sre.slo.generated.recorded import error_ratio, identity
from pytest_sre.slo.generated.watched import (
    TICKET,
    BurnRule,
    BurnRules,
    Timing,
    Watched,
    slice_of,
    window_of,
)
from pytest_sre.slo.queries import duration, number

VALUE: Final = "{{ $value | humanizePercentage }}"
"""Stands for the error ratio over the long range."""

_BRACES: Final = '{{ "{{" }}'
_ALWAYS_THERE: Final = re.compile(r"\b(vector|absent|absent_over_time)\s*\(")
# Times at scale 1: the range in which events must have been counted, and how long they were not.
_ABSENT_OVER_S: Final = 3_600.0
_ABSENT_HOLD_S: Final = 600.0


@dataclass(frozen=True)
class AlertingRule:
    """What fires while an expression has a value, once it had one for ``hold_s`` seconds."""

    alert: str
    expression: str
    hold_s: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def alerting_rules(watched: Watched, burns: BurnRules, timing: Timing) -> list[AlertingRule]:
    """Make the alerts of an objective; none where it is to have none."""
    if not watched.objective.alerts:
        return []
    return [*(_burn(watched, each, timing) for each in burns.kept), _absent(watched, timing)]


def template_text(text: str) -> str:
    """Write a text so that Prometheus, which reads templates, shows it as it is."""
    return text.replace("{{", _BRACES)


def makes_values_up(watched: Watched) -> bool:
    """Tell whether an own query has a value also where nothing is counted."""
    query = queries.measured_query(watched.objective, watched.service)
    return bool(_ALWAYS_THERE.search(query))


def rendered(text: str, values: Mapping[str, str]) -> str:
    """Write a text as Prometheus shows it, with a value for each template in it."""
    for template, value in values.items():
        text = text.replace(template, value)
    return text.replace(_BRACES, "{{")


def absent_name(watched: Watched) -> str:
    """Give the name of the alert that nothing is measured."""
    return f"{watched.alert_name}NotMeasured"


def _burn(watched: Watched, burn: BurnRule, timing: Timing) -> AlertingRule:
    objective = watched.objective
    allowed = number(objective.allowed_ratio)
    comparison = ">" if burn.fires_above else "<"
    limit = f"{comparison} ({burn.factor:g} * {allowed})"
    beyond = [f"{error_ratio(watched, each)} {limit}" for each in burn.ranges_s]
    return AlertingRule(
        burn.alert,
        "\nand\n".join(beyond),
        burn.hold_s,
        {**_labels(watched, burn.severity), "long_window": duration(burn.long_s)},
        _annotations(watched, *_burn_texts(watched, burn, window_of(watched, timing))),
    )


def _burn_texts(watched: Watched, burn: BurnRule, window_s: float) -> tuple[str, str]:
    than = f"{'more' if burn.fires_above else 'less'} than {burn.factor:g} times as fast as"
    if burn.factor == 1:
        than = f"{'faster' if burn.fires_above else 'slower'} than"
    summary = f"{_subject(watched)} burns its error budget {than} allowed"
    lasts = duration(max(1, round(window_s / burn.factor)))
    description = (
        f"{VALUE} were bad over the last {duration(burn.long_s)},"
        f" {number(100 * watched.objective.allowed_ratio)} % may be. At {burn.factor:g} times that,"
        f" the budget of {duration(window_s)} lasts {lasts}."
    )
    return summary, description


def _absent(watched: Watched, timing: Timing) -> AlertingRule:
    over_s = max(_ABSENT_OVER_S * timing.scale, 4 * timing.scrape_s, slice_of(watched, timing) or 0)
    measured = queries.at_window(queries.measured_query(watched.objective, watched.service), over_s)
    return AlertingRule(
        absent_name(watched),
        f"absent({measured})",
        _ABSENT_HOLD_S * timing.scale,
        _labels(watched, TICKET),
        _annotations(
            watched,
            f"{_subject(watched)} is not measured",
            "What it is measured by has no value, so no other alert of it can fire. Either nothing"
            " is counted any more, or the query asks for what does not exist.",
        ),
    )


def _labels(watched: Watched, severity: str) -> dict[str, str]:
    owner = watched.objective.owner
    labels = {**identity(watched), "severity": severity, **({"owner": owner} if owner else {})}
    return {name: template_text(value) for name, value in labels.items()}


def _annotations(watched: Watched, summary: str, description: str) -> dict[str, str]:
    about = template_text(watched.objective.description.strip())
    found = {"summary": summary, "description": f"{description} {about}".strip()}
    return found | ({"runbook_url": template_text(watched.runbook)} if watched.runbook else {})


def _subject(watched: Watched) -> str:
    return template_text(f"{watched.objective.name} of {watched.service}")
