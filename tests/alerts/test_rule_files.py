"""Rule files, whoever wrote them: rules with their lines, or one finding that says why not."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.alerts.rule_files import read_rule_files, read_rule_text

FILE = """# Ours
groups:
  - name: one
    interval: 30s
    rules:
      - record: a:b
        expr: sum(a)
        labels: {team: x}

      - alert: Fires
        expr: a:b > 1
        for: 1h30m
        keep_firing_for: 5m
        labels:
          severity: Page
        annotations:
          summary: "{{ $value }} is high"
"""


def test_rules_are_read_with_their_lines(tmp_path):
    (tmp_path / "a.yaml").write_text(FILE, encoding="utf-8")

    rules = read_rule_files([tmp_path / "a.yaml"], tmp_path)

    assert rules.unreadable == ()
    recorded, alert = rules.rules
    assert (recorded.file, recorded.line, recorded.name) == ("a.yaml", 6, "a:b")
    assert not recorded.is_alert
    assert (alert.line, alert.name, alert.expression, alert.hold_s) == (
        10,
        "Fires",
        "a:b > 1",
        5400,
    )
    assert alert.is_page
    assert rules.alerts == (alert,)


def test_a_kubernetes_rule_is_read_alike():
    inner = "\n".join(f"  {line}" for line in FILE.splitlines())
    text = f"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n{inner}"

    assert [rule.name for rule in read_rule_text(text, "a").rules] == ["a:b", "Fires"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("groups: [", 1, "not YAML"),
        ("groups:\n\t- a", 2, "not YAML"),
        ("a: 1", 1, "has no groups"),
        ("[]", 1, "expected a table"),
        ("groups: 5", 1, "expected a list"),
        ("groups:\n- rules: {}", 2, "expected a list"),
        ("groups:\n- rules:\n  - alert: A", 3, "has no expr"),
        ("groups:\n- rules:\n  - expr: up", 3, "either alert or record"),
        ("groups:\n- rules:\n  - {alert: A, record: a, expr: up}", 3, "either alert or record"),
        ("groups:\n- rules:\n  - {alert: A, exp: up}", 3, "unknown key 'exp'"),
        ("groups:\n- rules:\n  - {alert: A, expr: up, for: soon}", 3, "expected a duration"),
        ("groups:\n- rules:\n  - {alert: A, expr: up, labels: [a]}", 3, "expected a table"),
        ("groups:\n- rules:\n  - {alert: A, expr: [up]}", 3, "expected a text"),
        ("a: &a [*a]", 1, ""),
        ("[" * 5000, 1, ""),
        ("\x00", 1, "not YAML"),
    ],
)
def test_what_is_no_rule_file_is_one_finding(text, line, said):
    found = read_rule_text(text, "bad.yaml")

    assert found.rules == ()
    [finding] = found.unreadable
    assert (finding.check, finding.file, finding.line) == ("unreadable", "bad.yaml", line)
    assert said in finding.text


@pytest.mark.parametrize("content", [None, b"\n\xff"])
def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path, content):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(FILE, encoding="utf-8")
    if content is not None:
        bad.write_bytes(content)

    found = read_rule_files([bad, good], tmp_path)

    assert len(found.rules) == 2
    assert [each.file for each in found.unreadable] == ["bad.yaml"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool on the PATH")
def test_what_is_read_here_is_what_prometheus_reads(tmp_path):
    (tmp_path / "a.yaml").write_text(FILE, encoding="utf-8")

    told = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "a.yaml")], capture_output=True, text=True
    )

    assert told.returncode == 0, told.stderr
    assert "2 rules found" in told.stdout


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    found = read_rule_text(text, "any.yaml")

    assert found.rules == ()
