"""The false-green catalogue: something is broken that other tools were seen to let pass.

Each drill breaks one thing in a shop that is well, and what is run is what the control runs, which
comes out HEALTHY; so a drill whose defect went unseen would be HEALTHY too.
"""

import signal
import time

import httpx
import msgspec
import pytest

from pytest_sre.fly.config import CheckConfig
from pytest_sre.recording.rows import Exchange, Span
from tests.patience import until


def test_control_unbroken_shop_is_healthy(live):
    outcome = live.drill()
    assert outcome.verdict == "HEALTHY", outcome.text
    assert outcome.code == 0


def test_g1_interrupted_before_the_first_measurement(live):
    suite = live.add(
        "drills/test_interrupted.py",
        "import os, signal\n\n"
        "def test_nothing_yet(fly_app):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n",
    )
    outcome = live.drill(suite)
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 2
    assert any("stopped before its end" in line for line in outcome.lines("unsure"))


NO_DNS = """
import socket

known = socket.getaddrinfo

def getaddrinfo(host, *rest, **more):
    if host in ("shop.test", b"shop.test"):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return known(host, *rest, **more)

socket.getaddrinfo = getaddrinfo
"""


def test_g2_every_probe_fails_through_our_own_dns(live):
    """As against Fly itself: by URL and token, the address of the app being a name."""
    live.add("own_dns.py", NO_DNS)
    live.add(
        "far.toml",
        'journeys = ["journeys.py"]\n'
        "[release]\npath = '/version'\n"
        "[bake]\nerror-ratio = 0.05\n"
        '[targets.far]\nplatform = "fly"\napps = ["fly.toml"]\nurl = "http://shop.test"\n',
    )
    api = live.platform.api_url
    outcome = live.drill(
        "--sre-config=far.toml",
        "-p",
        "own_dns",
        target="far",
        env={
            "FLY_API_TOKEN": live.platform.token,
            "FLY_FLAPS_BASE_URL": api,
            "FLY_API_BASE_URL": api,
            "FLY_UIEX_BASE_URL": api,
            "PYTHONPATH": str(live.root),
        },
    )
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 1
    assert f"on far (of {api}, not Fly.io)" in outcome.block[0]
    assert outcome.lines("because") == []
    assert any("our dns could not resolve" in line for line in outcome.lines("unsure")), (
        outcome.text
    )


def test_g3_misnamed_journey(live):
    suite = live.add(
        "drills/test_misnamed.py",
        'def test_checkout(journey):\n    journey.run("chekout")\n',
    )
    outcome = live.drill(suite)
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 1
    assert "no journey 'chekout'" in outcome.lines("unsure")[0]


def test_g4_traffic_stops_in_the_middle_of_the_bake(live, outcome_of):
    """Our own process is stopped for most of the window, as a laptop that goes to sleep is."""
    before = live.recorded(Exchange, source="bake")
    run = live.spawn("--sre-bake=5s")
    until(lambda: live.recorded(Exchange, source="bake") not in {0, before})
    run.send_signal(signal.SIGSTOP)
    time.sleep(3.5)
    run.send_signal(signal.SIGCONT)
    outcome = outcome_of(run)
    assert outcome.verdict != "HEALTHY", outcome.text
    assert outcome.code == 1
    said = outcome.lines("unsure") + outcome.lines("because")
    assert any("of the bake no request was made" in line for line in said), outcome.text


def test_g10_no_test_was_run(live):
    outcome = live.drill("-k", "no_test_has_this_name")
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 1
    assert any("no test came to a verdict" in line for line in outcome.lines("unsure"))


QUIET = """
app = "shop"

[processes]
worker = "python -m shop.worker"
store = "python -m shop.store"

[checks.store]
type = "http"
port = 8081
path = "/healthz"
interval = "2s"
timeout = "2s"
grace_period = "10s"
processes = ["store"]

[env]
STORE_URL = "http://store.process.shop.internal:8081"

[[mounts]]
source = "shop_data"
destination = "/data"
processes = ["store"]
"""


def test_g10_no_request_was_made(changed):
    """An app that nothing can be asked of: it has no public service, so no journey either."""

    def hide(shop):
        (shop.root / "fly.toml").write_text(QUIET, "utf-8")
        shop.edit("sre.toml", "web = { iad = 2, ams = 1 }", "")

    with changed(hide) as shop:
        outcome = shop.drill()
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert outcome.code == 1
    assert outcome.lines("because") == []
    assert any("no request was made" in line for line in outcome.lines("unsure")), outcome.text


BODY = """
import http.server, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"queue": "many", "ratio": 0.9}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

def ask(probe):
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        seen = probe.http(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    return seen

def test_body(probe):
    assert ask(probe).number(%s
"""


@pytest.mark.parametrize(
    ("claim", "verdict", "said"),
    [
        pytest.param('"depth") < 10', "INCONCLUSIVE", "no value at 'depth'", id="g11 missing"),
        pytest.param('"queue") < 10', "INCONCLUSIVE", "expected a number", id="g11 text"),
        pytest.param('"ratio") <= 0', "UNHEALTHY", "0.9 <= 0", id="g12 cut to a whole number"),
    ],
)
def test_body_is_not_read_as_a_number_that_it_is_not(live, claim, verdict, said):
    (live.root / "drills").mkdir(exist_ok=True)
    (live.root / "drills" / "test_body.py").write_text(BODY % claim, "utf-8")
    outcome = live.verify("--sre-bake=100ms", "drills/test_body.py")
    assert outcome.verdict == verdict, outcome.text
    assert outcome.code == 1
    assert said in (outcome.lines("unsure") + outcome.lines("because"))[0]


UNDECIDED = """
[checks.queue]
type = "tcp"
port = 9000
interval = "1s"
timeout = "1s"
grace_period = "10m"
processes = ["worker"]
"""


def test_g20_check_that_never_gets_a_result(broken):
    """Its Machine is in its grace period still, for longer than anyone looks."""
    (worker,) = broken.machines("worker")
    check = CheckConfig(type="tcp", port=9000, interval="1s", timeout="1s", grace_period="10m")
    config = msgspec.structs.replace(worker.settings, checks={"queue": check})
    fly_toml = broken.root / "fly.toml"
    as_it_was = fly_toml.read_text("utf-8")
    broken.add("fly.toml", UNDECIDED)
    try:
        broken.fly.update_machine("shop", worker.id, config)
        until(lambda: broken.fly.machine("shop", worker.id).state == "started")
        outcome = broken.drill()
    finally:
        fly_toml.write_text(as_it_was, "utf-8")
    assert outcome.verdict != "HEALTHY", outcome.text
    assert outcome.code == 1
    said = outcome.lines("because") + outcome.lines("unsure")
    assert "check queue" in said[0], outcome.text


def test_g21_process_that_ended_once_with_exit_code_0(broken):
    machine = broken.machines("web")[0]
    broken.fly.signal("shop", machine.id, "SIGTERM")
    until(lambda: broken.exits(machine) == 1)
    until(lambda: broken.is_healthy(machine))
    outcome = broken.drill()
    assert outcome.verdict == "UNHEALTHY", outcome.text
    assert outcome.code == 1
    assert "exits by itself on 1 of 3" in outcome.lines("because")[0]
    assert "exit code 0" in outcome.lines("because")[0]


@pytest.mark.parametrize(
    ("status", "verdict", "word", "said"),
    [
        ("failed", "UNHEALTHY", "because", "the deploy ended as failed"),
        ("running", "INCONCLUSIVE", "unsure", "is still being deployed"),
    ],
)
def test_g22_deploy_that_did_not_end_well(live, status, verdict, word, said):
    newest = live.fly.releases("shop")[0]
    live.fly.update_release(newest.id, status)
    try:
        outcome = live.drill()
    finally:
        live.fly.update_release(newest.id, "complete")
    assert outcome.verdict == verdict, outcome.text
    assert outcome.code == 1
    assert said in outcome.lines(word)[0]


def test_g23_one_machine_answers_with_the_older_release(broken):
    """It serves as well as the others do, and its checks pass."""
    machine = broken.machines("web")[0]
    older = machine.settings
    assert broken.deploy("good").status == "complete"
    broken.fly.update_machine("shop", machine.id, older)
    until(lambda: broken.is_healthy(machine))
    outcome = broken.drill()
    assert outcome.verdict == "UNHEALTHY", outcome.text
    assert outcome.code == 1
    assert "another image than the release on 1 of 3 web machines" in outcome.lines("because")[0]


def test_g24_health_endpoint_that_touches_nothing_behind_it(broken):
    """The store is down; /healthz of web answers 200 all the same."""
    (store,) = broken.machines("store")
    broken.fly.stop("shop", store.id)
    try:
        until(lambda: broken.fly.machine("shop", store.id).state == "stopped")
        url = f"{broken.platform.app_url('shop')}/healthz"
        assert httpx.get(url, trust_env=False, timeout=90).status_code == 200
        outcome = broken.drill()
    finally:
        broken.fly.start("shop", store.id)
        until(lambda: broken.is_healthy(store))
    assert outcome.verdict == "UNHEALTHY", outcome.text
    assert outcome.code == 1
    assert "store is stopped on 1 of 1" in outcome.lines("because")[0]


def test_lines_of_the_log_are_lost_while_the_app_answers(live, outcome_of):
    """The absence of an error in a log that lacks seconds of lines shows nothing."""
    suite = live.add(
        "drills/test_log_gap.py",
        "def test_errors(fly_app, logs):\n    assert logs.since_deploy(fly_app).errors == []\n",
    )
    runs = live.root / ".sre" / "runs"
    known = {*runs.glob("*.sqlite")}
    run = live.spawn("--sre-bake=14s", suite)
    until(lambda: {*runs.glob("*.sqlite")} - known)
    until(lambda: live.recorded(Span, name="log of shop read") >= 3)
    live.platform.add_fault({"kind": "log-gap", "app": "shop", "for": "6s"})
    outcome = outcome_of(run)
    assert outcome.verdict == "INCONCLUSIVE", outcome.text
    assert any("while the app answered" in line for line in outcome.lines("unsure")), outcome.text
