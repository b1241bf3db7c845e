"""A server that answers, or does what servers under load do instead."""

import collections
import contextlib
import gzip
import http.server
import json
import socket
import struct
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from listener import Listener

from pytest_sre.load.driving import drive
from pytest_sre.load.plan import LoadPlan, constant

JOURNEYS = Path(__file__).parent / "journeys.py"
_HEADERS = {"fly-machine-id": "m1", "fly-region": "iad", "fly-request-id": "r-1-iad"}


class App:
    """A server on loopback; ``asked`` counts requests by path, ``marks`` their x-sre-run."""

    def __init__(self) -> None:
        self.asked: collections.Counter[str] = collections.Counter()
        self.marks: collections.Counter[str] = collections.Counter()
        self.released = threading.Event()
        handler = partial(_Handler, self)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, app: App, *args) -> None:
        self.app = app
        super().__init__(*args)

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        self.app.asked[path] += 1
        self.app.marks[self.headers.get("x-sre-run", "")] += 1
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        match path:
            case "/unavailable":
                self.send(503, b"no store", {"retry-after": "7"})
            case "/limited":
                self.send(429, b"", {"Retry-After": "1"})
            case "/cut":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
            case "/silent":
                self.app.released.wait(60)
                self.close_connection = True
            case "/packed":
                self.send(200, gzip.compress(b"unpacked"), {"content-encoding": "gzip"})
            case "/away":
                self.send(302, b"", {"location": "/echo"})
            case "/session":
                self.send(200, b"", {"set-cookie": "session=s-1; Path=/"})
            case "/items" | "/items/1" | "/items/17" | "/carts":
                self.send(200, b"item")
            case _:
                self.send(200, self.echo(body), {"content-type": "application/json"})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def echo(self, body: bytes) -> bytes:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = {"method": self.command, "path": self.path, "headers": headers}
        return json.dumps(seen | {"body": body.decode()}).encode()

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener(monkeypatch) -> Iterator[Listener]:
    with contextlib.closing(Listener()) as made:
        monkeypatch.setenv("ELSEWHERE", made.url)
        yield made


@pytest.fixture(scope="package")
def app() -> Iterator[App]:
    app = App()
    yield app
    app.close()


@pytest.fixture
def loaded(app):
    """Make a short open load of journeys, each as often; give its result."""

    def load(*journeys: str, rate: float = 10, duration_s: float = 1, **options):
        driven = {
            name: options.pop(name)
            for name in ("base_url", "watch", "processes", "ca", "enough")
            if name in options
        }
        workload = options.pop("workload", None) or constant(rate, duration_s)
        plan = LoadPlan(workload=workload, mix=dict.fromkeys(journeys, 1.0), **options)
        url = driven.pop("base_url", app.url)
        return drive(plan, url, journey_files=[JOURNEYS], **driven)

    return load
