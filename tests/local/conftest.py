"""A running local platform, and small apps for its Machines."""

import contextlib
import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from tests.patience import until

# Standard library only, and no site-packages: it listens within some 100 ms.
WEB_APP = """
import http.server, json, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        status = 200
        if path == "/readyz" and os.path.exists(os.environ["TMPDIR"] + "/unready"):
            status = 503
        self.held = [time.monotonic()]
        if path == "/hold":
            time.sleep(float(self.headers["x-hold"]))
        self.held.append(time.monotonic())
        if path == "/drop":
            self.close_connection = True
            return
        if path == "/unready":
            open(os.environ["TMPDIR"] + "/unready", "w").close()
        if path == "/ready":
            os.remove(os.environ["TMPDIR"] + "/unready")
        if path == "/exit":
            os._exit(int(self.headers["x-code"]))
        self.answer(status)

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["content-length"]))
        self.answer(201)

    def answer(self, status):
        seen = {
            "machine": os.environ["FLY_MACHINE_ID"],
            "path": self.path,
            "method": self.command,
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "body": getattr(self, "body", b"").decode(),
            "held": getattr(self, "held", []),
        }
        body = json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("x-two", "1")
        self.send_header("x-two", "2")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("listening", flush=True)
server.serve_forever()
"""

PYTHON = ["python", "-S", "-E"]
# Has its port, and does not listen there; one that nobody has, any other program may be given.
DEAF = """
import os, signal, socket
held = socket.socket()
held.bind(("127.0.0.1", int(os.environ.get("PORT", 0))))
signal.pause()
"""
# Making an httpx client reads all certificates, unless it is given a context.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_NUMBERS = itertools.count(1)


class Client:
    """The API and the proxy of one app."""

    def __init__(self, platform: LocalPlatform, app: str) -> None:
        self.platform = platform
        self.app = app
        self.api = httpx.Client(
            base_url=platform.api_url,
            headers={"authorization": f"Bearer {platform.token}"},
            trust_env=False,
            timeout=90,
            verify=NO_CERTIFICATES,
        )
        made = self.api.post("/v1/apps", json={"name": app, "org_slug": "personal"})
        assert made.status_code == 201, made.text
        self.proxy = httpx.Client(
            base_url=platform.app_url(app), trust_env=False, timeout=90, verify=NO_CERTIFICATES
        )

    def close(self) -> None:
        self.api.delete(f"/v1/apps/{self.app}", params={"force": "true"})
        self.api.close()
        self.proxy.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call about one of the app's Machines, or all."""
        return self.api.request(method, f"/v1/apps/{self.app}/machines{path}", **options)

    def create(
        self, command: list[str] | None = None, *, wait: str = "started", **more: Any
    ) -> str:
        """Create a Machine that executes a command; its id once it is in the state."""
        region = more.pop("region", "iad")
        options = more.pop("options", {})
        init = {"init": {"cmd": command}} if command else {}
        config = {"image": "registry.local/test:1", **init, **more}
        made = self.call("POST", "", json={"config": config, "region": region, **options})
        assert made.status_code == 200, made.text
        machine = made.json()["id"]
        if wait:
            self.wait(machine, wait)
        return str(machine)

    def python(self, program: str, **more: Any) -> str:
        """Create a Machine that runs a Python program."""
        return self.create([*PYTHON, "-c", program], **more)

    def deaf(self, **more: Any) -> str:
        """Create a Machine that does not listen."""
        return self.python(DEAF, **more)

    def create_web(self, *, wait_healthy: bool = True, **more: Any) -> str:
        """Create a Machine of the web app; its id once its checks pass."""
        service = web_service(**more.pop("service", {}))
        machine = self.create([*PYTHON, "web.py"], services=[service], **more)
        if wait_healthy:
            until(lambda: self.is_healthy(machine))
        return machine

    def wait(self, machine: str, state: str, timeout_s: int = 60) -> None:
        answer = self.call("GET", f"/{machine}/wait", params={"state": state, "timeout": timeout_s})
        assert answer.status_code == 200, answer.text

    def get(self, machine: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/{machine}").json()
        return found

    def is_healthy(self, machine: str) -> bool:
        checks = self.get(machine)["checks"]
        return bool(checks) and all(check["status"] == "passing" for check in checks)

    def exits(self, machine: str) -> list[dict[str, Any]]:
        """The exit events, newest first."""
        events = self.get(machine)["events"]
        return [event["request"]["exit_event"] for event in events if event["type"] == "exit"]

    def logs(self, **query: str) -> list[dict[str, Any]]:
        answer = self.api.get(f"/api/v1/apps/{self.app}/logs", params=query)
        assert answer.status_code == 200, answer.text
        return [line["attributes"] for line in answer.json()["data"]]

    def messages(self, machine: str = "", provider: str = "") -> list[str]:
        return [
            line["message"]
            for line in self.logs(instance=machine)
            if not provider or line["meta"]["event"]["provider"] == provider
        ]

    def exec(self, machine: str, *command: str, **options: Any) -> dict[str, Any]:
        answer = self.call("POST", f"/{machine}/exec", json={"command": list(command), **options})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def pid(self, machine: str) -> int:
        return int(self.call("GET", f"/{machine}/ps").json()[0]["pid"])


def web_service(**more: Any) -> dict[str, Any]:
    """A service with one check, which passes as soon as the app listens."""
    return {
        "protocol": "tcp",
        "internal_port": 8080,
        "ports": [{"port": 80, "handlers": ["http"]}, {"port": 443, "handlers": ["tls", "http"]}],
        "checks": [{"type": "http", "path": "/readyz", "interval": "100ms", "grace_period": "60s"}],
        **more,
    }


@pytest.fixture(scope="session")
def app_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("app")
    (root / "web.py").write_text(WEB_APP)
    return root


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, app_root: Path) -> Iterator[LocalPlatform]:
    state_dir = tmp_path_factory.mktemp("state") / "local"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_SESSION", "do-not-leak")
        started = LocalPlatform.start(state_dir)
    with contextlib.closing(started):
        started.register_image(_image(app_root))
        yield started
        started.stop()
    assert not state_dir.exists()


@pytest.fixture(scope="session")
def app_image(app_root: Path) -> Image:
    return _image(app_root)


def _image(root: Path) -> Image:
    return Image(
        "registry.local/test:1",
        str(root),
        commands={"web": "python -S -E web.py"},
        env={"FROM_IMAGE": "image", "OVERRIDDEN": "image"},
        labels={"org.opencontainers.image.revision": "abc"},
        digest="sha256:1",
    )


@pytest.fixture
def client(platform: LocalPlatform) -> Iterator[Client]:
    with contextlib.closing(Client(platform, f"app-{next(_NUMBERS)}")) as made:
        yield made


@pytest.fixture(scope="module")
def module_client(platform: LocalPlatform) -> Iterator[Client]:
    """An app that the tests of one module share."""
    with contextlib.closing(Client(platform, f"app-{next(_NUMBERS)}")) as made:
        yield made
