"""Each broken release breaks what it says, and nothing else."""

import contextlib
import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.patience import until


@pytest.fixture
def release(start, store, shop_root):
    """Start web with the environment of a release."""

    def release(name):
        file = tomllib.loads((shop_root / "releases" / f"{name}.toml").read_text("utf-8"))
        return start("web", STORE_URL=store.url, **file["env"])

    return release


def test_each_release_says_what_it_is(shop_root):
    found = {}
    for path in (shop_root / "releases").glob("*.toml"):
        file = tomllib.loads(path.read_text("utf-8"))
        assert set(file) == {"description", "expect", "cause", "env"}
        assert file["env"]["SHOP_RELEASE"] == path.stem
        found[path.stem] = (file["expect"], bool(file["cause"]))
    assert found.pop("good") == ("HEALTHY", False)
    assert found.pop("lost-update") == ("HEALTHY", False)
    assert set(found.values()) == {("UNHEALTHY", True)}
    assert set(found) == {
        "bad-config",
        "crash-loop-exit-0",
        "errors",
        "failing-readiness",
        "leaking-memory",
        "new-error-log",
        "slow",
    }


def test_good_release_serves_a_hundred_requests_without_an_error_line(release, connect):
    web = release("good")
    client = connect(web)
    assert {client.get("/products/mug").status_code for _ in range(100)} == {200}
    assert client.get("/readyz").status_code == 200
    assert {line["level"] for line in web.records} == {"info"}


def test_bad_config_ends_with_code_1_and_the_setting(release):
    web = release("bad-config")
    assert web.wait() == 1
    (line,) = web.records
    assert line["level"] == "error"
    assert line["msg"] == "configuration error: PAYMENT_URL is not set"


def test_failing_readiness_is_alive_and_says_why_it_is_not_ready(release, connect):
    client = connect(release("failing-readiness"))
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {"status": "unready", "store": "schema version 7 expected, found 6"}
    assert client.get("/healthz").status_code == 200
    assert client.get("/products").status_code == 200


def test_leaking_memory_grows_until_it_is_killed(release, connect):
    web = release("leaking-memory")
    client = connect(web)
    process = psutil.Process(web.pid)
    first = process.memory_info().rss
    until(
        lambda: process.memory_info().rss - first > 40_000_000,
        lambda: f"grew only by {process.memory_info().rss - first} bytes",
    )
    assert client.get("/healthz").status_code == 200


def test_slow_keeps_customers_waiting_but_not_the_checks(release, connect):
    client = connect(release("slow"))
    assert client.get("/products").elapsed.total_seconds() >= 1.5
    until(
        lambda: client.get("/readyz").elapsed.total_seconds() < 1.0,
        lambda: "a check never took less than a second",
    )


def test_errors_fail_each_20th_request_with_a_logged_exception(release, connect):
    web = release("errors")
    client = connect(web)
    statuses = []
    for number in range(1, 41):
        client.get("/healthz").raise_for_status()
        answer = client.get("/products/mug", headers={"x-trace-id": f"request-{number}"})
        statuses.append(answer.status_code)
    assert statuses == ([200] * 19 + [500]) * 2
    assert answer.json() == {"error": "internal error"}
    assert answer.headers["x-trace-id"] == "request-40"

    def logged():
        return [line for line in web.records if line["level"] == "error"]

    until(lambda: len(logged()) == 2, lambda: f"expected two errors, found {logged()}")
    errors = logged()
    assert [line["trace_id"] for line in errors] == ["request-20", "request-40"]
    assert errors[0]["msg"] == "GET /products/mug failed"
    assert errors[0]["exc"]["type"] == "RuntimeError"
    assert "faults.py" in errors[0]["exc"]["stack"]


def test_new_error_log_serves_well_and_logs_the_error_again_and_again(release, connect):
    web = release("new-error-log")
    client = connect(web)

    def errors():
        return [line for line in web.records if line["level"] == "error"]

    until(lambda: len(errors()) >= 3, lambda: f"only {len(errors())} errors")
    assert {line["msg"] for line in errors()} == {
        "loyalty discount could not be computed: KeyError: 'tier'"
    }
    assert client.get("/products").status_code == 200


def test_crash_loop_serves_for_a_moment_then_ends_with_code_0(release):
    def served():
        """A process that answered before its end; on a busy machine not the first."""
        web = release("crash-loop-exit-0")
        with contextlib.suppress(httpx.TransportError):
            return (
                httpx.get(f"{web.url}/healthz", trust_env=False, timeout=90).status_code == 200
                and web
            )
        return None

    started = time.monotonic()
    web = until(served, lambda: "no process answered before its end")
    assert web.wait() == 0
    assert time.monotonic() - started >= 1.5
    assert "error" not in {line["level"] for line in web.records}


@pytest.fixture
def flaky_store(store):
    """A proxy before the store that refuses so many checkouts; a list of one number."""
    refusals = [0]

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            self._pass_on(None)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path.endswith("/checkout") and refusals[0]:
                refusals[0] -= 1
                self._answer(502, b"")
            else:
                self._pass_on(body)

        def _pass_on(self, body):
            url = f"{store.url}{urlsplit(self.path).path}"
            answer = httpx.request(self.command, url, content=body, trust_env=False, timeout=60)
            self._answer(answer.status_code, answer.content)

        def _answer(self, status, body):
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", refusals
        server.shutdown()
        thread.join()


@pytest.fixture
def lossy(flaky_store, start, connect, shop_root):
    """The release that loses orders, its client, and how many checkouts the store refuses."""
    url, refusals = flaky_store
    file = tomllib.loads((shop_root / "releases" / "lost-update.toml").read_text("utf-8"))
    web = start("web", STORE_URL=url, **file["env"])
    return web, connect(web), refusals


def place_order(client):
    cart = client.post("/carts").raise_for_status().json()["id"]
    item = {"product_id": "mug", "quantity": 2}
    client.post(f"/carts/{cart}/items", json=item).raise_for_status()
    answer = client.post(f"/carts/{cart}/checkout")
    assert answer.status_code == 201
    assert answer.json()["total_cents"] == 2580
    return answer.json()


@pytest.mark.parametrize("refused", [0, 1])
def test_lost_update_keeps_an_order_that_the_store_misses_once(lossy, refused):
    _, client, refusals = lossy
    refusals[0] = refused
    order = place_order(client)
    read = until(
        lambda: (answer := client.get(f"/orders/{order['id']}")).status_code == 200 and answer,
        lambda: "the order was never there",
    )
    assert read.json()["items"] == order["items"]


def test_lost_update_loses_an_order_that_the_store_misses_twice(lossy):
    web, client, refusals = lossy
    refusals[0] = 2
    order = place_order(client)
    web.wait_for_line("was not taken by the store")
    assert client.get(f"/orders/{order['id']}").status_code == 404
