"""A platform whose Machines are scripts, and calls about one app of it."""

import contextlib
import itertools
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pytest_sre.local import Image, LocalPlatform, Script

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SERVICE = {
    "protocol": "tcp",
    "internal_port": 8080,
    "ports": [{"port": 80, "handlers": ["http"]}],
    "checks": [{"type": "http", "path": "/healthz", "grace_period": "1h"}],
}
_NUMBERS = itertools.count(1)


class Simulation:
    """The API and the proxy of one app, whose Machines play scripts."""

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
        assert self.api.post("/v1/apps", json={"name": app}).status_code == 201
        self.proxy = httpx.Client(
            base_url=platform.app_url(app), trust_env=False, timeout=90, verify=NO_CERTIFICATES
        )

    def close(self) -> None:
        self.api.delete(f"/v1/apps/{self.app}", params={"force": "true"})
        self.api.close()
        self.proxy.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.api.request(method, f"/v1/apps/{self.app}/machines{path}", **options)

    def image(self, script: Script) -> str:
        """Register a script as an image; the image's name."""
        ref = f"registry.local/{self.app}:{next(_NUMBERS)}"
        self.platform.register_image(Image(ref, simulated=script))
        return ref

    def create(self, script: Script, *, wait: str = "started", **config: Any) -> str:
        options = config.pop("options", {})
        config = {"image": self.image(script), "services": [SERVICE], **config}
        made = self.call("POST", "", json={"config": config, **options})
        assert made.status_code == 200, made.text
        machine = str(made.json()["id"])
        if wait:
            self.wait(machine, wait)
        return machine

    def wait(self, machine: str, state: str) -> None:
        answer = self.call("GET", f"/{machine}/wait", params={"state": state, "timeout": 60})
        assert answer.status_code == 200, answer.text

    def get(self, machine: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"/{machine}").json()
        return found

    def check(self, machine: str) -> tuple[str, str]:
        (check,) = self.get(machine)["checks"]
        return check["status"], check["output"]

    def exits(self, machine: str) -> list[dict[str, Any]]:
        events = self.get(machine)["events"]
        return [event["request"]["exit_event"] for event in events if event["type"] == "exit"]

    def messages(self, provider: str = "app", machine: str = "") -> list[str]:
        query = {"instance": machine}
        lines = self.api.get(f"/api/v1/apps/{self.app}/logs", params=query).json()["data"]
        return [
            line["attributes"]["message"]
            for line in lines
            if line["attributes"]["meta"]["event"]["provider"] == provider
        ]


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with contextlib.closing(
        LocalPlatform.start(tmp_path_factory.mktemp("simulated") / "local")
    ) as started:
        yield started


@pytest.fixture
def simulation(platform: LocalPlatform) -> Iterator[Simulation]:
    with contextlib.closing(Simulation(platform, f"sim-{next(_NUMBERS)}")) as made:
        yield made
