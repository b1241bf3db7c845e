"""Objectives written as OpenSLO v1, so that other tools can read them."""

from collections.abc import Sequence

from pytest_sre.targets.objectives import (
    BurnAlert,
    Edge,
    Logged,
    Objective,
    Observed,
    RatioQuery,
    ThresholdQuery,
)
from pytest_sre.targets.openslo.annotations import PREFIX
from pytest_sre.targets.openslo.durations import shorthand
from pytest_sre.targets.openslo.indicators import OWN_TYPE
from pytest_sre.targets.openslo.objects import V1

Document = dict[str, object]
_UNITS = {1.0: "s", 1e-3: "ms", 1e-6: "us", 1e-9: "ns"}


def documents_of(objectives: Sequence[Objective], service: str) -> list[Document]:
    """Write each objective as one SLO that refers to nothing; reading them gives the same ones.

    What OpenSLO has no key for stands in annotations.

    Args:
        objectives: to be written, in this order.
        service: what each is about that names no app.

    Raises:
        ValueError: one has a length of time that is no whole number of minutes, which OpenSLO
            cannot say.
    """
    return [_slo(one, service) for one in objectives]


def _slo(objective: Objective, service: str) -> Document:
    spec: Document = {
        "service": objective.app or service,
        "indicator": {
            "metadata": {"name": objective.name},
            "spec": _sli(objective),
        },
        "timeWindow": [{"duration": shorthand(objective.window_s), "isRolling": True}],
        "budgetingMethod": _method(objective),
        "objectives": [_target(objective)],
    }
    if objective.description:
        spec = {"description": objective.description} | spec
    if objective.burn_alerts:
        spec["alertPolicies"] = [_policy(alert) for alert in objective.burn_alerts]
    return {
        "apiVersion": V1,
        "kind": "SLO",
        "metadata": {"name": objective.name, "annotations": _annotations(objective)},
        "spec": spec,
    }


def _annotations(objective: Objective) -> dict[str, str]:
    found: dict[str, str] = {"kind": objective.kind, "severity": objective.severity}
    stated = {"app": objective.app, "owner": objective.owner, "runbook": objective.runbook}
    found |= {name: value for name, value in stated.items() if value is not None}
    if objective.freeze_below is not None:
        found["freeze-below"] = repr(objective.freeze_below)
    if not objective.alerts:
        found["alerts"] = "false"
    if isinstance(objective.source, ThresholdQuery):
        found["every"] = _seconds(objective.source.slice_s)
    return {PREFIX + name: value for name, value in found.items()}


def _sli(objective: Objective) -> Document:
    match objective.source:
        case ThresholdQuery(value=value):
            return {"thresholdMetric": _prometheus(value)}
        case RatioQuery(total=total, good=str(good)):
            return {"ratioMetric": _ratio(good=_prometheus(good), total=_prometheus(total))}
        case RatioQuery(total=total, bad=bad):
            return {"ratioMetric": _ratio(bad=_prometheus(bad or ""), total=_prometheus(total))}
        case Observed() | Logged() | Edge() as source:
            return {"ratioMetric": _own(_own_spec(source), objective.threshold_s)}


def _own(spec: Document, threshold_s: float | None) -> Document:
    below: Document = {} if threshold_s is None else {"below": _seconds(threshold_s)}
    return _ratio(good=_metric(OWN_TYPE, spec | below), total=_metric(OWN_TYPE, spec))


def _ratio(**metrics: Document) -> Document:
    return {"counter": True, **metrics}


def _prometheus(query: str) -> Document:
    return _metric("Prometheus", {"query": query})


def _metric(kind: str, spec: Document) -> Document:
    return {"metricSource": {"type": kind, "spec": spec}}


def _own_spec(source: Observed | Logged | Edge) -> Document:
    match source:
        case Observed(journey=journey, path=path):
            named = {"journey": journey, "path": path}
            return {"source": "runs", **{key: name for key, name in named.items() if name}}
        case Logged(status=status, duration=duration, duration_unit_s=unit_s):
            unit = _UNITS[unit_s]
            return {"source": "logs", "status": status, "duration": duration, "duration-unit": unit}
    return {"source": "edge"}


def _method(objective: Objective) -> str:
    if objective.slices is None:
        return "Occurrences"
    return "RatioTimeslices" if objective.slices.good_ratio is None else "Timeslices"


def _target(objective: Objective) -> Document:
    found: Document = {"target": objective.good_ratio}
    if isinstance(source := objective.source, ThresholdQuery):
        is_below = source.below is not None
        found |= {
            "op": "lte" if is_below else "gte",
            "value": source.below if is_below else source.above,
        }
    if objective.slices is not None:
        found["timeSliceWindow"] = shorthand(objective.slices.slice_s)
        if objective.slices.good_ratio is not None:
            found["timeSliceTarget"] = objective.slices.good_ratio
    return found


def _policy(alert: BurnAlert) -> Document:
    condition: Document = {
        "kind": "burnrate",
        "op": "gt" if alert.fires_above else "lt",
        "threshold": alert.factor,
        "lookbackWindow": shorthand(alert.window_s),
        "alertAfter": shorthand(alert.after_s) if alert.after_s else "0m",
    }
    inline: Document = {
        "kind": "AlertCondition",
        "metadata": {"name": alert.name},
        "spec": {"severity": alert.severity, "condition": condition},
    }
    return {
        "kind": "AlertPolicy",
        "metadata": {"name": alert.name},
        "spec": {"alertWhenBreaching": True, "conditions": [inline]},
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"
