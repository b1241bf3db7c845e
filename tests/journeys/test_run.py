"""Walking a journey: every exchange is recorded, and faults fall on whoever's they are."""

import http.server
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from pytest_sre.journeys import Journey
from pytest_sre.journeys.run import JourneyRunner, Journeys
from pytest_sre.recording.rows import Exchange, JourneyRun, Row
from pytest_sre.verdict import Inconclusive


class Shop(http.server.BaseHTTPRequestHandler):
    """Echoes the cookie that it gets, sets one, and fails where it is asked to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.path == "/never":
            self.rfile.read(1)  # until the client gives up
            self.close_connection = True
            return
        body = (self.headers.get("cookie") or "").encode()
        self.send_response(503 if self.path == "/down" else 404 if self.path == "/no" else 200)
        self.send_header("set-cookie", "session=tok-1; Path=/")
        self.send_header("fly-machine-id", "m1")
        self.send_header("fly-region", "iad")
        self.send_header("fly-request-id", "r-1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def rows() -> list[Row]:
    return []


@pytest.fixture
def runner(shop_url, rows) -> Iterator[JourneyRunner]:
    with JourneyRunner(shop_url, app="shop", source="journey", write=rows.append) as runner:
        yield runner


def test_each_exchange_is_recorded_under_its_journey_and_test(runner, rows):
    def flow(client: httpx.Client) -> None:
        assert client.get("/items").status_code == 200
        assert client.get("/no").status_code == 404

    runner.run(Journey("browse", flow), test="test_browse")

    first, second, run = rows
    assert isinstance(first, Exchange)
    assert (first.status, first.ok, second.status, second.ok) == (200, True, 404, True)
    assert {(one.journey, one.test, one.source) for one in (first, second)} == {
        ("browse", "test_browse", "journey")
    }
    assert (first.machine, first.region, first.request_id) == ("m1", "iad", "r-1")
    assert first.total_s > 0
    assert isinstance(run, JourneyRun)
    assert (run.journey, run.ok, run.error, run.test) == ("browse", True, "", "test_browse")
    assert run.total_s >= first.total_s + second.total_s


def test_a_journey_tells_where_what_was_acknowledged_can_be_read(runner):
    assert runner.run(Journey("order", lambda _client: "/orders/17")) == "/orders/17"
    assert runner.run(Journey("look", lambda client: client.get("/") and None)) is None


def test_a_failed_assertion_is_a_failed_run_with_its_text(runner, rows):
    def flow(_: httpx.Client) -> None:
        raise AssertionError("the order is not there")

    with pytest.raises(AssertionError):
        runner.run(Journey("buy", flow))

    (run,) = rows
    assert (run.ok, run.own_fault) == (False, False)
    assert run.error == "AssertionError: the order is not there"


def test_a_server_error_is_recorded_as_failed_even_when_its_body_is_streamed(runner, rows):
    def flow(client: httpx.Client) -> None:
        client.cookies.set("why", "store-is-down")
        with client.stream("GET", "/down") as response:
            assert response.status_code == 503

    runner.run(Journey("stream", flow))

    exchange, run = rows
    assert (exchange.ok, exchange.body_head) == (False, "why=store-is-down")
    assert run.ok


def test_cookies_do_not_leak_from_one_run_into_the_next(runner):
    sent: list[str] = []

    def flow(client: httpx.Client) -> None:
        sent.extend(client.get("/").text for _ in range(2))

    for _ in range(2):
        runner.run(Journey("browse", flow))

    assert sent == ["", "session=tok-1", "", "session=tok-1"]


def test_no_secret_of_a_url_is_recorded(runner, rows):
    runner.run(Journey("signed", lambda client: client.get("/items?token=s3cret&page=2")))

    assert "s3cret" not in rows[0].url
    assert rows[0].url.endswith("page=2")


@pytest.mark.parametrize(
    ("path", "kind"), [("/cut", "protocol"), ("/never", "timeout")], ids=["cut", "silent"]
)
def test_an_app_that_does_not_answer_fails_the_journey(shop_url, rows, path, kind):
    with JourneyRunner(shop_url, app="shop", source="journey", write=rows.append) as runner:
        flow = Journey(
            "buy", lambda client: client.get(path, timeout=0.1 if path == "/never" else 60)
        )
        with pytest.raises(AssertionError, match=f"GET {path} got no answer: {kind}"):
            runner.run(flow)

    exchange, run = rows
    assert (exchange.ok, exchange.own_fault, exchange.error_kind) == (False, False, kind)
    assert (run.ok, run.own_fault) == (False, False)


def test_a_refused_connection_is_the_apps_fault(rows):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with JourneyRunner(url, app="shop", source="journey", write=rows.append) as runner:
            flow = Journey("buy", lambda client: client.get("/"))
            with pytest.raises(AssertionError, match="GET / got no answer: refused"):
                runner.run(flow)

    assert (rows[0].error_kind, rows[0].own_fault) == ("refused", False)


def test_a_name_that_our_dns_cannot_resolve_is_our_fault(rows, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with JourneyRunner("http://shop.test", app="shop", source="journey", write=rows.append) as one:
        flow = Journey("buy", lambda client: client.get("/"))
        with pytest.raises(Inconclusive, match="could not be sent from here") as caught:
            one.run(flow)

    exchange, run = rows
    assert caught.value.cause == "own dns"
    assert (exchange.own_fault, exchange.error_kind) == (True, "dns")
    assert (run.ok, run.own_fault) == (False, True)


def test_a_journey_that_nobody_registered_decides_nothing(runner):
    journeys = Journeys({"buy": Journey("buy", print)}, lambda: runner, test="t")

    with pytest.raises(Inconclusive, match="no journey 'byu'; registered: buy"):
        journeys.run("byu")
