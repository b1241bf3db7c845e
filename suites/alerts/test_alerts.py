"""Would somebody be told, in time, and know what to do?"""

import pytest

from pytest_sre import Alerts

pytestmark = pytest.mark.sre(severity="medium", runbook="alerts.md")

CONDITIONS = (
    "error-rate",
    "latency",
    "unavailability",
    "disk",
    "restarts",
    "certificate",
    "budget-burn",
)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_has_an_alert(alerts: Alerts, condition: str) -> None:
    """At least one rule that can fire is about each condition that users come to feel."""
    assert alerts.covering(condition) != [], f"no alert is about {condition}"


def test_rules_can_be_read(alerts: Alerts) -> None:
    """Each rule file is one, and each expression is PromQL."""
    assert alerts.findings("unreadable") == []


def test_alerts_can_be_acted_on(alerts: Alerts) -> None:
    """Each alert has a severity, an owner, a runbook that exists, and does not fire on a blip."""
    assert alerts.findings("no-severity", "no-owner", "no-runbook", "no-for") == []


def test_pages_are_about_what_users_feel(alerts: Alerts) -> None:
    """Nobody is woken by a cause, such as CPU, that users may never feel."""
    assert alerts.findings("page-on-cause") == []


@pytest.mark.sre(severity="high", runbook="alerts.md")
def test_alerts_can_fire(alerts: Alerts) -> None:
    """No comparison is false whatever is measured, and no window is shorter than two scrapes."""
    assert alerts.findings("never-fires", "short-window") == []


def test_alerts_are_not_always_on(alerts: Alerts) -> None:
    """No alert fires whatever is measured."""
    assert alerts.findings("always-fires") == []


@pytest.mark.sre(severity="high", runbook="alerts.md")
def test_metrics_of_alerts_exist(alerts: Alerts) -> None:
    """No alert waits for a metric that the target does not make."""
    assert alerts.unknown_metrics() == []
