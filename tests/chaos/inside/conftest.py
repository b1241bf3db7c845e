"""A local platform with an app of two Machines that serve and one that does not."""

import json
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from pytest_sre.chaos.hands import Hands, hands_of
from pytest_sre.chaos.planning import changes_of
from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.models import Machine
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from tests.patience import until

APP = "shop"
SERVER = """
import http.server, json, os, time, urllib.error, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/call/"):
            try:
                with urllib.request.urlopen("http://" + self.path[6:], timeout=30) as answer:
                    said = f"{answer.status}"
            except urllib.error.HTTPError as error:
                said = f"{error.code} {error.read().decode()}"
            except OSError as error:
                said = str(error)
        elif self.path == "/write":
            try:
                with open(os.environ["TMPDIR"] + "/data", "w") as file:
                    file.write("x" * 10)
                said = "written"
            except OSError as error:
                said = f"refused: {error.strerror}"
        elif self.path == "/secret":
            said = os.environ.get("TOKEN", "none")
        elif self.path == "/clock":
            said = json.dumps([time.time(), time.monotonic()])
        else:
            said = "here"
        body = said.encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.serve_forever()
"""
IMAGE = "registry.local/shop:1"


class Shop:
    """The app, as those see it who perturb it and those who use it."""

    def __init__(self, hands: Hands, url: str) -> None:
        self.hands, self.fly, self.url = hands, hands.fly, url

    @property
    def machines(self) -> list[Machine]:
        return sorted(self.fly.machines(APP), key=lambda machine: machine.name)

    def plan(self, action):
        return changes_of(action, self.machines, app=APP, seed=1, local=True)

    def get(self, path: str, machine: str = "") -> str:
        headers = {"fly-force-instance-id": machine} if machine else {}
        answer = httpx.get(self.url + path, headers=headers, timeout=60, trust_env=False)
        return f"{answer.text}" if answer.status_code == 200 else f"{answer.status_code}"

    def says(self, path: str, machine: str = "") -> object:
        return json.loads(self.get(path, machine))

    def is_well(self) -> bool:
        return all(
            machine.state == "started" and all(c.status == "passing" for c in machine.checks)
            for machine in self.machines
        )


def config_of(group: str) -> MachineConfig:
    service = {
        "protocol": "tcp",
        "internal_port": 8080,
        "ports": [{"port": 80, "handlers": ["http"]}],
        "checks": [{"type": "http", "path": "/", "interval": "100ms", "grace_period": "60s"}],
    }
    return msgspec.convert(
        {
            "image": IMAGE,
            "metadata": {"fly_process_group": group},
            "services": [service] if group == "web" else [],
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
        },
        MachineConfig,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Shop]:
    root = tmp_path_factory.mktemp("app")
    (root / "server.py").write_text(SERVER)
    commands = {"web": "python -S -E server.py", "worker": "sleep 100000"}
    started = LocalPlatform.start(tmp_path_factory.mktemp("state") / "local")
    try:
        started.register_image(Image(IMAGE, str(root), commands=commands))
        with hands_of(str(started.state_dir)) as hands:
            hands.fly.create_app(APP, "personal")
            for name, group in (("a", "web"), ("b", "web"), ("c", "worker")):
                hands.fly.create_machine(APP, config_of(group), region="iad", name=name)
            made = Shop(hands, started.app_url(APP))
            until(made.is_well)
            yield made
    finally:
        started.stop()
