"""What an app's services say of the proxy, and how Machines come and go behind it."""

import concurrent.futures
import ssl
import time

import httpx
import pytest

from pytest_sre.local.images import Image
from tests.patience import until

# Answers what it was asked, and ends as it should when it is told to: open requests first.
POLITE = """
import http.server, json, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            print("taken", flush=True)
            time.sleep(1)
            print("over", flush=True)
        if self.path == "/next":
            print("next", flush=True)
        seen = {"machine": os.environ["FLY_MACHINE_ID"], "path": self.path}
        seen["headers"] = {k.lower(): v for k, v in self.headers.items()}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("x-own", "1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False

with Server(("127.0.0.1", int(os.environ["PORT"])), Handler) as server:
    try:
        server.serve_forever(poll_interval=0.05)
    except KeyboardInterrupt:
        pass
"""


def service(*ports, **more):
    return {
        "internal_port": 8080,
        "ports": list(ports),
        "checks": [{"type": "http", "path": "/", "interval": "100ms", "grace_period": "60s"}],
        **more,
    }


# Making an httpx client reads all certificates, unless it is given a context.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PLAIN = {"port": 80, "handlers": ["http"]}
TLS = {"port": 443, "handlers": ["tls", "http"]}


def polite(client, *ports, **more):
    machine = client.python(POLITE, services=[service(*(ports or [PLAIN]))], **more)
    until(lambda: client.is_healthy(machine))
    return machine


def test_a_port_that_insists_on_https_sends_clients_to_the_apps_own(client):
    polite(client, {**PLAIN, "force_https": True}, TLS)
    ports = client.platform.ports(client.app)
    answer = httpx.get(f"{ports[80]}/a?b=1", trust_env=False, timeout=90)
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{ports[443]}/a?b=1"


def test_the_apps_own_url_is_plain_and_never_redirects(client):
    machine = polite(client, {**PLAIN, "force_https": True}, TLS)
    url = client.platform.app_url(client.app)
    assert url == str(client.proxy.base_url).rstrip("/")
    assert url not in client.platform.ports(client.app).values()
    assert client.proxy.get("/").json()["machine"] == machine


def test_a_port_sets_and_takes_out_headers_of_answers(client):
    headers = {"X-Set": "1", "x-many": ["a", "b"], "x-own": False, "via": False}
    polite(client, {**PLAIN, "http_options": {"response": {"headers": headers}}})
    answer = client.proxy.get("/")
    assert answer.headers["x-set"] == "1"
    assert answer.headers.get_list("x-many") == ["a", "b"]
    assert not {"x-own", "via"} & set(answer.headers)
    assert "fly-request-id" in answer.headers


def test_a_pristine_port_adds_nothing_to_answers(client):
    polite(client, {**PLAIN, "http_options": {"response": {"pristine": True}}})
    answer = client.proxy.get("/")
    assert not {"via", "fly-request-id"} & set(answer.headers)
    assert answer.headers["x-own"] == "1"
    assert not answer.headers["server"].startswith("Fly/")


def test_files_are_served_without_the_app_and_never_from_outside(client, tmp_path):
    public = tmp_path / "app" / "public"
    public.mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (public / "style.css").write_text("p {}")
    (public / "index.html").write_text("<p>")
    (public / "link").symlink_to(tmp_path / "secret.txt")
    client.platform.register_image(
        Image("registry.local/files:1", str(tmp_path), digest="sha256:2")
    )
    statics = [
        {"guest_path": "/app/public", "url_prefix": "/public", "index_document": "index.html"},
        {"guest_path": "/nowhere", "url_prefix": "/missing"},
    ]
    polite(client, image="registry.local/files:1", statics=statics)
    style = client.proxy.get("/public/style.css?v=1")
    assert (style.text, style.headers["content-type"]) == ("p {}", "text/css")
    assert "fly-request-id" in style.headers
    assert client.proxy.head("/public/style.css").headers["content-length"] == "4"
    assert client.proxy.get("/public/").text == "<p>"
    for path in (
        "/public/none.css",
        "/publicity",
        "/public/%2e%2e/%2e%2e/secret.txt",
        "/public/link",
    ):
        assert client.proxy.get(path).json()["path"] == path
    assert client.proxy.get("/missing/a").status_code == 503
    assert any(line.startswith("[PR05]") for line in client.messages(provider="proxy"))


def test_regions_have_aliases_and_requests_may_come_in_elsewhere(client):
    near, far = polite(client), polite(client, region="fra")

    def served(**headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.proxy.get("/", headers=named)

    assert served().json()["machine"] == near
    assert served(fly_prefer_region="eu").json()["machine"] == far
    assert served(fly_force_region="apac,eu").json()["machine"] == far
    assert served(fly_force_region="apac").status_code == 503
    assert served(fly_force_region="apac,any").json()["machine"] == near
    elsewhere = served(x_local_edge="ams")
    assert elsewhere.json()["machine"] == far
    assert elsewhere.json()["headers"]["fly-region"] == "ams"
    assert elsewhere.headers["fly-request-id"].endswith("-ams")
    assert served(x_local_edge="nowhere").json()["headers"]["fly-region"] == "iad"


def test_a_flycast_name_leads_through_the_apps_own_proxy(client):
    web = polite(client)
    caller = client.create(["sleep", "1000"])
    fetch = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    client.call("POST", f"/{web}/stop")
    client.wait(web, "stopped")
    done = client.exec(caller, "python", "-S", "-c", fetch, f"http://{client.app}.flycast/x")
    assert web in done["stdout"], done
    assert '"path": "/x"' in done["stdout"]
    assert "proxy" in {event["source"] for event in client.get(web)["events"]}


def test_an_open_request_finishes_while_its_machine_stops_and_others_go_elsewhere(client):
    stopping = polite(client)
    url = f"{client.proxy.base_url}/slow"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.get, url, trust_env=False, timeout=90)
        until(lambda: "taken" in client.messages(stopping))
        other = polite(client)
        client.call("POST", f"/{stopping}/stop")
        assert {client.proxy.get("/").json()["machine"] for _ in range(5)} == {other}
        assert slow.result().json()["machine"] == stopping
    client.wait(stopping, "stopped")
    assert [ended["exit_code"] for ended in client.exits(stopping)] == [0]


def test_no_request_fails_while_machines_are_replaced_one_after_another(client):
    machines = [polite(client), polite(client)]
    done, failed = [], []

    def ask(number):
        with httpx.Client(
            base_url=client.proxy.base_url, trust_env=False, timeout=90, verify=NO_CERTIFICATES
        ) as http:
            begun = time.monotonic()
            while not done:
                failed.extend(x for x in [http.get("/").status_code] if x != 200)
                asked.append(number)
                begun += 0.1
                time.sleep(max(0.0, begun - time.monotonic()))

    asked: list[int] = []
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(ask, number) for number in range(5)]
        try:
            for machine in machines:
                sent = len(asked)
                until(lambda sent=sent: len(asked) >= sent + 10)
                before = client.get(machine)
                client.call("POST", f"/{machine}", json={"config": before["config"]})
                client.wait(machine, "started")
                until(lambda machine=machine: client.is_healthy(machine))
                assert client.get(machine)["instance_id"] != before["instance_id"]
        finally:
            done.append(True)
        for each in asking:
            each.result()
    assert failed == []


@pytest.mark.parametrize("kind", ["connections", "requests"])
def test_a_full_machine_takes_the_next_request_when_one_is_over(client, kind):
    limits = {"type": kind, "soft_limit": 1, "hard_limit": 1}
    machine = client.python(POLITE, services=[service(PLAIN, concurrency=limits)])
    until(lambda: client.is_healthy(machine))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.get, f"{client.proxy.base_url}/slow", trust_env=False, timeout=90)
        until(lambda: "taken" in client.messages(machine))
        assert client.proxy.get("/next").status_code == 200
        assert slow.result().status_code == 200
    until(lambda: "next" in client.messages(machine))
    said = [line for line in client.messages(machine) if line in ("taken", "over", "next")]
    assert said == ["taken", "over", "next"]
