"""A platform with an app whose Machines are asked, and what it counts of that."""

import contextlib
import itertools
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_sre.local import Image, Reply, Script
from pytest_sre.local.platform import LocalPlatform

SIMULATED = "registry.local/simulated:1"
PROCESS = "registry.local/process:1"
Samples = dict[str, list[tuple[dict[str, str], float]]]
_NUMBERS = itertools.count(1)


def read_page(text: str) -> Samples:
    """A page's samples by the series' name, as Prometheus' own library reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # The library ends the name of every counter so, whatever it is on the page.
            is_counter = family.type == "counter"
            name = sample.name.removesuffix("_total") if is_counter else sample.name
            found.setdefault(name, []).append((sample.labels, sample.value))
    return found


class Client:
    """One app of the platform, the platform's own page, and its Prometheus."""

    def __init__(self, platform: LocalPlatform, app: str) -> None:
        # Making an httpx client reads all certificates, unless it is given a context.
        none = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.app = app
        self.api = httpx.Client(
            base_url=platform.api_url,
            headers={"authorization": f"Bearer {platform.token}"},
            trust_env=False,
            timeout=90,
            verify=none,
        )
        self.api.post("/v1/apps", json={"name": app, "org_slug": "personal"}).raise_for_status()
        self.proxy = httpx.Client(
            base_url=platform.app_url(app), trust_env=False, timeout=90, verify=none
        )

    def close(self) -> None:
        self.api.delete(f"/v1/apps/{self.app}", params={"force": "true"})
        self.api.close()
        self.proxy.close()

    def create(self, image: str = SIMULATED, *, region: str = "iad", **config: Any) -> str:
        """Create a Machine that serves HTTP; its id once it has started."""
        service = {"protocol": "tcp", "internal_port": 8080, "ports": [{"port": 80}]}
        config = {"image": image, "services": [service], **config}
        path = f"/v1/apps/{self.app}/machines"
        made = self.api.post(path, json={"config": config, "region": region})
        made.raise_for_status()
        machine = str(made.json()["id"])
        self.wait(machine, "started")
        return machine

    def wait(self, machine: str, state: str) -> None:
        path = f"/v1/apps/{self.app}/machines/{machine}/wait"
        self.api.get(path, params={"state": state, "timeout": 60}).raise_for_status()

    def send(self, path: str, times: int = 1) -> float:
        """Request a path; how long the slowest answer took, seconds."""
        return max(self.proxy.get(path).elapsed.total_seconds() for _ in range(times))

    def page(self) -> Samples:
        """The samples of this app on the page that Prometheus reads, by the series' name."""
        text = self.api.get("/_local/metrics").raise_for_status().text
        every = read_page(text)
        own = {
            name: [each for each in samples if each[0]["app"] == self.app]
            for name, samples in every.items()
        }
        return {name: samples for name, samples in own.items() if samples}

    def value(self, name: str, **labels: str) -> float | None:
        """The sum of the samples that have these labels; None when there is none."""
        found = [
            value for seen, value in self.page().get(name, []) if labels.items() <= seen.items()
        ]
        return sum(found) if found else None

    def query(self, promql: str, at: float | None = None) -> list[dict[str, Any]]:
        """What the platform's Prometheus answers to an instant query, of now or of a time."""
        path = "/prometheus/personal/api/v1/query"
        asked = {"query": promql} if at is None else {"query": promql, "time": str(at)}
        answer = self.api.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def number(self, promql: str, at: float | None = None) -> float | None:
        """The one number that a query gives; None when it gives nothing."""
        found = self.query(promql, at)
        return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    state_dir = tmp_path_factory.mktemp("metrics") / "local"
    with contextlib.closing(LocalPlatform.start(state_dir)) as started:
        replies = (
            Reply("/slow", latency_s=0.4),
            Reply("/hold", latency_s=600),
            Reply("/fail", status=503),
            Reply("/", body="x" * 100),
        )
        started.register_image(Image(SIMULATED, simulated=Script(replies=replies)))
        started.register_image(Image(PROCESS, str(_process_root(tmp_path_factory))))
        yield started
        started.stop()
    assert not state_dir.exists()


def _process_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


@pytest.fixture
def client(platform: LocalPlatform) -> Iterator[Client]:
    with contextlib.closing(Client(platform, f"app-{next(_NUMBERS)}")) as made:
        yield made
