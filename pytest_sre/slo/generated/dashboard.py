"""From an app and its objectives to a Grafana dashboard.

What users see of an app (the four golden signals: traffic, errors, latency, saturation; Google,
"Site Reliability Engineering", chapter 6) beside what was promised to them. Deploys are Grafana's
annotations with the tags ``deploy`` and the app's name.
Source: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_sre.slo.generated.panels import Panel, Query, Threshold, placed
from pytest_sre.slo.generated.recorded import EXHAUSTION, REMAINING, error_ratio, identity
from pytest_sre.slo.generated.watched import Timing, Watched, burn_rules, recent_of, window_of
from pytest_sre.slo.queries import duration, number, quoted, selector

_EDGE_ANSWERS: Final = "fly_edge_http_responses_count"
_EDGE_TIMES: Final = "fly_edge_http_response_time_seconds_bucket"
_SCHEMA_VERSION: Final = 39
_LONGEST_UID: Final = 40
_RATE: Final = "$__rate_interval"
_LOW_BUDGET: Final = 0.25
_GREEN, _ORANGE, _RED = "green", "orange", "red"


def dashboard(service: str, watched: Iterable[Watched]) -> dict[str, object]:
    """Make the document of an app's dashboard.

    Args:
        service: the app.
        watched: its objectives; those of other apps are left out.
    """
    own = sorted(
        (each for each in watched if each.service == service), key=lambda each: each.objective.name
    )
    rows = [(f"Objective: {each.objective.name}", _objective(each)) for each in own]
    return {
        "uid": _uid(service),
        "title": f"{service}: reliability",
        "tags": ["pytest-sre", "slo"],
        "timezone": "utc",
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_data_source(), _regions(service)]},
        "annotations": {"list": [_deploys(service)]},
        "panels": placed([*rows, ("Golden signals", _signals(service))]),
    }


def _uid(service: str) -> str:
    uid = f"sre-{service}"
    if len(uid) <= _LONGEST_UID:
        return uid
    digest = hashlib.sha256(service.encode()).hexdigest()[:8]
    return f"{uid[: _LONGEST_UID - 9]}-{digest}"


def _data_source() -> dict[str, object]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _regions(service: str) -> dict[str, object]:
    query = f"label_values({selector(_EDGE_ANSWERS, app=service)}, region)"
    return {
        "name": "region",
        "label": "Region",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": query, "refId": "regions"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _deploys(service: str) -> dict[str, object]:
    return {
        "name": "Deploys",
        "enable": True,
        "iconColor": "blue",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "target": {"type": "tags", "tags": ["deploy", service], "matchAny": False, "limit": 100},
    }


def _objective(watched: Watched) -> list[Panel]:
    objective, timing = watched.objective, Timing()
    window_s = window_of(watched, timing)
    window, allowed = duration(window_s), number(objective.allowed_ratio)
    labels = identity(watched)
    ranges = sorted(burn_rules(watched, timing).ranges_s | {recent_of(watched, timing)})
    low = _LOW_BUDGET if objective.freeze_below is None else objective.freeze_below
    return [
        Panel(
            f"Good over {window} (objective {number(100 * objective.good_ratio)} %)",
            "stat",
            "percentunit",
            [Query(f"1 - {error_ratio(watched, window_s)}")],
            [Threshold(_RED), Threshold(_GREEN, objective.good_ratio)],
            width=5,
        ),
        Panel(
            "Error budget remaining",
            "stat",
            "percentunit",
            [Query(selector(REMAINING, **labels))],
            [Threshold(_RED), Threshold(_ORANGE, 0), Threshold(_GREEN, low)],
            width=4,
        ),
        Panel(
            f"Budget lasts, at the burn rate of the last {duration(recent_of(watched, timing))}",
            "stat",
            "s",
            [Query(selector(EXHAUSTION, **labels))],
            [Threshold(_RED), Threshold(_ORANGE, 86_400), Threshold(_GREEN, 7 * 86_400)],
            width=5,
        ),
        Panel(
            "Burn rate (1 spends the budget exactly within the window)",
            "timeseries",
            "short",
            [Query(f"{error_ratio(watched, each)} / {allowed}", duration(each)) for each in ranges],
            [Threshold(_GREEN), Threshold(_RED, 1)],
            width=10,
        ),
    ]


def _signals(service: str) -> list[Panel]:
    app = f"app={quoted(service)}"
    edge = f'{app},region=~"$region"'
    answers = f"rate({_EDGE_ANSWERS}{{{edge}}}[{_RATE}])"
    failed = f'rate({_EDGE_ANSWERS}{{{edge},status=~"5.."}}[{_RATE}])'
    times = f"sum by (le) (rate({_EDGE_TIMES}{{{edge}}}[{_RATE}]))"
    return [
        _lines(
            "Traffic: answers to users, by status",
            "reqps",
            [(f"sum by (status) ({answers})", "{{status}}")],
        ),
        _lines(
            "Errors: share of answers that failed",
            "percentunit",
            [(f"(sum({failed}) or 0 * sum({answers})) / (sum({answers}) > 0)", "5xx")],
        ),
        _lines(
            "Latency: how long answers to users took",
            "s",
            [
                (f"histogram_quantile({share:g}, {times})", f"p{100 * share:g}")
                for share in (0.5, 0.95, 0.99)
            ],
        ),
        *_saturation(edge),
    ]


def _saturation(labels: str) -> list[Panel]:
    memory = "fly_instance_memory_mem"
    cpu = f'rate(fly_instance_cpu{{{labels},mode!="idle"}}[{_RATE}])'
    return [
        _lines(
            "Saturation: memory in use, by Machine",
            "percentunit",
            [(f"1 - {memory}_available{{{labels}}} / {memory}_total{{{labels}}}", "{{instance}}")],
        ),
        _lines(
            "Saturation: CPUs in use, by Machine",
            "short",
            # Fly counts hundredths of a second.
            [(f"sum by (instance) ({cpu}) / 100", "{{instance}}")],
        ),
        _lines(
            "Saturation: requests being served, by Machine",
            "short",
            [(f"sum by (instance) (fly_app_concurrency{{{labels}}})", "{{instance}}")],
        ),
        _lines(
            "Saturation: volumes in use",
            "percent",
            [(f"max by (id) (fly_volume_used_pct{{{labels}}})", "{{id}}")],
        ),
    ]


def _lines(title: str, unit: str, queries: Sequence[tuple[str, str]]) -> Panel:
    return Panel(title, "timeseries", unit, [Query(*each) for each in queries])
