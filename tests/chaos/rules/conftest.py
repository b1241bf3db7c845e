"""Machines and targets, as the rules of chaos look at them."""

import pytest

from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.models import Machine
from pytest_sre.targets import load_settings

WEB_AND_WORKER = """
app = "shop"
[processes]
web = "serve"
worker = "work"
[http_service]
internal_port = 8080
processes = ["web"]
"""


def machine(machine_id, group="web", region="ams", state="started", created_at=None, **more):
    config = MachineConfig(metadata={"fly_process_group": group})
    return Machine(
        id=machine_id, region=region, config=config, state=state, created_at=created_at, **more
    )


@pytest.fixture
def read_target(tmp_path):
    """Give a target as its project's files and the command line say it is."""
    (tmp_path / "fly.toml").write_text(WEB_AND_WORKER)
    (tmp_path / "fly.other.toml").write_text('app = "other"\n')

    def read(text="", name="prod", **more):
        (tmp_path / "sre.toml").write_text(text)
        return load_settings(tmp_path, name, **more).target

    return read
