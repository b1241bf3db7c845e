"""The shop's processes, run directly: real HTTP on loopback, no platform."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.patience import until

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
DEADLINE_S = 60.0


class Process:
    """A running process of the shop, and the lines it wrote."""

    def __init__(self, group, env):
        self.lines = []
        self._popen = subprocess.Popen(
            [sys.executable, "-m", f"shop.{group}"],
            cwd=SHOP,
            env={
                "PATH": os.environ["PATH"],
                "HOST": "127.0.0.1",
                "PORT": "0",
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._popen.pid

    @property
    def url(self):
        """Where it listens, once it does."""
        port = self.wait_for_line("listening on port")["msg"].split()[-1]
        return f"http://127.0.0.1:{port}"

    @property
    def records(self):
        """Every line so far; fails when one is not a JSON object."""
        return [json.loads(line) for line in list(self.lines)]

    def wait_for_line(self, text):
        def find():
            return next((each for each in self.records if text in each["msg"]), None)

        return until(find, lambda: f"no line with {text!r} in:\n" + "".join(self.lines))

    def send(self, number):
        self._popen.send_signal(number)

    def wait(self):
        code = self._popen.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        return code

    def end(self):
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.kill()
        self._popen.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        self._popen.stdout.close()

    def _read(self):
        self.lines.extend(iter(self._popen.stdout.readline, ""))


@pytest.fixture(scope="session")
def shop_root():
    return SHOP


@pytest.fixture
def start():
    """Start a process of a group with some environment; it ends with the test."""
    started = []

    def start(group, **env):
        started.append(Process(group, env))
        return started[-1]

    yield start
    for process in reversed(started):
        process.end()


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store that the tests share."""
    volume = tmp_path_factory.mktemp("shop_data")
    process = Process("store", {"FLY_VOLUME_SHOP_DATA": str(volume)})
    yield process
    process.end()


@pytest.fixture(scope="session")
def web(store):
    """A web, of the good release, that the tests share."""
    process = Process(
        "web",
        {
            "STORE_URL": store.url,
            "FLY_MACHINE_ID": "web-under-test",
            "FLY_REGION": "ams",
            "SHOP_RELEASE": "good",
            "REVISION": "0123456789ab",
        },
    )
    yield process
    process.end()


@pytest.fixture
def client(web):
    with httpx.Client(base_url=web.url, trust_env=False, timeout=DEADLINE_S) as client:
        yield client


@pytest.fixture
def refused_port():
    """Hold a port on which nothing listens, so that connecting to it is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def connect():
    """Open a client to a process of the test's own."""
    clients = []

    def connect(process):
        clients.append(httpx.Client(base_url=process.url, trust_env=False, timeout=DEADLINE_S))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
