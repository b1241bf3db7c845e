"""The alerts suite and fixture in a run, as a user sees them."""

CONFIG = """
[targets.local]
platform = "local"
[alerts]
rules = ["rules/*.yaml"]
"""
RULES = """groups:
  - name: ours
    rules:
      - alert: CpuHigh
        expr: instance_cpu_usage > 0.9
        for: 5m
        labels: {severity: page, team: shop}
        annotations: {runbook_url: "https://runbooks.example.com/cpu"}
      - alert: Fails
        expr: sum(rate(requests_total{status=~"5.."}[5m])) / sum(rate(requests_total[5m])) > 1
        for: 5m
        labels: {severity: page, team: shop}
"""


def test_what_is_wrong_with_rules_fails_the_run_with_file_and_line(shared):
    shared.write(**{"alerting.toml": CONFIG, "rules/own.yaml": RULES})

    ran = shared.verify(
        "-o", "sre_suites=alerts", "--sre-config=alerting.toml", "--sre-bake=100ms", "-rs"
    )

    assert (ran.ret, ran.verdict) == (1, "UNHEALTHY"), ran.text
    for said in (
        "rules/own.yaml:4: CpuHigh: pages on instance_cpu_usage, a cause",
        "rules/own.yaml:9: Fails: can't fire",
        "rules/own.yaml:9: Fails: names no runbook",
        "no alert is about latency",
        "no address of its own that is served over TLS",
    ):
        assert said in ran.text, said


def test_without_rules_nothing_is_asked(shared):
    ran = shared.verify("-o", "sre_suites=alerts edge", "--sre-bake=100ms", "-rs")

    assert (ran.ret, ran.verdict) == (0, "HEALTHY"), ran.text
    assert "no rule files in [alerts] rules" in ran.text
