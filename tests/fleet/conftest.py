"""An app of one fly.toml on a platform that answers what a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.fly.models import Machine, Release
from pytest_sre.fly.watch import FleetWatch
from pytest_sre.recording.rows import Row
from pytest_sre.targets import load_settings

FLY_TOML = """
app = "shop"
primary_region = "iad"
[processes]
web = "run web"
worker = "run worker"
[http_service]
internal_port = 8080
processes = ["web"]
[[http_service.checks]]
path = "/readyz"
[checks.alive]
type = "tcp"
port = 8080
processes = ["web"]
"""


@dataclass
class FakeFly:
    """What of the platform's client a fleet needs; counts how often it is asked."""

    listed: list[Machine] = field(default_factory=list)
    released: list[Release] = field(default_factory=list)
    error: FlyError | None = None
    asked: int = 0

    def machines(self, _app: str) -> list[Machine]:
        self.asked += 1
        if self.error:
            raise self.error
        return self.listed

    def releases(self, _app: str, *, limit: int) -> list[Release]:
        self.asked += 1
        return self.released[:limit]


def make_machine(
    machine_id: str = "m1", group: str = "web", *, image: str = "shop:v2", **given: object
) -> Machine:
    metadata = {"fly_process_group": group, "fly_release_version": "2"}
    config = MachineConfig(image=image, metadata=metadata)
    known = {"state": "started", "region": "iad", "instance_id": "i1", "config": config}
    return Machine(id=machine_id, **{**known, **given})


@pytest.fixture(scope="session")
def machine() -> Callable[..., Machine]:
    return make_machine


@pytest.fixture
def fly() -> FakeFly:
    return FakeFly()


@pytest.fixture
def rows() -> list[Row]:
    return []


@pytest.fixture
def watch(fly, rows) -> FleetWatch:
    return FleetWatch(fly, rows.append, fresh_s=0.0)


@pytest.fixture
def app_of(tmp_path, watch) -> Callable[..., FlyApp]:
    """Makes the app; ``stated`` is what its sre.toml says of its Machines."""

    def make(stated: str = "", since_at: float | None = None) -> FlyApp:
        (tmp_path / "fly.toml").write_text(FLY_TOML, encoding="utf-8")
        target = '[targets.prod]\nplatform = "fly"\napps = ["fly.toml"]\n'
        table = f"[targets.prod.machines]\n{stated}\n" if stated else ""
        (tmp_path / "sre.toml").write_text(target + table, encoding="utf-8")
        settings = load_settings(tmp_path, "prod")
        app = FlyApp(settings.target.apps[0], "http://shop/", watch, settings, since_at)
        app.machines = tuple(FlyMachine(app, m.id, m.name, m.region, m.group) for m in app.live)
        return app

    return make
