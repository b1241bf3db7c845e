"""Each check of alert policy, with a rule that it finds and one that it does not."""

import dataclasses

import pytest

from pytest_sre.alerts.policy import Policy
from pytest_sre.alerts.rule_files import read_rule_files, read_rule_text

GOOD = """
groups:
  - name: shop
    rules:
      - record: shop:error_ratio
        expr: >
          sum(rate(http_requests_total{app="shop",code=~"5.."}[5m]))
          / sum(rate(http_requests_total{app="shop"}[5m]))
      - alert: ShopFails
        expr: shop:error_ratio > 0.05
        for: 5m
        labels: {severity: page, team: shop}
        annotations:
          summary: Many requests fail
          runbook_url: https://runbooks.example.com/shop-fails
"""


@pytest.fixture
def judged(tmp_path):
    """Judges one alert: the good one, with some of its text replaced."""

    def judge(old="", new="", **options):
        assert old in GOOD
        return Policy(read_rule_text(GOOD.replace(old, new), "shop.yaml"), tmp_path, **options)

    return judge


EVERY = (
    "unreadable",
    "no-severity",
    "no-owner",
    "no-runbook",
    "no-for",
    "page-on-cause",
    "never-fires",
    "always-fires",
    "short-window",
)


def test_a_good_rule_has_no_findings(judged):
    assert judged().findings(*EVERY) == []


@pytest.mark.parametrize(
    ("check", "old", "new", "said"),
    [
        ("unreadable", "shop:error_ratio > 0.05", "shop:error_ratio >", "not PromQL"),
        ("no-severity", "severity: page, ", "", "label severity"),
        ("no-owner", ", team: shop", "", "owner"),
        ("no-owner", "team: shop", 'team: " "', "owner"),
        ("no-runbook", "runbook_url", "note", "names no runbook"),
        ("no-runbook", "https://runbooks.example.com/shop-fails", "gone.md", "'gone.md'"),
        ("no-runbook", "https://runbooks.example.com/shop-fails", "https://", "neither"),
        ("no-for", "for: 5m", "for: 0s", "first evaluation"),
        ("page-on-cause", "shop:error_ratio > 0.05", "instance_cpu_usage > 0.9", "a cause"),
        ("never-fires", "> 0.05", "> 14.4 * 0.1", "can't fire"),
        ("always-fires", "> 0.05", "> bool 0.05", "whatever their values"),
        ("always-fires", "> 0.05", "", "whatever their values"),
        ("short-window", "[5m]", "[20s]", "looks back 20 s"),
    ],
)
def test_a_bad_rule_is_found_with_its_line(judged, check, old, new, said):
    found = judged(old, new).findings(*EVERY)

    assert {each.check for each in found} == {check}
    assert said in found[0].text
    line = 5 if check == "short-window" else 9
    assert str(found[0]).startswith(f"shop.yaml:{line}: ")


def test_what_is_no_page_may_be_about_a_cause(judged):
    found = judged("severity: page", "severity: ticket").rules.rules[1]
    assert not found.is_page
    policy = judged()
    ticket = dataclasses.replace(found, expression="instance_cpu_usage > 0.9")
    rules = dataclasses.replace(policy.rules, rules=(ticket,))
    assert dataclasses.replace(policy, rules=rules).findings("page-on-cause") == []


def test_two_ranges_that_have_to_agree_need_no_for(judged):
    ratio = 'sum(rate(requests_total{code="500"}[%s])) / sum(rate(requests_total[%s])) > 0.1'
    both = f"{ratio % ('1h', '1h')} and {ratio % ('5m', '5m')}"
    policy = Policy(
        read_rule_text(f"groups: [{{name: a, rules: [{{alert: A, expr: '{both}'}}]}}]", "a.yaml"),
        judged().root,
    )

    assert policy.findings("no-for", "never-fires") == []
    assert policy.covering("budget-burn") == ["A"]


def test_a_runbook_is_found_beside_the_rules_or_in_the_project(tmp_path):
    (tmp_path / "alerts").mkdir()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "shop.md").write_text("# Shop", encoding="utf-8")
    text = GOOD.replace("https://runbooks.example.com/shop-fails", "shop.md#errors")
    (tmp_path / "alerts" / "shop.yaml").write_text(text, encoding="utf-8")
    rules = read_rule_files([tmp_path / "alerts" / "shop.yaml"], tmp_path)

    assert Policy(rules, tmp_path).findings("no-runbook") == []


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        ("error-rate", 'sum(rate(fly_edge_http_responses_count{status=~"5.."}[5m])) > 1'),
        ("error-rate", 'rate(grpc_server_handled_total{grpc_code!~"OK|ok"}[5m]) > 1'),
        ("error-rate", 'rate(requests_total{status!~"2.."}[5m]) > 1'),
        ("error-rate", "rate(job_failures_total[5m]) > 0"),
        (
            "latency",
            "histogram_quantile(0.99, rate(fly_edge_http_response_time_seconds_bucket[5m])) > 0.5",
        ),
        ("latency", "rate(request_duration_sum[5m]) / rate(request_duration_count[5m]) > 1"),
        ("unavailability", 'up{job="shop"} == 0'),
        ("unavailability", "fly_instance_up == 0"),
        ("unavailability", "absent(http_requests_total)"),
        ("unavailability", "probe_success == 0"),
        ("disk", "fly_volume_used_pct > 90"),
        ("disk", "predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0"),
        (
            "disk",
            "kubelet_volume_stats_available_bytes < 1e9",
        ),
        ("restarts", "changes(process_start_time_seconds[15m]) > 2"),
        ("restarts", "increase(kube_pod_container_status_restarts_total[1h]) > 3"),
        ("restarts", "fly_instance_exit_oom > 0"),
        ("certificate", "probe_ssl_earliest_cert_expiry - time() < 86400 * 14"),
        ("certificate", "x509_cert_not_after - time() < 86400"),
        ("budget-burn", 'slo:error_ratio:1h{slo="a"} > 0.0144 and slo:error_ratio:5m > 0.0144'),
        ("budget-burn", "slo:burn_rate:1h > 14.4"),
    ],
)
def test_a_condition_is_covered_by_a_rule_that_asks_for_it(tmp_path, condition, expression):
    assert _policy(tmp_path, expression).covering(condition) == ["A"]


@pytest.mark.parametrize(
    ("condition", "expression"),
    [
        ("error-rate", 'rate(http_requests_total{status=~"2.."}[5m]) < 1'),
        ("error-rate", "rate(http_requests_total[5m]) > 100"),
        ("latency", "rate(http_requests_total[5m]) > 100"),
        ("latency", "process_cpu_seconds_total > 5"),
        ("unavailability", "rate(http_requests_total[5m]) > 100"),
        ("disk", "rate(disk_read_bytes_total[5m]) > 1"),
        ("certificate", "ssl_connections > 5"),
        ("budget-burn", 'rate(requests_total{status=~"5.."}[5m]) > 1'),
        # About it, and of no use.
        ("unavailability", "up < 0"),
    ],
)
def test_a_condition_is_not_covered_by_what_asks_for_something_else(
    tmp_path, condition, expression
):
    assert _policy(tmp_path, expression).covering(condition) == []


def test_what_records_a_metric_says_what_it_is_about(judged):
    assert judged().covering("error-rate") == ["ShopFails"]


def test_metrics_that_do_not_exist_are_named_but_not_recorded_ones(judged):
    [finding] = judged().unknown_metrics(["up"])

    assert finding.rule == "shop:error_ratio"
    assert "http_requests_total" in finding.text
    assert "can't fire" in finding.text
    assert judged().unknown_metrics(["http_requests_total"]) == []


def test_absent_of_what_does_not_exist_always_fires(tmp_path):
    [finding] = _policy(tmp_path, "absent(nobody_makes_this)").unknown_metrics([])

    assert "always fires" in finding.text


def test_recorded_metrics_of_one_name_are_told_apart_by_their_labels(tmp_path):
    rules = read_rule_text(
        """
groups:
  - rules:
      - {record: "slo:error_ratio", labels: {slo: a}, expr: "sum(rate(x_total[5m]))"}
      - record: slo:error_ratio
        labels: {slo: b}
        expr: sum(rate(y_total{c="5"}[5m])) / sum(rate(y_total[5m]))
      - {alert: OfA, expr: 'slo:error_ratio{slo="a"} > 2'}
      - {alert: OfB, expr: 'slo:error_ratio{slo="b"} > 2'}
""",
        "slo.yaml",
    )

    assert [each.rule for each in Policy(rules, tmp_path).findings("never-fires")] == ["OfB"]


def test_a_metric_that_is_recorded_from_itself_ends(tmp_path):
    rules = read_rule_text(
        "groups: [{rules: [{record: a, expr: a + a}, {alert: A, expr: a > 1}]}]", "a.yaml"
    )

    assert Policy(rules, tmp_path).findings("never-fires", "always-fires") == []


def _policy(root, expression):
    text = f"groups:\n  - rules:\n      - alert: A\n        expr: |\n          {expression}\n"
    return Policy(read_rule_text(text, "a.yaml"), root)
