"""``pytest-sre doctor``: what it says of a project's objectives, and with which exit code."""

import http.server
import json
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_sre.cli import main

FLY = 'app = "shop"\n'
SOUND = '[[slo]]\nname = "sound"\nsource = "edge"\nobjective = 99\n'
LATENCY = '[[slo]]\nname = "fast"\nsource = "edge"\nobjective = 99\nbelow = "300ms"\n'
OF_RUNS = '[[slo]]\nname = "seen"\nsource = "runs"\nobjective = 99.9\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write a project, which is then the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fly.toml").write_text(FLY)

    def write(text: str) -> None:
        (tmp_path / "sre.toml").write_text(text)

    return write


class Metrics(http.server.BaseHTTPRequestHandler):
    """A Prometheus that counts so many events, and has these buckets."""

    events: str | None = "86400"
    asked: list[str]

    def do_GET(self):
        url = urlsplit(self.path)
        self.asked.append(url.path)
        if url.path.endswith("/label/le/values"):
            data: object = ["0.1", "0.25", "0.5", "+Inf"]
        else:
            assert parse_qs(url.query)["query"][0].startswith("sum(increase(fly_edge_http")
            points = [] if self.events is None else [{"metric": {}, "value": [1, self.events]}]
            data = {"resultType": "vector", "result": points}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def metrics(monkeypatch) -> Iterator[type[Metrics]]:
    """Fly's metrics of the organization acme, on this machine."""
    served = type("Served", (Metrics,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), served)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("FLY_API_TOKEN", "fm2_test")
    monkeypatch.setenv("FLY_FLAPS_BASE_URL", url)
    monkeypatch.setenv("FLY_API_BASE_URL", url)
    yield served
    server.shutdown()
    server.server_close()


OF_ACME = '[targets.prod]\norganization = "acme"\n'


def test_nothing_is_found_where_all_is_well(project, capsys):
    project(SOUND)

    assert main(["doctor"]) == 0

    assert capsys.readouterr().out == (
        "1 objective; findings of weight: 0, others: 0\n"
        "the traffic was not looked at: pytest-sre doctor --target NAME asks for it\n"
    )


def test_without_objectives_it_says_where_they_go(project, capsys):
    project("")

    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.startswith("there are no objectives: see [[slo]]")


def test_a_run_too_short_is_found_on_the_targets_where_it_is(project, capsys):
    # 100 s at 50 requests a second are enough; 10 s, the default of local, are not.
    bake = '[bake]\nerror-ratio = 0.001\nwindow = "100s"\n'
    project(bake + OF_RUNS)
    assert main(["doctor"]) == 0
    capsys.readouterr()

    project("[bake]\nerror-ratio = 0.001\n" + OF_RUNS)
    assert main(["doctor"]) == 1

    out = capsys.readouterr().out
    assert "high: seen on local (sre.toml: slo[0])\n  a run observes at most 1,500 events" in out
    assert "99.9 % can be shown with 2,995 good ones at the least" in out
    assert "high: seen on prod (sre.toml: slo[0])\n  a run observes at most 1,620 events" in out


def test_what_informs_only_does_not_fail(project, capsys):
    project('[[slo]]\nname = "loose"\nsource = "edge"\nobjective = 90\n')

    assert main(["doctor"]) == 0

    out = capsys.readouterr().out
    assert "low: loose on local, prod (sre.toml: slo[0])\n  the alert at burn rate 14.4" in out
    assert "findings of weight: 0, others: 1" in out


def test_findings_can_be_read_by_programs(project, capsys):
    project(OF_RUNS)

    assert main(["doctor", "--json"]) == 1

    found = json.loads(capsys.readouterr().out)
    assert (found["objectives"], found["unknown"]) == (1, [])
    kinds = {(one["objective"], one["check"], *one["targets"]) for one in found["findings"]}
    assert kinds == {("seen", "run-too-short", "local"), ("seen", "run-too-short", "prod")}


def test_a_mistake_in_a_file_is_answered_as_everywhere(project, capsys):
    project('[[slo]]\nname = "x"\nsource = "edge"\nobjective = 100\n')

    assert main(["doctor"]) == 4

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("sre.toml: slo[0].objective is 100, which leaves no error budget")


def test_an_unknown_target_is_a_mistake(project, capsys):
    project(SOUND)

    assert main(["doctor", "--target", "prdo"]) == 4
    assert 'did you mean "prod"?' in capsys.readouterr().err


def test_a_target_is_asked_how_much_traffic_it_has(project, metrics, capsys):
    project(OF_ACME + SOUND)
    assert main(["doctor", "--target", "prod"]) == 0
    assert metrics.asked == ["/prometheus/acme/api/v1/query"]
    capsys.readouterr()

    metrics.events = "100"
    assert main(["doctor", "--target", "prod"]) == 1

    out = capsys.readouterr().out
    assert "fires on a single bad one: 1h has 4 events\n  it takes 7 of them there" in out


@pytest.mark.usefixtures("metrics")
def test_the_buckets_of_the_target_are_looked_at(project, capsys):
    project(OF_ACME + LATENCY)

    assert main(["doctor", "--target", "prod"]) == 1

    out = capsys.readouterr().out
    assert "0.3 is no bound of a bucket of fly_edge_http_response_time_seconds_bucket" in out
    assert "choose 0.25 or 0.5" in out


@pytest.mark.parametrize("events", [None, "NaN"])
def test_metrics_that_know_nothing_are_no_good_news(project, metrics, capsys, events):
    project(OF_ACME + SOUND)
    metrics.events = events

    assert main(["doctor", "--target", "prod"]) == 1
    assert "not known: sound: the metrics tell of no events" in capsys.readouterr().out


def test_metrics_that_cannot_be_asked_are_no_good_news(project, capsys, monkeypatch):
    monkeypatch.delenv("FLY_API_TOKEN", raising=False)
    project(OF_ACME + SOUND)

    assert main(["doctor", "--target", "prod"]) == 1
    assert "not known: " in capsys.readouterr().out


def test_a_local_platform_that_does_not_run_is_said(project, capsys):
    project(SOUND)

    assert main(["doctor", "--target", "local"]) == 1
    assert "not known: no local platform runs: pytest-sre local up" in capsys.readouterr().out


JOURNEYS = """
from pytest_sre import journey

@journey("doctor-buy")
def buy(client):
    pass
"""


def test_a_journey_that_no_file_registers_is_named(project, capsys, tmp_path):
    (tmp_path / "journeys.py").write_text(JOURNEYS)
    walked = '[bake]\nwindow = "10m"\n[[slo]]\nname = "buy"\nobjective = 99\njourney = '
    project(walked + '"doctor-buy"\n')
    assert main(["doctor"]) == 0
    assert "doctor-bu" not in capsys.readouterr().out

    project(walked + '"doctor-bui"\n')
    assert main(["doctor"]) == 0

    out = capsys.readouterr().out
    assert "medium: buy on local, prod (sre.toml: slo[0])" in out
    assert 'no file of journeys registers the journey "doctor-bui"' in out
    assert 'did you mean "doctor-buy"?' in out


def test_a_file_of_journeys_that_cannot_be_imported_is_a_mistake(project, capsys, tmp_path):
    (tmp_path / "journeys.py").write_text("import nothing_of_this_name\n")
    project(SOUND)
    assert main(["doctor"]) == 0
    capsys.readouterr()

    project('[[slo]]\nname = "buy"\nobjective = 99\njourney = "buy"\n')
    assert main(["doctor"]) == 4
    assert "journeys.py, line 1: ModuleNotFoundError" in capsys.readouterr().err


def test_what_runs_observe_needs_no_metrics(project, capsys):
    project('[bake]\nwindow = "100s"\nerror-ratio = 0.001\n' + OF_RUNS)

    assert main(["doctor", "--target", "prod"]) == 0
    assert "not known" not in capsys.readouterr().out
