"""What an SRE sees of the shop: health, headers, metrics, logs and how it stops."""

import json
import re
import signal
import socket
import sys
import threading
import tomllib
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.patience import until


def test_version_names_the_revision_the_release_and_the_machine(client):
    assert client.get("/version").json() == {
        "revision": "0123456789ab",
        "release": "good",
        "machine": "web-under-test",
        "region": "ams",
    }


def test_each_path_that_fly_toml_checks_or_scrapes_answers(client, store, connect, shop_root):
    config = tomllib.loads((shop_root / "fly.toml").read_text("utf-8"))
    paths = [check["path"] for check in config["http_service"]["checks"]]
    paths += [metrics["path"] for metrics in config["metrics"]]
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
    assert connect(store).get(config["checks"]["store"]["path"]).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/products", "/products/unicorn", "/nowhere"])
def test_every_answer_names_its_machine_and_its_trace(client, path):
    answer = client.get(path, headers={"x-trace-id": "trace-7"})
    assert answer.headers["fly-machine-id"] == "web-under-test"
    assert answer.headers["x-trace-id"] == "trace-7"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_trace_comes_from_traceparent_and_an_unsafe_one_is_replaced(client):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = client.get("/healthz", headers={"traceparent": parent})
    assert answer.headers["x-trace-id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    unsafe = client.get("/healthz", headers={"x-trace-id": 'a" b'}).headers["x-trace-id"]
    assert re.fullmatch("[0-9a-f]{32}", unsafe)


def test_https_is_promised_only_to_who_came_over_it(client):
    assert "strict-transport-security" not in client.get("/").headers
    over_https = client.get("/", headers={"x-forwarded-proto": "https"})
    assert over_https.headers["strict-transport-security"].startswith("max-age=")


def test_web_without_a_store_is_alive_but_not_ready(start, connect, refused_port):
    web = start("web", STORE_URL=f"http://127.0.0.1:{refused_port}")
    client = connect(web)
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "unready"
    assert "ConnectError" in ready.json()["store"]
    assert {line["level"] for line in web.records} == {"info"}

    assert client.get("/products").status_code == 503
    assert web.wait_for_line("the store is unavailable")["level"] == "error"


def test_web_over_a_hung_store_says_unready_in_about_a_second_and_recovers(
    start, connect, tmp_path
):
    store = start("store", FLY_VOLUME_SHOP_DATA=str(tmp_path))
    client = connect(start("web", STORE_URL=store.url))
    until(lambda: client.get("/readyz").status_code == 200, lambda: "never ready")
    assert client.get("/readyz").json() == {"status": "ready", "store": "ok"}
    store.send(signal.SIGSTOP)
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["store"] == "no answer within 1 s"
    assert ready.elapsed >= timedelta(seconds=0.9)
    store.send(signal.SIGCONT)
    until(lambda: client.get("/readyz").status_code == 200, lambda: "never ready again")


def test_worker_waits_for_a_store_without_logging_errors(start, tmp_path):
    with socket.socket() as held:
        # Linux lets the store listen on it as long as nobody else does.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        worker = start("worker", STORE_URL=f"http://127.0.0.1:{port}")
        assert worker.wait_for_line("the store is unavailable")["level"] == "warning"
        if sys.platform != "linux":
            held.close()
        start("store", PORT=str(port), FLY_VOLUME_SHOP_DATA=str(tmp_path))
        worker.wait_for_line("the store is available again")
    assert "error" not in {line["level"] for line in worker.records}


def test_store_is_reached_through_the_proxy_of_the_environment(start, connect):
    asked = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = json.dumps({"products": []}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        web = start(
            "web",
            STORE_URL="http://store.process.shop.internal:8081",
            http_proxy=f"http://127.0.0.1:{proxy.server_port}",
            no_proxy="127.0.0.1,localhost",
        )
        try:
            assert connect(web).get("/products").json() == {"products": []}
        finally:
            proxy.shutdown()
            thread.join()
    assert asked == ["http://store.process.shop.internal:8081/products"]


def test_metrics_count_requests_by_endpoint_and_status(start, connect, store):
    client = connect(start("web", STORE_URL=store.url))
    for path in ("/products/mug", "/products/socks", "/products/unicorn", "/no-such-path"):
        client.get(path)
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    counts = {
        (sample.labels["endpoint"], sample.labels["status"]): sample.value
        for sample in families["shop_requests"].samples
        if sample.name == "shop_requests_total"
    }
    assert counts == {("product", "200"): 2, ("product", "404"): 1, ("none", "404"): 1}
    seconds = {
        sample.labels["endpoint"]: sample.value
        for sample in families["shop_request_seconds"].samples
        if sample.name == "shop_request_seconds_count"
    }
    assert seconds["product"] == 3


@pytest.mark.parametrize("group", ["web", "worker", "store"])
def test_interrupted_process_ends_with_code_0_and_wrote_only_json(start, store, group, tmp_path):
    process = start(
        group,
        STORE_URL=store.url,
        FLY_VOLUME_SHOP_DATA=str(tmp_path),
        FLY_MACHINE_ID="m1",
        SHOP_RELEASE="good",
    )
    process.wait_for_line("waiting for orders" if group == "worker" else "listening")
    process.send(signal.SIGINT)
    assert process.wait() == 0
    assert process.records
    for line in process.records:
        assert set(line) == {"ts", "level", "msg", "logger", "trace_id", "machine", "release"}
        assert (line["level"], line["machine"], line["release"]) == ("info", "m1", "good")
        assert datetime.fromisoformat(line["ts"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("group", ["web", "worker", "store"])
def test_terminated_process_ends_with_code_0(start, connect, store, group, tmp_path):
    process = start(group, STORE_URL=store.url, FLY_VOLUME_SHOP_DATA=str(tmp_path))
    if group == "worker":
        process.wait_for_line("waiting for orders")
    else:
        # Leaves an idle connection open, which must not hold the process back.
        connect(process).get("/healthz").raise_for_status()
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def test_customer_who_leaves_in_the_middle_is_no_error(start, store):
    web = start("web", STORE_URL=store.url)
    port = int(web.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as customer:
        customer.sendall(
            b"POST /carts/any/items HTTP/1.1\r\nhost: shop\r\ncontent-length: 100\r\n\r\n{"
        )
    assert web.wait_for_line("the client left")["level"] == "info"


@pytest.mark.parametrize(
    ("group", "env", "says"),
    [
        ("web", {}, "configuration error: STORE_URL is not set"),
        ("worker", {}, "configuration error: STORE_URL is not set"),
        ("web", {"STORE_URL": "http://127.0.0.1", "PORT": "http"}, "PORT must be a port number"),
        ("web", {"STORE_URL": "http://127.0.0.1", "SHOP_FAULT": "slwo"}, "nearest 'slow'"),
    ],
)
def test_wrong_configuration_is_one_error_line_and_code_1(start, group, env, says):
    process = start(group, **env)
    assert process.wait() == 1
    (line,) = process.records
    assert line["level"] == "error"
    assert says in line["msg"]


def test_taken_port_is_one_error_line_and_code_1(start, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start("store", PORT=port, FLY_VOLUME_SHOP_DATA=str(tmp_path))
        assert process.wait() == 1
    (line,) = process.records
    assert line["msg"].startswith("configuration error: cannot listen on 127.0.0.1 port")
