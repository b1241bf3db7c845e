"""From a project's settings to its alerts: which rules there are, and who evaluates them."""

import contextlib

import pytest

from pytest_sre.alerts.policy import ACTIONABLE, Policy
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.run.alerting import DRILL, Alerting, drill_rules, generated, inapplicable, rules_of
from pytest_sre.run.platforms import Platform, client_of
from pytest_sre.slo.generated import Timing
from pytest_sre.targets import ConfigError, load_settings
from pytest_sre.verdict import Inconclusive, NotAsked

FLY = 'app = "shop"\n'
OBJECTIVE = """
[[slo]]
name = "shop-availability"
kind = "availability"
source = "edge"
objective = {objective}
window = "30d"
owner = "shop"
runbook = "https://runbooks.example.com/shop"
"""
OWN = """
groups:
  - rules:
      - alert: DiskFills
        expr: fly_volume_used_pct > 90
"""


@pytest.fixture
def project(tmp_path):
    """Settings of a project with this sre.toml and one rule file."""

    def make(sre, fly=FLY):
        (tmp_path / "fly.toml").write_text(fly, encoding="utf-8")
        (tmp_path / "sre.toml").write_text(sre, encoding="utf-8")
        (tmp_path / "alerts").mkdir(exist_ok=True)
        (tmp_path / "alerts" / "own.yaml").write_text(OWN, encoding="utf-8")
        return load_settings(tmp_path, "prod")

    return make


def test_a_project_without_rules_and_objectives_has_no_alerts(project):
    settings = project("")

    assert rules_of(settings) is None
    with pytest.raises(Inconclusive, match="no alert rules"):
        drill_rules(settings)


def test_rules_are_those_of_its_files_and_of_its_objectives(project):
    settings = project('[alerts]\nrules = ["alerts/*.yaml"]\n' + OBJECTIVE.format(objective=99))

    names = {rule.name for rule in rules_of(settings).alerts}

    assert {"DiskFills", "ShopAvailabilityErrorBudgetBurn"} <= names
    assert {*drill_rules(settings)} == {"0-own.yaml", "objectives.yaml"}


def test_what_is_made_of_objectives_has_nothing_that_policy_finds(project):
    settings = project(OBJECTIVE.format(objective=99.9))
    policy = Policy(rules_of(settings), settings.root)

    checks = ("unreadable", "page-on-cause", "never-fires", "always-fires", "short-window")
    assert policy.findings(*checks, *ACTIONABLE) == []
    for condition in ("error-rate", "unavailability", "budget-burn"):
        assert policy.covering(condition), condition


def test_an_alert_that_no_outage_can_fire_is_found_in_rules_by_others(project, tmp_path):
    """At 90 % the page of the Workbook's table asks for more errors than there are requests."""
    assert "14.4 *" not in generated(project(OBJECTIVE.format(objective=90)), Timing())
    sure = generated(project(OBJECTIVE.format(objective=99)), Timing())
    settings = project('[alerts]\nrules = ["alerts/*.yaml"]\n')
    (tmp_path / "alerts" / "own.yaml").write_text(
        sure.replace("14.4 * 0.01", "14.4 * 0.1"), encoding="utf-8"
    )
    found = Policy(rules_of(settings), settings.root).findings("never-fires")

    assert [each.rule for each in found] == ["ShopAvailabilityErrorBudgetBurn"]


def test_in_a_drill_an_hour_lasts_a_minute(project):
    settings = project(OBJECTIVE.format(objective=99.9))

    assert "[1h]" in generated(settings, Timing())
    assert "[1m]" in generated(settings, DRILL)
    assert "[1h]" not in generated(settings, DRILL)


def test_conditions_are_owed_an_alert_where_the_target_has_them(project):
    mounts = FLY + '[[mounts]]\nsource = "data"\ndestination = "/data"\n'
    own = '[alerts]\nrules = ["alerts/*.yaml"]\n'

    assert {*inapplicable(project(OBJECTIVE.format(objective=99)))} == {
        "disk",
        "restarts",
        "certificate",
    }
    assert {*inapplicable(project(own, mounts))} == {"certificate"}
    with_url = own + '[targets.prod]\nurl = "https://shop.example.com"\n'
    assert {*inapplicable(project(with_url))} == {"disk"}


def test_addresses_of_servers_are_read(project):
    stated = project(
        '[alerts]\nprometheus = "http://127.0.0.1:9090/"\nscrape-interval = "1m"\n'
    ).alerts

    assert (stated.prometheus, stated.alertmanager) == ("http://127.0.0.1:9090", None)
    assert stated.scrape_s == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('rules = ["alertz/*.yaml"]', "matches no file"),
        ('prometheus = "localhost:9090"', "an address such as"),
        ('promtheus = "http://localhost"', "prometheus"),
        ("scrape-interval = 0", "a duration above 0s"),
        ('rules = "alerts/own.yaml"', "a list"),
    ],
)
def test_a_mistake_in_the_settings_is_named(project, text, said):
    with pytest.raises(ConfigError, match="alerts") as mistake:
        project(f"[alerts]\n{text}\n")

    assert said in str(mistake.value)


def test_on_fly_nobody_evaluates_alerts_unless_one_is_named(project):
    alerts = Alerting(
        project(OBJECTIVE.format(objective=99)), Platform(None, {}, "", 1, int)
    ).alerts

    with pytest.raises(Inconclusive, match=r"\[alerts\] prometheus names nobody"):
        alerts.quiet()


def test_without_the_programs_a_drill_decides_nothing(project, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sre = OBJECTIVE.format(objective=99) + '[targets.prod]\nplatform = "local"\n'
    with LocalPlatform.start(tmp_path / "local") as local, client_of(local) as fly:
        handle = Platform(fly, {}, str(local.state_dir), 1, int)
        alerting = Alerting(project(sre), handle)
        with contextlib.closing(alerting), pytest.raises(Inconclusive, match="install prometheus"):
            alerting.alerts.expect("ShopAvailabilityErrorBudgetBurn", within="1s")


def test_which_metrics_production_has_is_not_asked_locally(project):
    settings = project(OBJECTIVE.format(objective=99) + '[targets.prod]\nplatform = "local"\n')
    alerts = Alerting(settings, Platform(None, {}, "", 1, int)).alerts

    with pytest.raises(NotAsked, match="production"):
        alerts.unknown_metrics()
