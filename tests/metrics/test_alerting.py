"""Rules in the platform's own Prometheus, and what its Alertmanager receives of them."""

import os
import shutil
import signal

import psutil
import pytest

from pytest_sre.local.leftovers import clear_leftovers
from pytest_sre.local.metrics.alertmanager import PROGRAM
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from tests.patience import until

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or PROGRAM.path is None,
    reason="there is no prometheus, or no alertmanager, on the PATH",
)
ALWAYS = """
groups:
  - name: drill
    rules:
      - alert: AlwaysOn
        expr: vector(7) > 5
        labels: {severity: page}
      - alert: NeverOn
        expr: vector(7) > 8
"""


@pytest.fixture
def firing(platform, client):
    """The names of the alerts that Prometheus and Alertmanager call active."""
    yield lambda: (_in_prometheus(client), _in_alertmanager(client))
    platform.load_rules({})


def test_what_holds_fires_and_reaches_alertmanager_until_it_is_unloaded(platform, firing):
    assert platform.load_rules({"drill.yaml": ALWAYS}) == ""

    until(lambda: firing() == ({"AlwaysOn"}, {"AlwaysOn"}))
    platform.load_rules({})
    assert firing()[0] == set()


def test_refused_rules_are_named_and_those_before_go_on(platform, firing):
    platform.load_rules({"good.yaml": ALWAYS})

    with pytest.raises(LocalPlatformError, match=r"bad\.yaml.*parse error"):
        platform.load_rules({"bad.yaml": ALWAYS.replace("vector(7) > 8", "vector(7) >")})

    until(lambda: firing()[0] == {"AlwaysOn"})


@pytest.mark.parametrize("name", ["../prometheus.yml", "/etc/passwd", ".hidden", ""])
def test_a_name_that_leads_elsewhere_is_refused(platform, name):
    with pytest.raises(LocalPlatformError, match="not a plain file name"):
        platform.load_rules({name: ALWAYS})


def test_without_alertmanager_rules_are_evaluated_and_it_says_what_to_install(
    tmp_path, monkeypatch
):
    (tmp_path / "prometheus").symlink_to(str(shutil.which("prometheus")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with LocalPlatform.start(tmp_path / "local") as platform:
        assert "install prometheus-alertmanager" in platform.load_rules({"a.yaml": ALWAYS})


def test_alertmanager_runs_once_asked_for_and_ends_with_the_platform_even_when_that_is_killed(
    tmp_path,
):
    state_dir = tmp_path / "local"
    platform = LocalPlatform.up(state_dir)
    server = psutil.Process(platform.pid)
    until(lambda: len(server.children()) == 1)
    platform.load_rules({"drill.yaml": ALWAYS})
    children = server.children()
    assert len(children) == 2
    for child in children:
        child.suspend()
    os.kill(platform.pid, signal.SIGKILL)
    until(lambda: LocalPlatform.attach(state_dir) is None)

    platform.close()
    assert clear_leftovers(tmp_path) == 2

    until(lambda: not any(_runs(child) for child in children))
    assert not state_dir.exists()


def _runs(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _in_prometheus(client):
    alerts = client.api.get("/prometheus/personal/api/v1/alerts").json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def _in_alertmanager(client):
    alerts = client.api.get("/_local/alertmanager/api/v2/alerts").json()
    return {alert["labels"]["alertname"] for alert in alerts if alert["status"]["state"]}
