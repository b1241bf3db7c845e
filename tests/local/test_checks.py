import base64
import datetime as dt

import trustme

from tests.patience import until


def test_checks_are_named_and_report_what_they_saw(client):
    machine = client.create_web(
        service={
            "checks": [
                {"type": "tcp", "interval": "100ms"},
                {"type": "http", "path": "/healthz", "interval": "100ms"},
            ]
        },
        checks={"own": {"type": "http", "port": 8080, "path": "/readyz", "interval": "100ms"}},
    )
    checks = {check["name"]: check for check in client.get(machine)["checks"]}
    assert list(checks) == ["servicecheck-00-tcp-8080", "servicecheck-01-http-8080", "own"]
    assert checks["servicecheck-00-tcp-8080"]["output"] == "Success"
    assert checks["servicecheck-01-http-8080"]["output"].startswith("HTTP 200 OK")
    for check in checks.values():
        assert dt.datetime.fromisoformat(check["updated_at"]).tzinfo is not None


def test_a_failing_check_says_so_once_and_recovers(client):
    machine = client.create_web()
    passing = client.get(machine)["checks"][0]
    client.proxy.get("/unready")
    until(lambda: not client.is_healthy(machine))
    critical = client.get(machine)["checks"][0]
    assert critical["status"] == "critical"
    assert critical["output"].startswith("HTTP 503 Service Unavailable")
    assert critical["updated_at"] > passing["updated_at"]
    client.proxy.get("/ready", headers={"fly-force-instance-id": machine})
    until(lambda: client.is_healthy(machine))
    lines = [line for line in client.logs() if line["meta"]["event"]["provider"] == "health"]
    name = "Health check 'servicecheck-00-http-8080' on port 8080"
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", f"{name} is now passing."),
        (
            "error",
            (
                f"{name} has failed. Your app is not responding properly. Services exposed on ports"
                " [80, 443] will have intermittent failures until the health check passes."
            ),
        ),
        ("info", f"{name} is now passing."),
    ]
    assert {line["instance"] for line in lines} == {machine}


def test_failures_in_the_grace_period_do_not_count(client):
    check = {"type": "tcp", "port": 9, "interval": "50ms"}
    patient = client.create(["sleep", "1000"], checks={"own": {**check, "grace_period": "1h"}})
    hasty = client.create(["sleep", "1000"], checks={"own": {**check, "grace_period": "1ms"}})
    until(lambda: client.get(hasty)["checks"][0]["status"] == "critical")
    assert client.get(hasty)["checks"][0]["output"] == "connect: connection refused"
    assert client.get(patient)["checks"][0]["status"] == "warning"


def test_an_app_that_boots_longer_than_its_grace_period_need_not_wait_for_the_next_interval(client):
    program = (
        "import os, socket, time\n"
        "time.sleep(0.5)\n"
        "listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True: listener.accept()"
    )
    check = {"type": "tcp", "port": 8080, "interval": "1h", "grace_period": "1ms"}
    machine = client.python(program, checks={"own": check})
    until(lambda: client.is_healthy(machine))


def test_a_check_that_takes_too_long_is_critical(client):
    hold = {"headers": [{"name": "x-hold", "values": ["5"]}]}
    machine = client.create_web(
        wait_healthy=False,
        checks={
            "slow": {
                "type": "http",
                "port": 8080,
                "path": "/hold",
                "interval": "50ms",
                "timeout": "100ms",
                "grace_period": "1ms",
                **hold,
            }
        },
    )

    def slow():
        return next(c for c in client.get(machine)["checks"] if c["name"] == "slow")

    until(lambda: slow()["output"] == "context deadline exceeded")
    assert slow()["status"] == "critical"


def test_the_checks_of_a_stopped_machine_do_not_pass(client):
    machine = client.create_web()
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    (check,) = client.get(machine)["checks"]
    assert (check["status"], check["output"]) == ("warning", "the machine hasn't started")


def test_checks_go_on_while_a_machine_is_cordoned(client):
    machine = client.create_web()
    client.call("POST", f"/{machine}/cordon")
    client.proxy.get("/x")
    assert client.is_healthy(machine)
    client.exec(machine, "sh", "-c", 'touch "$TMPDIR/unready"')
    until(lambda: not client.is_healthy(machine))


def test_a_top_level_check_affects_routing_only_when_it_is_one_of_readiness(client):
    never = {"type": "tcp", "port": 9, "interval": "50ms", "grace_period": "1ms"}
    client.create_web(wait_healthy=False, checks={"own": never})
    until(lambda: client.proxy.get("/").status_code == 200)
    for machine in client.call("GET", "").json():
        client.call("DELETE", f"/{machine['id']}", params={"force": "true"})
    client.create_web(wait_healthy=False, checks={"own": {**never, "kind": "readiness"}})
    until(lambda: any("is now passing" in each for each in client.messages()))
    assert client.proxy.get("/").status_code == 503


def test_durations_without_a_unit_are_nanoseconds(client):
    check = {"type": "tcp", "port": 9, "interval": 50_000_000, "grace_period": 1_000_000}
    machine = client.create(["sleep", "1000"], checks={"own": check})
    until(lambda: client.get(machine)["checks"][0]["status"] == "critical")
    stubborn = client.python(
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(1000)",
        stop_config={"timeout": 100_000_000},
    )
    until(lambda: "ready" in client.messages(stubborn))
    client.call("POST", f"/{stubborn}/stop")
    client.wait(stubborn, "stopped")


TLS_APP = """
import http.server, os, ssl

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers["x-who"] == "check" else 403)
        self.end_headers()

    def log_message(self, *args):
        pass

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.environ["FLY_FILES_DIR"] + "/tls.pem")
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_a_check_over_tls_sends_its_headers_and_trusts_nobody_unless_told_to(client):
    issued = trustme.CA().issue_cert("shop.test")
    pem = b"".join([issued.private_key_pem.bytes(), *(c.bytes() for c in issued.cert_chain_pems)])
    check = {
        "type": "http",
        "port": 8443,
        "protocol": "https",
        "tls_server_name": "shop.test",
        "interval": "50ms",
        "headers": [{"name": "x-who", "values": ["check"]}],
    }
    machine = client.python(
        TLS_APP,
        files=[{"guest_path": "/tls.pem", "raw_value": base64.b64encode(pem).decode()}],
        checks={"trusting": {**check, "tls_skip_verify": True}, "strict": check},
    )

    def status(name: str) -> str:
        return next(c["status"] for c in client.get(machine)["checks"] if c["name"] == name)

    until(lambda: status("trusting") == "passing")
    until(lambda: status("strict") == "critical")
