"""Each mistake in an OpenSLO file is answered with its line; nothing else ever comes out."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.targets.openslo.slos import read_openslo

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: cart
spec:
  service: shop
  indicatorRef: answers
  timeWindow:
    - duration: 28d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.99
---
apiVersion: openslo/v1
kind: SLI
metadata:
  name: answers
spec:
  ratioMetric:
    counter: true
    good:
      metricSource:
        type: Prometheus
        spec: {query: good_total}
    total:
      metricSource:
        type: Prometheus
        spec: {query: all_total}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata:
  name: page
spec:
  alertWhenBreaching: true
  conditions:
    - kind: AlertCondition
      metadata: {name: burn}
      spec:
        severity: page
        condition: {op: gt, threshold: 2, lookbackWindow: 1h}
"""
CALENDAR = "duration: 1M\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}"
CONDITION = SLO[SLO.index("- kind: AlertCondition") :]
# What is replaced in the file, by what, and what the answer says.
MISTAKES = {
    "unknown version": ("openslo/v1\nkind: SLO", "openslo/v3\nkind: SLO", "slo.yaml:1: apiVersion"),
    "older version": ("openslo/v1\nkind: SLO", "openslo/v1alpha\nkind: SLO", "openslo/v1"),
    "unknown kind": ("kind: SLI", "kind: SLIs", 'slo.yaml:16: kind is "SLIs"', 'mean "SLI"?'),
    "no kind": ("kind: SLI\n", "", 'slo.yaml:15 has no key "kind"', "expected kind: ..."),
    "unknown key": ("  service:", "  servise:", 'slo.yaml:6: spec has an unknown key "servise"'),
    "key of the other version": ("indicatorRef", "sliRef", 'unknown key "sliRef"'),
    "key twice": (
        "  service: shop",
        "  service: shop\n  service: cart",
        "slo.yaml:7: spec.service",
    ),
    "name twice": ("kind: SLI\n", "kind: SLI\nmetadata: {name: cart}\nspec: {}\n", "twice"),
    "two of one name": (
        "kind: SLI\nmetadata:\n  name: answers",
        "kind: SLO\nmetadata:\n  name: cart",
        'metadata.name is "cart", as in slo.yaml:5: spec',
    ),
    "name no test can have": ("name: cart", "name: My Cart", 'slo.yaml:5: spec is "My Cart"'),
    "unknown reference": (
        "indicatorRef: answers",
        "indicatorRef: anwers",
        'slo.yaml:7: spec.indicatorRef names the SLI "anwers"',
        'mean "answers"?',
    ),
    "no indicator": ("  indicatorRef: answers\n", "", 'has neither of "indicator" and'),
    "calendar window": (
        "duration: 28d\n      isRolling: true",
        CALENDAR.replace("1M", "4w"),
        "slo.yaml:9: spec.timeWindow[0] is aligned with the calendar, which is not supported",
        "isRolling: true",
    ),
    "months": ("28d", "1M", 'slo.yaml:9: spec.timeWindow[0].duration is "1M"', "m, h, d or w"),
    "window without a unit": ("28d", "28", "timeWindow[0].duration is 28", "such as 28d"),
    "window neither rolling nor not": ("      isRolling: true\n", "", "isRolling: true"),
    "two windows": (
        "      isRolling: true",
        "      isRolling: true\n    - {duration: 7d, isRolling: true}",
        "slo.yaml:8: spec.timeWindow has 2 items",
    ),
    "unknown method": ("Occurrences", "Ocurrences", 'mean "Occurrences"?'),
    "slices without their length": (
        "Occurrences",
        "RatioTimeslices",
        'slo.yaml:13: spec.objectives[0] has no key "timeSliceWindow"',
    ),
    "slices of occurrences": (
        "target: 0.99",
        "target: 0.99\n      timeSliceWindow: 1m",
        "slo.yaml:14: spec.objectives[0].timeSliceWindow means nothing",
    ),
    "no objectives": ("    - target: 0.99\n", "    []\n", "spec.objectives is empty"),
    "no target": ("target: 0.99", "displayName: x", 'neither of "target" and "targetPercent"'),
    "both targets": ("target: 0.99", "{target: 0.99, targetPercent: 99}", "both"),
    "target in percent": ("target: 0.99", "target: 99", "objectives[0].target is 99", "Percent"),
    "target of all": ("target: 0.99", "target: 1", "target is 1", "no error budget"),
    "target of none": ("target: 0.99", "target: 0", "target is 0"),
    "target is no number": ("target: 0.99", "target: .nan", "target is nan"),
    "composite": (
        "- target: 0.99",
        "- target: 0.99\n      indicatorRef: answers",
        "slo.yaml:14: spec.objectives[0].indicatorRef makes a composite SLO",
        "an SLO for each part",
    ),
    "value of a ratio": ("target: 0.99", "{target: 0.99, value: 3}", "value means nothing"),
    "no metric": ("ratioMetric", "thresholdMetrics", 'unknown key "thresholdMetrics"'),
    "good and bad": (
        "    total:",
        "    bad: {metricSource: {type: Prometheus, spec: {query: x}}}\n    total:",
        "spec.ratioMetric has both good and bad",
    ),
    "another data source": (
        "type: Prometheus\n        spec: {query: all",
        "type: Datadog\n        spec: {query: all",
        'slo.yaml:29: spec.ratioMetric.total.metricSource.spec is for a data source of type "data',
        "type Prometheus with a query",
    ),
    "no data source": (
        "type: Prometheus\n        spec: {query: all",
        "metricSourceRef: metrics\n        spec: {query: all",
        'slo.yaml:28: spec.ratioMetric.total.metricSource.metricSourceRef names the DataSource "me',
    ),
    "no query": ("{query: all_total}", "{promql: all_total}", 'has no key "query"'),
    "gauge as count": (
        "counter: true",
        "counter: false",
        "spec.query has no $window, and is not said to be a counter",
    ),
    "query that cannot be counted": (
        "{query: all_total}",
        "{query: 'rate(all_total[5m])'}",
        "slo.yaml:29: spec.ratioMetric.total.metricSource.spec.query has no $window, and is more",
    ),
    "ratio without counts": (
        "    counter: true",
        "    rawType: success\n    raw: {metricSource: {type: Prometheus, spec: {query: x}}}",
        "spec.ratioMetric.raw stands beside counts",
    ),
    "no condition": (
        CONDITION,
        "[]\n",
        "slo.yaml:37: spec.conditions has 0 items",
        "one condition",
    ),
    "unknown condition": (
        CONDITION,
        "- conditionRef: burn\n",
        'slo.yaml:38: spec.conditions[0].conditionRef names the AlertCondition "burn"',
        "expected none",
    ),
    "unknown operator": ("op: gt", "op: above", 'condition.op is "above"'),
    "burn rate of nothing": ("threshold: 2", "threshold: 0", "threshold is 0", "above 0"),
    "own annotation": (
        "  name: cart",
        "  name: cart\n  annotations: {pytest-sre/sevrity: high}",
        'slo.yaml:5: metadata.annotations has an unknown key "pytest-sre/sevrity"',
        'mean "pytest-sre/severity"?',
    ),
    "kind of nothing": (
        "  name: cart",
        "  name: cart\n  annotations: {pytest-sre/kind: correctnes}",
        "slo.yaml:5: metadata.annotations",
        'mean "correctness"?',
    ),
    "unknown target": (
        "  name: cart",
        "  name: cart\n  annotations: {pytest-sre/targets: 'prod, prdo'}",
        'names "prdo"',
        'mean "prod"?',
    ),
    "unknown app": (
        "  name: cart",
        "  name: cart\n  annotations: {pytest-sre/app: shpo}",
        'is "shpo", no app of the target "prod"',
    ),
    "not YAML": ("  service: shop", "  service: shop: x", "slo.yaml:6 is not YAML: mapping values"),
    "an unknown tag": ("service: shop", "service: !!python/name:os.system x", "slo.yaml:6 is not"),
    "a date that is none": ("service: shop", "service: 2026-13-41", "slo.yaml:6", "month must be"),
    "list as a key": ("service: shop", "? [a]\n  : x", "slo.yaml:6 has a key that is no text"),
    "not an object": (SLO, "42\n", "slo.yaml:1 is 42"),
}


@pytest.fixture
def answer(write, web):
    """Read one file of OpenSLO, and give the answer to its mistake."""

    def read(content: str) -> str:
        root = write({"fly.toml": web, "slo.yaml": content, "sre.toml": 'openslo = ["*.yaml"]'})
        with pytest.raises(ConfigError) as caught:
            load_settings(root, "prod")
        return str(caught.value)

    return read


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_its_line(answer, case):
    old, new, *expected = case
    assert old in SLO

    message = answer(SLO.replace(old, new, 1))

    assert message.startswith("slo.yaml")
    assert len(message.splitlines()) <= 4
    for part in expected:
        assert part in message


def test_the_file_with_mistakes_has_none_of_its_own(scratch):
    (scratch / "whole.yaml").write_text(SLO)

    assert [one.objective.name for one in read_openslo([scratch / "whole.yaml"])] == ["cart"]


def test_aliases_cannot_make_a_small_file_large(answer):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert "more than 50,000 values" in answer("\n".join(lines))


def test_an_alias_of_itself_is_refused(answer):
    assert answer("a: &a [*a]").startswith("slo.yaml")


def test_deep_nesting_is_refused(answer):
    assert "nested too deeply" in answer("[" * 2_000)


def test_a_pattern_without_files_is_answered_with_the_nearest(write, web):
    root = write({"fly.toml": web, "slo.yaml": SLO, "sre.toml": 'openslo = ["slos.yaml"]'})

    with pytest.raises(ConfigError) as caught:
        load_settings(root, "prod")

    assert str(caught.value).startswith('sre.toml: openslo[0] is "slos.yaml", which matches no')
    assert 'mean "slo.yaml"?' in str(caught.value)


LINES = st.sampled_from(
    [
        *SLO.splitlines(),
        *("---", "  indicator: {}", "  objectives: [{}]", "  annotations: []", "  - &a [*a]"),
        *("spec: null", "metadata: 7", "- {}", "  timeWindow: [null]", "  <<: {a: b}", "!!set {a}"),
    ]
)


@given(st.lists(LINES, max_size=30).map("\n".join) | st.text(max_size=40))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_file_holds_the_answer_is_objectives_or_a_mistake(scratch, content):
    path = scratch / "any.yaml"
    path.write_bytes(content.encode(errors="surrogatepass"))

    try:
        found = read_openslo([path])
    except ConfigError as error:
        found = str(error)

    if isinstance(found, str):
        lines = found.split("\n")
        assert 2 <= len(lines) <= 4
        assert all(line.isprintable() for line in lines)
