"""The metrics as Fly's clients ask for them, kept by a real Prometheus."""

import math
import os
import shutil
import signal

import httpx
import psutil
import pytest

from pytest_sre.fly import Fly, Invalid, NotFound, Token
from pytest_sre.local.leftovers import clear_leftovers
from pytest_sre.local.metrics.meter import BOUNDS_S
from pytest_sre.local.platform import LocalPlatform
from tests.patience import until

PROMETHEUS = "/prometheus/personal"

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="there is no prometheus on the PATH (apt-get install prometheus)",
)
EXPORTER = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = 'orders_total{app="mine",region="mine",job="till",kind="book"} 42\\n'
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(page.encode() if self.path == "/own" else b"")

    def log_message(self, *args):
        pass

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT_9091"])), Handler).serve_forever()
"""


@needs_prometheus
def test_promql_written_for_fly_gives_the_numbers_that_were_sent(client):
    client.create()
    client.send("/", 1)
    # As long as the window has to reach back: the series have begun before the traffic.
    responses = f'fly_edge_http_responses_count{{app="{client.app}"}}'
    until(lambda: client.number(f"sum({responses})") == 1)
    longest_s = max(client.send("/", 90), client.send("/fail", 10), client.send("/slow", 3))

    assert until(lambda: client.number(f"sum({responses})") == 104)
    # Just then, as increase() goes on beyond the newest sample, with each series at its own pace.
    read_at = client.number(f"max(timestamp({responses}))")
    assert client.number(f'sum({responses[:-1]},status=~"5.."}})') == 10
    failed = f'sum(increase({responses[:-1]},status=~"5.."}}[1m]))'
    availability = client.number(f"1 - {failed} / sum(increase({responses}[1m]))", at=read_at)
    assert availability == pytest.approx(94 / 104, abs=0.02)
    times = f'fly_edge_http_response_time_seconds_bucket{{app="{client.app}"}}'
    p99 = client.number(f"histogram_quantile(0.99, sum by (le) (rate({times}[1m])))")
    assert 0.3 < p99 <= next(bound_s for bound_s in BOUNDS_S if bound_s >= longest_s)


@needs_prometheus
def test_an_apps_own_metrics_get_flys_labels_in_place_of_its_own(client):
    machine = client.create(
        "registry.local/process:1",
        region="ams",
        init={"exec": ["python", "-S", "-E", "-c", EXPORTER]},
        metrics={"port": 9091, "path": "/own"},
    )

    [found] = until(lambda: client.query(f'orders_total{{app="{client.app}"}}'))
    assert found["metric"] == {
        "__name__": "orders_total",
        "app": client.app,
        "region": "ams",
        "host": "10ca",
        "instance": machine,
        "kind": "book",
        "job": "till",
    }
    assert found["value"][1] == "42"


@needs_prometheus
def test_series_have_flys_labels_and_no_others(client):
    machine = client.create()
    client.send("/")

    query = f'{{__name__=~"fly_edge_http_responses_count|fly_instance_up",app="{client.app}"}}'
    found = until(lambda: len(client.query(query)) == 2 and client.query(query))
    assert sorted(found[0]["metric"] | found[1]["metric"]) == [
        "__name__",
        "app",
        "host",
        "instance",
        "region",
        "status",
    ]
    by_name = {each["metric"]["__name__"]: each["metric"] for each in found}
    assert by_name["fly_instance_up"]["instance"] == machine
    assert "instance" not in by_name["fly_edge_http_responses_count"]


@needs_prometheus
def test_all_calls_that_fly_documents_are_answered(client):
    client.create()
    until(lambda: client.query(f'fly_instance_up{{app="{client.app}"}}'))
    api = client.api
    chosen = {"match[]": f'fly_instance_up{{app="{client.app}"}}'}

    found = api.post(f"{PROMETHEUS}/api/v1/query", data={"query": "1 + 1"}).json()
    assert found["data"]["result"][1] == "2"
    window = {"query": "fly_instance_up", "start": "0", "end": "60", "step": "60"}
    found = api.get(f"{PROMETHEUS}/api/v1/query_range", params=window).json()
    assert found["data"]["resultType"] == "matrix"
    assert len(api.get(f"{PROMETHEUS}/api/v1/series", params=chosen).json()["data"]) == 1
    assert "instance" in api.get(f"{PROMETHEUS}/api/v1/labels", params=chosen).json()["data"]
    values = api.get(f"{PROMETHEUS}/api/v1/label/app/values", params=chosen).json()
    assert values["data"] == [client.app]
    assert "headStats" in api.get(f"{PROMETHEUS}/api/v1/status/tsdb").json()["data"]
    assert "fly_instance_up" in api.get(f"{PROMETHEUS}/api/v1/metadata").json()["data"]
    federated = api.get(f"{PROMETHEUS}/federate", params=chosen)
    assert f'app="{client.app}"' in federated.text


@needs_prometheus
def test_what_prometheus_refuses_comes_back_as_it_says_it(client):
    answer = client.api.get(f"{PROMETHEUS}/api/v1/query", params={"query": "sum("})

    assert answer.status_code == 400
    assert answer.json()["errorType"] == "bad_data"
    assert "parse error" in answer.json()["error"]


@needs_prometheus
def test_the_client_reads_what_a_real_prometheus_answers(platform, client):
    machine = client.create()
    selector = f'fly_instance_up{{app="{client.app}"}}'
    token = Token.parse(platform.token)
    with Fly(platform.api_url, platform.api_url, token) as fly:
        metrics = fly.metrics("personal")
        [sample] = until(lambda: metrics.query(selector))
        assert sample.labels["instance"] == machine
        assert sample.value == 1
        now = sample.at
        window = metrics.query_range(selector, start_at=now - 60, end_at=now, step_s=1)
        [series] = window
        assert {value for _, value in series.points} == {1}
        [series] = metrics.query(f"{selector}[1m]")
        assert series.labels["instance"] == machine
        assert metrics.query("scalar(vector(4))").value == 4
        assert math.isnan(metrics.query("0 / 0").value)
        assert len(metrics.query("no_such_metric")) == 0
        assert metrics.label_values("app", matching=selector) == [client.app]
        with pytest.raises(Invalid, match=r"1:7: parse error"):
            metrics.query("up == ")
        with pytest.raises(NotFound, match="no organization"):
            fly.metrics("nobody").query("up")


def test_an_organization_that_does_not_exist_has_no_metrics(client):
    answer = client.api.get("/prometheus/nobody/api/v1/query", params={"query": "1"})

    assert answer.status_code == 404
    assert answer.json()["status"] == "error"


def test_without_the_program_the_answer_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with LocalPlatform.start(tmp_path / "local") as platform:
        answer = httpx.get(
            f"{platform.api_url}{PROMETHEUS}/api/v1/query?query=1",
            headers={"authorization": f"FlyV1 {platform.token}"},
            trust_env=False,
            timeout=90,
        )

    assert answer.status_code == 503
    assert answer.json()["errorType"] == "unavailable"
    assert "apt-get install prometheus" in answer.json()["error"]


@needs_prometheus
def test_when_prometheus_is_killed_the_platform_goes_on_and_says_so(tmp_path):
    with LocalPlatform.start(tmp_path / "local") as platform:
        [child] = until(lambda: psutil.Process(platform.pid).children())
        ask = f"{platform.api_url}{PROMETHEUS}/api/v1/query?query=1"
        token = {"authorization": f"Bearer {platform.token}"}
        assert httpx.get(ask, headers=token, trust_env=False, timeout=90).status_code == 200

        child.kill()
        answer = until(
            lambda: (
                (found := httpx.get(ask, headers=token, trust_env=False, timeout=90)).status_code
                == 503
                and found
            )
        )
        until(
            lambda: (
                "ended with code -9"
                in httpx.get(ask, headers=token, trust_env=False, timeout=90).text
            )
        )
        assert answer.json()["status"] == "error"
        assert platform.apps() == {}


@needs_prometheus
def test_prometheus_ends_with_the_platform_even_when_that_is_killed(tmp_path):
    state_dir = tmp_path / "local"
    platform = LocalPlatform.up(state_dir)
    [child] = until(lambda: psutil.Process(platform.pid).children())
    assert child.name() == "prometheus"
    until((state_dir / "pids.json").exists)

    # It ends by itself once it cannot write its log any more; one that cannot is ended.
    child.suspend()
    os.kill(platform.pid, signal.SIGKILL)
    until(lambda: LocalPlatform.attach(state_dir) is None)
    assert clear_leftovers(tmp_path) == 1

    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert not state_dir.exists()
