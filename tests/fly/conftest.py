import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_sre.fly.client import Fly
from pytest_sre.fly.tokens import Token

SECRET = "fm2_lJPECAAAAAAAsecretpartofthetoken+/=="


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object


Misbehaviour = Callable[[BaseHTTPRequestHandler], None]


class ScriptedApi:
    """A server on loopback that gives the answers it was told to, in their order."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.replies: deque[Reply | Misbehaviour] = deque()
        self.ended = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def handle_any(self) -> None:
                api.give(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply(self, *replies: Reply | Misbehaviour) -> None:
        self.replies.extend(replies)

    def give(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length)
        self.requests.append(
            Seen(
                handler.command,
                address.path,
                {name: values[-1] for name, values in parse_qs(address.query).items()},
                {name.lower(): value for name, value in handler.headers.items()},
                json.loads(body) if body else None,
            )
        )
        reply = self.replies.popleft() if self.replies else Reply(418, {"error": "unscripted"})
        if not isinstance(reply, Reply):
            reply(handler)
            return
        handler.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        if reply.status != 204:
            handler.send_header("content-length", str(len(reply.raw)))
        handler.end_headers()
        if reply.status != 204:
            handler.wfile.write(reply.raw)

    def cut(self, handler: BaseHTTPRequestHandler) -> None:
        """Close the connection without an answer."""
        handler.close_connection = True

    def cut_body(self, handler: BaseHTTPRequestHandler) -> None:
        """Close the connection in the middle of a body."""
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"name": "sh')
        handler.close_connection = True

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a body byte by byte, without ever reaching its end."""
        handler.send_response(200)
        handler.send_header("content-length", "100000")
        handler.end_headers()
        handler.close_connection = True
        while not self.ended.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    api = ScriptedApi()
    yield api
    api.close()


@pytest.fixture
def pauses() -> list[float]:
    """How long the client paused, instead of pausing."""
    return []


@pytest.fixture
def fly(api: ScriptedApi, pauses: list[float]) -> Iterator[Fly]:
    token = Token.parse(f"FlyV1 {SECRET}", source="FLY_API_TOKEN")
    with Fly(api.url, api.url, token, sleep=pauses.append) as client:
        yield client
