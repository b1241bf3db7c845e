"""Stands before a local platform: passes calls on, late, or not, and answers as it is told."""

import contextlib
import http.client
import http.server
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pytest_sre.local.files import PLATFORM_FILE
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.local.server_process import announced_in

_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True)
class Treatment:
    """What is made of a call.

    Attributes:
        late_s: how long after it came it is passed on, seconds; also when its caller is gone.
        is_passed: whether it is passed on at all.
        status: what is answered instead of the platform's own answer; 0 for that.
        text: the body of it.
        headers: its headers.
        held_s: how long the answer is kept back, seconds.
    """

    late_s: float = 0.0
    is_passed: bool = True
    status: int = 0
    text: str = '{"error": "internal: something went wrong on our side"}'
    headers: dict[str, str] = field(default_factory=dict)
    held_s: float = 0.0


PASSED = Treatment()
CUT = Treatment(is_passed=False, status=-1)
"""The connection is closed without an answer."""
_Answer = tuple[int, dict[str, str], bytes]
Rule = Callable[[str, str], Treatment]
"""Decides by a call's method and path."""


def passes_all(_method: str, _path: str) -> Treatment:
    return PASSED


def changes_late(chance: random.Random, at_most_s: float) -> Rule:
    """Make every change late, by a time of its own."""

    def rule(method: str, _path: str) -> Treatment:
        return PASSED if method == "GET" else Treatment(late_s=chance.uniform(0, at_most_s))

    return rule


class Front:
    """The platform as others find it.

    Args:
        platform: what it stands before.
        folder: its state directory, from which ``LocalPlatform.attach`` finds it.

    Attributes:
        rule: what it does with calls.
        calls: those that came, as ``POST /v1/apps``.
        pending: how many are not answered yet.
    """

    def __init__(self, platform: LocalPlatform, folder: Path) -> None:
        self.rule: Rule = passes_all
        self.calls: list[str] = []
        self.pending = 0
        self._counting = threading.Lock()
        self.folder = folder
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), _handler(self, platform.api_url)
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        announced = announced_in(platform.state_dir)
        assert announced is not None
        folder.mkdir(parents=True, exist_ok=True)
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        told = msgspec.structs.replace(announced, url=url)
        (folder / PLATFORM_FILE).write_bytes(msgspec.json.encode(told))
        self._thread.start()

    @contextlib.contextmanager
    def treating(self, method: str, path: str) -> Iterator[Treatment]:
        """Write a call down, and decide what is made of it while this is entered."""
        with self._counting:
            self.calls.append(f"{method} {path}")
            self.pending += 1
        try:
            yield self.rule(method, path)
        finally:
            with self._counting:
                self.pending -= 1

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(front: Front, url: str) -> type[http.server.BaseHTTPRequestHandler]:
    place = urlsplit(url)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else a small answer in two parts waits for the acknowledgement of the first.
        wbufsize = -1

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = self.path
            with front.treating(self.command, path.partition("?")[0]) as treatment:
                status, headers, content = self._treat(treatment, path, body)
            if status < 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _treat(self, treatment: Treatment, path: str, body: bytes) -> _Answer:
            time.sleep(treatment.late_s)
            own = treatment.status, treatment.headers, treatment.text.encode()
            passed = self._pass_on(path, body) if treatment.is_passed else own
            time.sleep(treatment.held_s)
            return own if treatment.status else passed

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

        def _pass_on(self, path: str, body: bytes) -> _Answer:
            there = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
            try:
                headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
                there.request(self.command, path, body=body or None, headers=headers)
                answer = there.getresponse()
                kept = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
                return answer.status, kept, answer.read()
            finally:
                there.close()

        def handle(self) -> None:
            # Whoever asked may be gone.
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
