"""An app begins anew: as it was remembered, whatever was done to it since."""

import httpx
import psutil
import pytest

from pytest_sre.local.platform import LocalPlatformError
from tests.patience import until

# Appends a line to a file on its volume at each start, and adds to it what it is sent.
WRITER = """
import http.server, os

path = os.path.join(os.environ["FLY_VOLUME_DATA"], "lines")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(path).read().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        with open(path, "a") as file:
            file.write("posted ")
        self.do_GET()

    def log_message(self, *args):
        pass

if not os.path.exists(path):
    open(path, "w").write("born ")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def app(client):
    """An app with two Machines that run, and one that is stopped; the first has a volume."""
    volume = client.api.post(
        f"/v1/apps/{client.app}/volumes", json={"name": "data", "region": "iad", "size_gb": 1}
    ).json()["id"]
    service = {
        "protocol": "tcp",
        "internal_port": 8080,
        "ports": [{"port": 80, "handlers": ["http"]}],
        "checks": [{"type": "tcp", "interval": "100ms", "grace_period": "60s"}],
    }
    client.writer = client.create(
        ["python", "-S", "-E", "-c", WRITER],
        services=[service],
        mounts=[{"path": "/data", "volume": volume, "name": "data"}],
    )
    client.other = client.create(["sleep", "1000"])
    client.stopped = client.create(["sleep", "1000"], wait="", options={"skip_launch": True})
    client.wait(client.stopped, "stopped")
    until(lambda: client.is_healthy(client.writer))
    client.proxy.post("/")
    client.platform.keep_beginning(client.app)
    return client


def content(app) -> str:
    return app.proxy.get("/").text


def test_data_written_since_is_gone_and_what_was_there_before_is_back(app):
    assert content(app) == "born posted "
    app.proxy.post("/")
    assert content(app) == "born posted posted "

    for _ in range(2):
        app.platform.begin_anew(app.app)
        assert content(app) == "born posted "
        app.proxy.post("/")


def test_processes_are_fresh_and_nothing_remembers_what_was_done(app):
    before = {machine: app.pid(machine) for machine in (app.writer, app.other)}
    known = {machine: app.get(machine) for machine in before}
    app.call("POST", f"/{app.other}/cordon")
    app.call("POST", f"/{app.writer}/metadata/note", json={"value": "of a test"})
    app.call("POST", f"/{app.writer}/suspend")
    app.platform.add_fault({"kind": "crash-loop", "machine": app.other})
    app.platform.add_fault({"kind": "link", "to": f"app:{app.app}", "latency_s": 1})

    app.platform.begin_anew(app.app)

    assert app.platform.faults() == []
    for machine, pid in before.items():
        found = app.get(machine)
        assert app.pid(machine) != pid
        assert (found["state"], found["cordoned"]) == ("started", False)
        for same in ("instance_id", "config", "private_ip", "name", "region"):
            assert found[same] == known[machine][same]
        assert not app.exits(machine)
    assert app.get(app.stopped)["state"] == "stopped"


def test_a_destroyed_machine_is_back_and_one_that_was_added_is_gone(app):
    app.call("DELETE", f"/{app.other}", params={"force": "true"})
    added = app.create(["sleep", "1000"])
    pid = app.pid(added)

    app.platform.begin_anew(app.app)

    ids = {machine["id"] for machine in app.call("GET", "").json()}
    assert ids == {app.writer, app.other, app.stopped}
    assert app.get(app.other)["state"] == "started"
    assert not app.call("GET", f"/{added}").is_success
    until(lambda: not psutil.pid_exists(pid))


def test_a_beginning_that_was_not_kept_is_refused(client):
    client.create(["sleep", "1000"])
    with pytest.raises(LocalPlatformError, match="was not kept"):
        client.platform.begin_anew(client.app)
    with pytest.raises(LocalPlatformError, match="404"):
        client.platform.begin_anew("no-such-app")


def test_users_are_served_as_soon_as_it_has_begun_anew(app):
    for _ in range(5):
        app.platform.begin_anew(app.app)
        with httpx.Client(trust_env=False) as user:
            assert user.get(app.platform.app_url(app.app)).status_code == 200
