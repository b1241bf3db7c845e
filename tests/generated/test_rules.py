"""Rules and their tests as generated, judged by Prometheus' own promtool."""

import json
import random

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pytest_sre.slo.generated import Timing, Watched, rule_file
from pytest_sre.slo.generated.rule_tests import rule_tests
from pytest_sre.slo.generated.writing import rules_yaml, yaml_text
from pytest_sre.targets.objectives import (
    BurnAlert,
    Edge,
    Objective,
    RatioQuery,
    Slices,
    ThresholdQuery,
)

DAY_S = 86_400.0
ANSWERS = "fly_edge_http_responses_count"
DRILL = Timing(scale=1 / 60, scrape_s=1)


def watched(name="checkout", **more):
    values = {
        "kind": "availability",
        "source": Edge(),
        "good_ratio": 0.999,
        "window_s": 30 * DAY_S,
        **more,
    }
    return Watched(objective=Objective(name=name, **values), service="shop", runbook="checkout.md")


SOURCES = st.sampled_from(
    [
        {"source": Edge()},
        {"source": Edge(), "kind": "latency", "threshold_s": 0.3},
        {"source": Edge(), "slices": Slices(slice_s=60, good_ratio=0.9)},
        {"source": Edge(), "slices": Slices(slice_s=120, good_ratio=None)},
        {"source": RatioQuery(total="increase(a[$window]) # all", bad="increase(b[$window])")},
        {"source": RatioQuery(total="sum(increase(a[$window]))", good="increase(b[$window])")},
        {"source": ThresholdQuery(value="a{x='y'} / b", below=0.5, slice_s=30)},
        {"source": ThresholdQuery(value="rate(a[$window])", above=0.5, slice_s=300)},
        {"source": ThresholdQuery(value="a or vector(0)", above=0.5)},
    ]
)
BURN_ALERTS = st.builds(
    BurnAlert,
    name=st.sampled_from(["fast-burn", "Slow burn {{"]),
    factor=st.sampled_from([0.5, 2.0, 20.0]),
    window_s=st.sampled_from([600.0, 7200.0]),
    severity=st.sampled_from(["page", "ticket"]),
    after_s=st.sampled_from([0.0, 300.0]),
    fires_above=st.booleans(),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@st.composite
def objectives(draw):
    """Objectives of all kinds, with names that are not each other's."""
    made = []
    for number in range(8):
        more = draw(SOURCES) | draw(
            st.fixed_dictionaries(
                {
                    "good_ratio": st.sampled_from([0.02, 0.5, 0.9, 0.95, 0.99, 0.9995, 0.999999]),
                    "window_s": st.sampled_from([600.0, DAY_S, 7 * DAY_S, 28 * DAY_S, 90 * DAY_S]),
                    "severity": st.sampled_from(["low", "medium", "high", "critical"]),
                    "owner": st.none() | TEXTS,
                    "description": TEXTS | st.just('{{ $value }} {{ "{{" }} "\\'),
                    "burn_alerts": st.just(()) | st.lists(BURN_ALERTS, max_size=2).map(tuple),
                    "alerts": st.sampled_from([True, True, True, False]),
                }
            )
        )
        made.append(watched(f"slo-{number}", **more))
    return made


@settings(
    max_examples=2,
    deadline=None,
    # Each takes a second or more, and promtool names the rule that is at fault.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(objectives(), st.sampled_from([Timing(), DRILL]))
def test_promtool_accepts_the_rules_of_any_objectives_and_their_tests_pass(
    promtool, tmp_path, made, timing
):
    for each in made:
        rules = tmp_path / f"{each.objective.name}.yaml"
        rules.write_text(rules_yaml(rule_file([each], timing)), "utf-8")
        document = rule_tests([each], rules.name, timing)
        text = yaml_text("rule-tests", document)
        rules.with_suffix(".test").write_text(text, "utf-8")

    promtool("check", "rules", *tmp_path.glob("*.yaml"))
    promtool("test", "rules", *tmp_path.glob("*.test"))


@pytest.fixture
def written(tmp_path):
    """Write the rules of one objective, and its generated tests; give both paths."""

    def write(of, change=lambda text: text):
        rules, tests = tmp_path / "rules.yaml", tmp_path / "rules.test.yaml"
        rules.write_text(change(rules_yaml(rule_file([of]))), "utf-8")
        tests.write_text(yaml_text("rule-tests", rule_tests([of], rules.name)), "utf-8")
        return rules, tests

    return write


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(14.4 * 0.001)", "(144 * 0.001)"),
        ("(6 * 0.001)", "(5 * 0.0001)"),
        ("for: 1m", "for: 10h"),
        ("severity: page", "severity: ticket"),
        ('status=~"5.."', 'status=~"4.."'),
        (" >= 0)", " < 0)"),
        ("absent(", "("),
    ],
)
def test_the_generated_tests_notice_a_wrong_rule(promtool, written, old, new):
    _, tests = written(watched(), lambda text: text.replace(old, new))

    assert "FAILED" in promtool("test", "rules", tests, is_content=False)


def fired(promtool, tmp_path, rules, series, expected, every="1m"):
    """Check which ranges the alerts fire for, at moments in minutes."""
    names = {rule["labels"]["long_window"]: rule for rule in burn_alerts(rules)}

    def alerts(ranges):
        return [{"exp_labels": names[one]["labels"], "exp_annotations": {}} for one in ranges]

    bare = yaml.safe_load(rules.read_text("utf-8"))
    for group in bare["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    (tmp_path / "bare.yaml").write_text(json.dumps(bare), "utf-8")
    moments = [
        {
            "eval_time": moment,
            "alertname": "CheckoutErrorBudgetBurn",
            "exp_alerts": alerts(ranges),
        }
        for moment, ranges in expected.items()
    ]
    found = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": found, "alert_rule_test": moments}
    document = {"rule_files": ["bare.yaml"], "evaluation_interval": every, "tests": [test]}
    (tmp_path / "own.test").write_text(json.dumps(document), "utf-8")
    promtool("test", "rules", tmp_path / "own.test")


def burn_alerts(rules):
    document = yaml.safe_load(rules.read_text("utf-8"))
    every = [rule for group in document["groups"] for rule in group["rules"]]
    return [rule for rule in every if "long_window" in rule["labels"]]


GOOD = f'{ANSWERS}{{app="shop",status="200"}}'
BAD = f'{ANSWERS}{{app="shop",status="500"}}'


@pytest.mark.parametrize(
    ("error_ratio", "detected_after_min"),
    [(1.0, 0.864), (0.10, 8.64), (0.05, 17.28)],
)
def test_detection_takes_as_long_as_the_workbook_says(
    promtool, tmp_path, written, error_ratio, detected_after_min
):
    """Long range times factor times budget through error ratio (Workbook, chapter 5).

    Two hours are healthy first; the alert holds for one minute more.
    """
    rules, _ = written(watched())
    bad = 1000 * error_ratio
    series = {
        GOOD: f"0+1000x120 {121_000 - bad:g}+{1000 - bad:g}x60",
        BAD: f"0+0x120 {bad:g}+{bad:g}x60",
    }
    before, after = int(120 + detected_after_min), int(120 + detected_after_min + 4)

    fired(promtool, tmp_path, rules, series, {f"{before}m": [], f"{after}m": ["1h"]})


def test_what_is_over_no_longer_alerts(promtool, tmp_path, written):
    """The long range is still above its limit, the short one is not."""
    rules, _ = written(watched(good_ratio=0.99))
    # 30 % bad for 36 minutes after 16 hours that were well: the range of an hour has 18 %.
    series = {GOOD: "0+1000x960 960700+700x35 985900+1000x30", BAD: "0x960 300+300x35 10800x30"}

    fired(promtool, tmp_path, rules, series, {"16h36m": ["1h"], "16h44m": []}, every="4m")


def test_a_short_burst_does_not_alert(promtool, tmp_path, written):
    """The short range is above its limit, the long one is not."""
    rules, _ = written(watched(good_ratio=0.99))
    series = {GOOD: "0+1000x300 300500+500x6 303500x5", BAD: "0x300 500+500x6 3500x5"}

    fired(promtool, tmp_path, rules, series, {"5h6m": []})


def test_remaining_budget_and_its_end_are_recorded(promtool, tmp_path, written):
    rules, _ = written(watched())
    identity = '{service="shop",slo="checkout"}'
    expected = {
        f"abs(slo:error_budget_remaining:ratio{identity} - 0.5) < bool 1e-9": 1,
        f"abs(slo:time_to_exhaustion:seconds{identity} / 86400 - 30) < bool 1e-6": 1,
        f"slo:objective:ratio{identity}": 0.999,
    }
    test = {
        "interval": "1m",
        "input_series": [
            {"series": GOOD, "values": "0+999.5x60"},
            {"series": BAD, "values": "0+0.5x60"},
        ],
        "promql_expr_test": [
            {
                "expr": f"sum({query})",
                "eval_time": "1h",
                "exp_samples": [{"labels": "{}", "value": value}],
            }
            for query, value in expected.items()
        ],
    }
    document = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "own.test").write_text(json.dumps(document), "utf-8")

    promtool("test", "rules", tmp_path / "own.test")


def rows(of, timing=Timing()):  # noqa: B008
    file = rule_file([of], timing)
    return [
        (rule.labels["severity"], rule.labels["long_window"], rule.expression)
        for rule in file.alerts
        if "long_window" in rule.labels
    ]


def test_the_alerts_are_the_workbooks():
    found = [(severity, window) for severity, window, _ in rows(watched(window_s=28 * DAY_S))]
    limits = [
        expression.partition("> ")[2].partition("\n")[0] for *_, expression in rows(watched())
    ]
    shorts = [expression.split(":")[-1].partition("{")[0] for *_, expression in rows(watched())]

    assert found == [("page", "1h"), ("page", "6h"), ("ticket", "1d"), ("ticket", "3d")]
    assert limits == [f"({factor} * 0.001)" for factor in (14.4, 6, 3, 1)]
    assert shorts == ["5m", "30m", "2h", "6h"]


def test_a_drill_lasts_minutes():
    assert [window for _, window, _ in rows(watched(), DRILL)] == ["1m", "6m", "24m", "1h12m"]


@pytest.mark.parametrize("severity", ["low", "medium"])
def test_nobody_is_woken_for_what_matters_little(severity):
    assert {found for found, *_ in rows(watched(severity=severity))} == {"ticket"}


def test_what_could_never_fire_is_left_out_and_said():
    file = rule_file([watched(good_ratio=0.9)])

    assert [rule.labels["long_window"] for rule in file.alerts[:-1]] == ["6h", "1d", "3d"]
    (remark,) = file.remarks
    assert remark == (
        "checkout: no alert on burn rate 14.4 over 1h: could never fire, for all events being bad"
        " burns at 10; the objective would have to be above 93.06%"
    )
    assert f"# {remark}\n" in rules_yaml(file)


def test_ranges_too_short_to_be_measured_are_left_out_and_said():
    file = rule_file([watched(window_s=3600)])

    assert [rule.labels["long_window"] for rule in file.alerts[:-1]] == ["2m", "6m"]
    assert [remark.partition(": no alert on ")[2][:24] for remark in file.remarks] == [
        "burn rate 14.4 over 5s: ",
        "burn rate 6 over 30s: to",
    ]


def test_an_own_alert_policy_takes_the_place_of_the_usual_alerts():
    own = BurnAlert(name="fast", factor=20, window_s=600, severity="page", after_s=60)

    alert = rule_file([watched(burn_alerts=(own,))]).alerts[0]

    assert (alert.alert, alert.hold_s, alert.labels["severity"]) == ("fast", 60, "page")
    assert alert.expression == ('slo:error_ratio:10m{service="shop",slo="checkout"} > (20 * 0.001)')


def test_a_query_that_makes_values_up_is_said():
    source = RatioQuery(total="increase(a[$window]) or vector(0)", bad="increase(b[$window])")

    file = rule_file([watched(source=source)])

    assert file.remarks == (
        "checkout: its query has a value even where nothing is counted, so nobody is told then",
    )
    assert rule_tests([watched(source=source)], "rules.yaml")["tests"] == []


def test_each_alert_says_whom_it_concerns_and_what_to_do():
    for alert in rule_file([watched(owner="payments")]).alerts:
        assert alert.labels.items() >= {"owner": "payments", "service": "shop"}.items()
        assert set(alert.annotations) == {"summary", "description", "runbook_url"}
        assert alert.hold_s > 0


def test_an_objective_without_alerts_is_recorded_all_the_same():
    file = rule_file([watched(alerts=False)])

    assert file.alerts == ()
    assert "slo:error_budget_remaining:ratio" in rules_yaml(file)


def test_the_order_of_objectives_changes_nothing():
    several = [watched(f"slo-{number}") for number in range(6)]
    shuffled = random.Random(1).sample(several, len(several))

    assert rules_yaml(rule_file(several)) == rules_yaml(rule_file(shuffled))
