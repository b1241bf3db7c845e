"""The client that journeys walk over when they are load: an ``httpx.Client`` with a fast lane.

httpx takes several times as long to prepare a request and to wrap its answer as the wire takes
to send it. A plain request (a path, perhaps a JSON body and headers; no cookies, no auth of the
client's) is therefore written as httpx would write it, but by hand, and its answer is wrapped
only as far as the journey looks at it. All others go through httpx as ever.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

import pytest_sre
from pytest_sre.journeys.run import unanswered
from pytest_sre.load.naming import request_name
from pytest_sre.load.runner.counting import NOBODY, Counter, Origin, Run, Trouble
from pytest_sre.load.runner.wire import Place, Reply, UnansweredError, Wire

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.~=&?,:;@!$*+-]*")
_PLAIN_OPTIONS = {"json", "headers", "content"}
_WITH_BODY = {"POST", "PUT", "PATCH"}
_SERVER_ERROR, _TOO_MANY = 500, 429
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Answer:
    """An answer as httpx would give it, made of its parts when they are asked for."""

    def __init__(self, reply: Reply, method: str, url: str) -> None:
        self._reply, self._method, self._url = reply, method, url
        self.status_code = reply.status

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever httpx has by this name
        return getattr(self._whole, name)

    def json(self, **options: Any) -> Any:  # noqa: ANN401 - httpx's signature
        """Read the body as JSON."""
        return json.loads(self.content, **options)

    @cached_property
    def content(self) -> bytes:
        """The body, decoded."""
        if any(name.lower() == "content-encoding" for name, _ in self._reply.headers):
            return self._whole.content
        return self._reply.body

    @cached_property
    def _whole(self) -> httpx.Response:
        request = httpx.Request(self._method, self._url)
        return _response(self._reply, request)


class LoadClient(httpx.Client):
    """A client of one user at a time, whose requests are counted.

    Args:
        base_url: the target's address.
        spend: called before each request; raises to refuse it.
    """

    def __init__(
        self,
        base_url: str,
        wire: Wire,
        counter: Counter,
        *,
        timeout_s: float,
        headers: Mapping[str, str],
        spend: Callable[[], None],
    ) -> None:
        self._wire, self._counter, self._spend = wire, counter, spend
        self._timeout_s = timeout_s
        marked = {"user-agent": f"pytest-sre/{pytest_sre.__version__}", **headers}
        super().__init__(
            base_url=base_url,
            timeout=timeout_s,
            trust_env=False,
            headers=marked,
            transport=_WireTransport(self._send_whole),
        )
        parts = urlsplit(base_url)
        self._place = _place(parts.scheme, parts.hostname or "", parts.port)
        self._root = base_url.rstrip("/")
        self._host = parts.netloc.rpartition("@")[2]
        # Those with a path or a user of their own are for httpx to join.
        self._may_be_plain = parts.path in ("", "/") and "@" not in parts.netloc
        self._first_headers = self.headers.raw
        self._first_lines = {"host": self._host, **dict(self.headers.items())}
        self.run = Run("", 0.0)

    def renew(self, run: Run) -> None:
        """Forget what the last user left behind, and count for another run."""
        self.run = run
        self.cookies.clear()
        if self.headers.raw != self._first_headers:
            self.headers = httpx.Headers(self._first_headers)

    def request(self, method: str, url: Any, **options: Any) -> Any:  # noqa: ANN401
        """Send a request: by the fast lane when it is plain, else as httpx does."""
        if self._is_plain(url, options):
            return self._send_plain(method, url, **options)
        return super().request(method, url, **options)

    def get(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("GET", url, **options)

    def options(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("OPTIONS", url, **options)

    def head(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("HEAD", url, **options)

    def post(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("POST", url, **options)

    def put(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("PUT", url, **options)

    def patch(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("PATCH", url, **options)

    def delete(self, url: Any, **options: Any) -> Any:  # noqa: ANN401, D102
        return self.request("DELETE", url, **options)

    def _is_plain(self, url: object, options: dict[str, object]) -> bool:
        return (
            self._may_be_plain
            and isinstance(url, str)
            and _PLAIN_PATH.fullmatch(url) is not None
            and not url.startswith("//")
            and options.keys() <= _PLAIN_OPTIONS
            and not len(self.cookies)
            and self.auth is None
        )

    def _send_plain(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        lines = self._lines()
        body = content.encode() if isinstance(content, str) else content or b""
        if json is not None:
            body = _dumped(json)
        if body or method in _WITH_BODY:
            lines["content-length"] = str(len(body))
        if json is not None:
            lines["content-type"] = "application/json"
        for name, value in (headers or {}).items():
            lines[name.lower()] = value
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
        reply = self._exchange(self._place, method, path, request, self._timeout_s)
        url = f"{self._root}{path}"
        if any(name == "set-cookie" for name, _ in reply.headers):
            self.cookies.extract_cookies(_response(reply, httpx.Request(method, url)))
        return Answer(reply, method, url)

    def _lines(self) -> dict[str, str]:
        if self.headers.raw == self._first_headers:
            return dict(self._first_lines)
        return {"host": self._host, **dict(self.headers.items())}

    def _send_whole(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode("ascii")
        head = b"".join(b"%b: %b\r\n" % line for line in request.headers.raw)
        line = f"{request.method} {path} HTTP/1.1\r\n".encode("ascii")
        place = _place(request.url.scheme, request.url.host, request.url.port)
        asked_s = request.extensions.get("timeout", {}).get("read") or self._timeout_s
        message = b"%b%b\r\n%b" % (line, head, request.read())
        timeout_s = min(self._timeout_s, asked_s)
        reply = self._exchange(place, request.method, path, message, timeout_s)
        return _response(reply, request)

    def _exchange(
        self, place: Place, method: str, path: str, request: bytes, timeout_s: float
    ) -> Reply:
        self._spend()
        name, run, sent = request_name(method, path), self.run, time.perf_counter()
        try:
            reply = self._wire.exchange(place, method, request, timeout_s)
        except UnansweredError as error:
            fault = error.fault
            trouble = Trouble(fault.kind, fault.text, fault.own)
            self._counter.requested(run, name, time.perf_counter() - sent, trouble, NOBODY)
            raise unanswered(method, path.partition("?")[0], fault) from error
        took_s = time.perf_counter() - sent
        self._counter.requested(run, name, took_s, _trouble(reply), _origin(reply))
        return reply


class _WireTransport(httpx.BaseTransport):
    def __init__(self, send: Callable[[httpx.Request], httpx.Response]) -> None:
        self._send = send

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._send(request)


def _response(reply: Reply, request: httpx.Request) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body, request=request)


def _trouble(reply: Reply) -> Trouble | None:
    if reply.status < _SERVER_ERROR and reply.status != _TOO_MANY:
        return None
    later = next((value for name, value in reply.headers if name == "retry-after"), "")
    said = f", retry-after {later}" if later else ""
    body = reply.body[:200].decode("utf-8", "replace")
    return Trouble(f"http-{reply.status}", f"answered {reply.status}{said}: {body}")


def _origin(reply: Reply) -> Origin:
    told = {name: value for name, value in reply.headers if name.startswith("fly-")}
    if not told:
        return Origin(status=reply.status)
    return Origin(
        status=reply.status,
        machine=told.get("fly-machine-id", ""),
        region=told.get("fly-region", ""),
        request_id=told.get("fly-request-id", ""),
    )


def _place(scheme: str, host: str, port: int | None) -> Place:
    return Place(scheme, host, port or _DEFAULT_PORTS[scheme])


def _dumped(value: object) -> bytes:
    # As httpx writes it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
