"""What the fixture says of alerts that a Prometheus evaluates: a double whose state is set."""

import pytest

from pytest_sre.alerts.facade import Alerts
from pytest_sre.alerts.policy import Policy
from pytest_sre.alerts.rule_files import read_rule_text
from pytest_sre.alerts.watching import Watch
from pytest_sre.fly.alert_states import ActiveAlert, AlertingRule
from pytest_sre.fly.metric_values import Sample, Vector
from pytest_sre.targets.errors import ConfigError
from pytest_sre.verdict import Inconclusive, NotAsked


class Double:
    """A Prometheus that evaluates anew each time it is asked."""

    def __init__(self, *rules):
        self.looks = 0
        self.said = list(rules)

    def rules(self):
        self.looks += 1
        return [rule(self.looks) for rule in self.said]

    def query(self, promql):
        return Vector((Sample({}, 0.0, 0.02),) if "measured" in promql else ())

    def label_values(self, _name):
        return ["measured"]


class Receiver:
    def __init__(self, *names):
        self.names = names

    def alerts(self):
        return [{"alertname": name, "severity": "page"} for name in self.names]


def rule(name="Burns", state="inactive", *, error="", from_look=1, until_look=10**9, **labels):
    """An alerting rule that is in its state between two looks."""

    def at(look):
        is_active = from_look <= look < until_look and state != "inactive"
        alert = ActiveAlert({"alertname": name, **labels}, state, 1.0, 0.5)
        return AlertingRule(
            name,
            "measured > 0.1 and missing > 0.2",
            state if is_active else "inactive",
            30.0,
            error,
            float(look),
            (alert,) if is_active else (),
        )

    return at


def alerts(*rules, receiver=None, policy=None):
    return Alerts(policy, {"disk": "no volume"}, Double, lambda: Watch(Double(*rules), receiver))


def test_an_alert_that_fires_is_expected():
    fired = alerts(rule(state="firing", from_look=3, severity="page")).expect("Burns", within="30s")

    assert (fired.name, fired.labels["severity"], fired.value) == ("Burns", "page", 0.5)


def test_one_that_does_not_fire_fails_the_test_with_what_was_evaluated():
    with pytest.raises(AssertionError) as failure:
        alerts(rule()).expect("Burns", within="10ms")

    assert str(failure.value).splitlines() == [
        "Burns did not fire within 10ms: it is inactive",
        "measured is 0.02, and is to be > 0.1",
        "missing is without a value (nothing is measured), and is to be > 0.2",
    ]


def test_one_that_is_pending_says_since_when():
    with pytest.raises(AssertionError, match=r"pending[\s\S]*holds for \d+ s .*for is 30 s"):
        alerts(rule(state="pending")).expect("Burns", within="10ms")


def test_other_labels_are_another_alert():
    with pytest.raises(AssertionError, match="did not fire"):
        alerts(rule(state="firing", app="a")).expect("Burns", within="10ms", app="b")


def test_what_alertmanager_has_not_received_has_told_nobody():
    fires = rule(state="firing", severity="page")
    alerts(fires, receiver=Receiver("Burns")).expect("Burns", severity="page")
    with pytest.raises(AssertionError, match="Alertmanager has not received it"):
        alerts(fires, receiver=Receiver("Other")).expect("Burns", within="10ms")


@pytest.mark.parametrize(
    "ask",
    [lambda each: each.expect("Burn"), lambda each: each.quiet("Burn")],
    ids=["expect", "quiet"],
)
def test_a_name_that_no_rule_has_decides_nothing(ask):
    with pytest.raises(Inconclusive, match=r"no alert is named 'Burn'.*Burns"):
        ask(alerts(rule()))


@pytest.mark.parametrize(
    "ask",
    [lambda each: each.expect("Burns"), lambda each: each.quiet()],
    ids=["expect", "quiet"],
)
@pytest.mark.parametrize(
    "rules", [(), (rule(error="many-to-many matching"),)], ids=["none", "broken"]
)
def test_what_cannot_be_evaluated_is_neither_fired_nor_quiet(ask, rules):
    with pytest.raises(Inconclusive):
        ask(alerts(*rules))


def test_quiet_holds_when_nothing_is_active_in_a_new_evaluation():
    alerts(rule()).quiet()
    alerts(rule(), rule("Other", "firing")).quiet("Burns")


@pytest.mark.parametrize("state", ["pending", "firing"])
def test_quiet_fails_with_the_value_of_what_is_not(state):
    with pytest.raises(AssertionError, match=f"Burns .* is {state}: .*value 0.5"):
        alerts(rule(state=state)).quiet()


def test_quiet_waits_for_what_resolves_in_time():
    alerts(rule(state="firing", until_look=5)).quiet(within="30s")


def test_without_rules_policy_is_not_asked():
    with pytest.raises(NotAsked, match=r"\[alerts\] rules"):
        alerts().findings("never-fires")


def test_conditions_that_the_target_does_not_have_are_not_asked(tmp_path):
    text = "groups: [{rules: [{alert: Down, expr: up == 0}, {alert: Gone, expr: gone > 1}]}]"
    judged = alerts(policy=Policy(read_rule_text(text, "a.yaml"), tmp_path))

    assert judged.covering("unavailability") == ["Down"]
    assert judged.covering("latency") == []
    assert [finding.rule for finding in judged.unknown_metrics()] == ["Down", "Gone"]
    with pytest.raises(NotAsked, match="no volume"):
        judged.covering("disk")
    with pytest.raises(ConfigError, match="latency"):
        judged.covering("latancy")
