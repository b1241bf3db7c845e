"""Objectives in OpenSLO files: what each form means; a property says that writing loses nothing."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.targets import load_settings
from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.objectives import (
    SLI_KINDS,
    BurnAlert,
    Edge,
    Logged,
    Objective,
    Observed,
    RatioQuery,
    Slices,
    ThresholdQuery,
)
from pytest_sre.targets.openslo.slos import read_openslo
from pytest_sre.targets.openslo.writing import documents_of
from pytest_sre.targets.severities import SEVERITIES
from pytest_sre.targets.yaml_files import write_yaml

DAY_S = 86_400.0
RATIO = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: cart-availability
  displayName: Cart
  labels: {team: [payments, web]}
spec:
  description: The cart answers
  service: shop
  indicator:
    metadata: {name: answers}
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            type: Prometheus
            spec: {query: 'sum(answers_total{app="cart",status!~"5.."})'}
        total:
          metricSource:
            type: Prometheus
            spec: {query: answers_total}
  timeWindow:
    - duration: 4w
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: Good
      target: 0.995
"""
SHARED = """
- apiVersion: openslo.com/v2alpha
  kind: Service
  metadata: {name: shop}
  spec: {}
- apiVersion: openslo.com/v2alpha
  kind: DataSource
  metadata: {name: metrics}
  spec:
    type: prometheus
    connectionDetails: [{url: http://prometheus.example.com}]
- apiVersion: openslo.com/v2alpha
  kind: SLI
  metadata: {name: lag}
  spec:
    thresholdMetric:
      dataSourceRef: metrics
      spec: {query: max(queue_lag)}
- apiVersion: openslo.com/v2alpha
  kind: AlertNotificationTarget
  metadata: {name: pager}
  spec: {target: pager}
- apiVersion: openslo.com/v2alpha
  kind: AlertCondition
  metadata: {name: fast-burn}
  spec:
    severity: page
    condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 2m}
- apiVersion: openslo.com/v2alpha
  kind: AlertPolicy
  metadata: {name: page-us}
  spec:
    alertWhenBreaching: true
    conditions: [{conditionRef: fast-burn}]
    notificationTargets: [{targetRef: pager}]
"""
REFERRING = """
apiVersion: openslo.com/v2alpha
kind: SLO
metadata:
  name: queue
  annotations:
    pytest-sre/severity: critical
    pytest-sre/owner: payments
    pytest-sre/freeze-below: "0.1"
    example.com/other: whatever
spec:
  serviceRef: shop
  sliRef: lag
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Timeslices
  objectives:
    - displayName: Short
      op: lte
      value: 10
      target: 0.95
      timeSliceTarget: 1
      timeSliceWindow: 5m
    - {op: lt, value: 100, targetPercent: 99.9, timeSliceTarget: 0.5, timeSliceWindow: 2}
  alertPolicies: [{alertPolicyRef: page-us}]
"""


@pytest.fixture
def objectives(write, web):
    """Read the objectives of OpenSLO files."""

    def read(*texts: str) -> tuple[Objective, ...]:
        files = {f"slo/{number}.yaml": text for number, text in enumerate(texts)}
        stated = {"fly.toml": web, "sre.toml": 'openslo = ["slo/*.yaml"]'}
        return load_settings(write(stated | files), "prod").objectives

    return read


def test_counters_are_counted_by_their_increase(objectives):
    assert objectives(RATIO) == (
        Objective(
            name="cart-availability",
            kind="availability",
            source=RatioQuery(
                good='sum(increase(answers_total{app="cart",status!~"5.."}[$window]))',
                total="sum(increase(answers_total[$window]))",
            ),
            good_ratio=0.995,
            window_s=28 * DAY_S,
            app="shop",
            description="The cart answers",
            where="slo/0.yaml:29: spec.objectives[0]",
        ),
    )


def test_objects_refer_to_each_other_across_files_and_lists(objectives):
    short, long = objectives(REFERRING, SHARED)

    assert (short.name, long.name) == ("queue-short", "queue-2")
    assert short.source == ThresholdQuery(value="max(queue_lag)", below=10.0, slice_s=300.0)
    assert (short.kind, short.good_ratio, short.window_s) == ("saturation", 0.95, 7 * DAY_S)
    assert (long.good_ratio, long.source.slice_s) == (0.999, 120.0)
    alert = BurnAlert(name="fast-burn", factor=14.4, window_s=3600, severity="page", after_s=120)
    assert short.burn_alerts == long.burn_alerts == (alert,)
    assert (short.severity, short.owner, short.freeze_below) == ("critical", "payments", 0.1)


def test_less_than_is_not_at_most(objectives):
    _, long = objectives(REFERRING, SHARED)

    assert long.source.below < 100
    assert math.nextafter(long.source.below, math.inf) == 100


@pytest.mark.parametrize("value", ["!!int ''", "!!bool maybe", "!!timestamp soon", "2026-99-99"])
def test_a_value_that_is_not_of_its_tag_is_a_mistake(objectives, value):
    with pytest.raises(ConfigError, match=r"0\.yaml:\d+: .*cannot be read"):
        objectives(f"{RATIO}\nbroken: {value}\n")


def test_several_documents_may_be_in_one_file(objectives):
    second = RATIO.replace("cart-availability", "other")

    names = [one.name for one in objectives(f"---\n{RATIO}---\n{second}---\n")]

    assert names == ["cart-availability", "other"]


def test_a_service_is_an_app_only_where_there_is_one_of_its_name(objectives):
    (one,) = objectives(RATIO.replace("service: shop", "service: identity"))

    assert one.app is None


@pytest.mark.parametrize(
    ("method", "slices"),
    [
        ("Timeslices", Slices(slice_s=60.0, good_ratio=0.9)),
        ("RatioTimeslices", Slices(slice_s=60.0, good_ratio=None)),
    ],
)
def test_slices_of_counts(objectives, method, slices):
    keys = "target: 0.995\n      timeSliceWindow: 1m"
    keys += "\n      timeSliceTarget: 0.9" if slices.good_ratio else ""
    text = RATIO.replace("Occurrences", method).replace("target: 0.995", keys)

    assert objectives(text)[0].slices == slices


def test_without_a_window_it_is_four_weeks(objectives):
    text = RATIO.replace("  timeWindow:\n    - duration: 4w\n      isRolling: true\n", "")

    assert objectives(text)[0].window_s == 28 * DAY_S


RAW = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: wifi}
spec:
  service: wifi
  indicator:
    metadata: {name: satisfied}
    spec:
      ratioMetric:
        rawType: RAW_TYPE
        raw:
          metricSource:
            type: Prometheus
            spec: {query: 'avg_over_time(satisfied[{{.window}}])'}
  budgetingMethod: Timeslices
  objectives:
    - {target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 10m}
"""


@pytest.mark.parametrize(
    ("raw_type", "limits"), [("success", {"above": 0.9}), ("failure", {"below": 0.1})]
)
def test_a_ratio_without_counts_is_judged_slice_by_slice(objectives, raw_type, limits):
    (one,) = objectives(RAW.replace("RAW_TYPE", raw_type))

    query = "avg_over_time(satisfied[$window])"
    assert one.source == ThresholdQuery(value=query, slice_s=600.0, **limits)


def test_what_runs_observe_can_be_written_in_openslo(objectives):
    spec = "{source: runs, journey: buy}"
    text = RATIO.replace("type: Prometheus", "type: pytest-sre")
    text = text.replace("{query: answers_total}", spec)
    good = spec.replace("}", ", below: 300ms}")
    (line,) = [one for one in text.splitlines() if "status!~" in one]
    (one,) = objectives(text.replace(line, f"            spec: {good}"))

    assert (one.kind, one.source, one.threshold_s) == ("latency", Observed(journey="buy"), 0.3)


@pytest.mark.parametrize(
    "query",
    [
        "x_total",
        " sum( x_total ) ",
        'sum(x_total{a="}", b!="\\"{"})',
        "sum(increase(x_total[$window]))",
        "sum(increase(x_total[{{ .window }}]))",
    ],
)
def test_a_query_that_can_be_counted_is(objectives, query):
    escaped = query.replace("'", "''")
    (one,) = objectives(RATIO.replace("{query: answers_total}", f"{{query: '{escaped}'}}"))

    assert one.source.total.startswith("sum(increase(x_total")
    assert one.source.total.endswith("[$window]))")


def test_openslo_and_sre_toml_are_for_one_set_of_names(write, web):
    toml = 'openslo = ["slo.yaml"]\n[[slo]]\nname = "own"\nsource = "edge"\nobjective = 99\n'
    root = write({"fly.toml": web, "slo.yaml": RATIO, "sre.toml": toml})

    names = [one.name for one in load_settings(root, "prod").objectives]

    assert names == ["own", "cart-availability"]


NAMES = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=20)
MINUTES = st.integers(1, 500_000).map(lambda count: count * 60.0)
RATIOS = st.integers(1_001, 99_999).map(lambda count: count / 100_000)
TIMES = st.integers(1, 10**6).map(lambda count: count / 1000)
VALUES = st.floats(allow_nan=False, allow_infinity=False)
RANGED = WORDS.map(lambda text: f"increase({text}[$window])")
VALUE_QUERIES = st.one_of(
    st.builds(ThresholdQuery, value=WORDS, below=VALUES, slice_s=TIMES),
    st.builds(ThresholdQuery, value=WORDS, above=VALUES, slice_s=TIMES),
)
COUNTS = st.one_of(
    st.builds(RatioQuery, total=RANGED, good=RANGED),
    st.builds(RatioQuery, total=RANGED, bad=RANGED),
)
OWN = st.one_of(
    st.builds(Observed, journey=st.none() | NAMES, path=st.none() | NAMES.map(lambda n: f"/{n}")),
    st.builds(Logged, status=WORDS, duration=WORDS, duration_unit_s=st.sampled_from([1.0, 1e-3])),
    st.just(Edge()),
)
ALERTS = st.builds(
    BurnAlert,
    name=NAMES,
    factor=st.floats(1e-3, 1e3),
    window_s=MINUTES,
    severity=WORDS,
    after_s=st.just(0.0) | MINUTES,
    fires_above=st.booleans(),
)


@st.composite
def any_objective(draw) -> Objective:
    source = draw(VALUE_QUERIES | COUNTS | OWN)
    is_own = isinstance(source, Observed | Logged | Edge)
    threshold_s = draw(st.none() | TIMES) if is_own else None
    kinds = SLI_KINDS if isinstance(source, ThresholdQuery) else ("availability",)
    slices = st.builds(Slices, slice_s=MINUTES, good_ratio=st.none() | RATIOS | st.just(1.0))
    return Objective(
        name=draw(NAMES),
        kind="latency" if threshold_s else draw(st.sampled_from(kinds)),
        source=source,
        good_ratio=draw(RATIOS),
        window_s=draw(MINUTES),
        app=draw(st.none() | NAMES),
        threshold_s=threshold_s,
        slices=None if isinstance(source, ThresholdQuery) else draw(st.none() | slices),
        alerts=draw(st.booleans()),
        burn_alerts=tuple(draw(st.lists(ALERTS, max_size=2))),
        severity=draw(st.sampled_from(SEVERITIES)),
        owner=draw(st.none() | WORDS),
        runbook=draw(st.none() | WORDS),
        freeze_below=draw(st.none() | RATIOS),
        description=draw(st.just("") | WORDS),
    )


@given(any_objective())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read_again(scratch, objective):
    path = scratch / "slo.yaml"
    path.write_text(write_yaml(documents_of([objective], "shop")), encoding="utf-8")

    (found,) = read_openslo([path])

    assert found.service == (objective.app or "shop")
    assert {**vars(found.objective), "where": ""} == vars(objective)


def test_a_length_that_openslo_cannot_say_is_refused():
    objective = Objective(
        name="x", kind="availability", source=Edge(), good_ratio=0.99, window_s=90.0
    )

    with pytest.raises(ValueError, match="expected whole minutes, found 90 s"):
        documents_of([objective], "shop")
