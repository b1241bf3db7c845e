"""What Fly refuses is not sent; what it has accepted before is not questioned."""

import pytest

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.config import (
    CheckConfig,
    File,
    Guest,
    MachineConfig,
    Mount,
    Port,
    Restart,
    Service,
    StopConfig,
)
from pytest_sre.fly.config_documents import read_config
from pytest_sre.fly.config_rules import refusals
from tests.fly.conftest import Reply, ScriptedApi
from tests.fly.documents import CONFIG


def test_what_fly_answers_is_not_refused():
    assert refusals(read_config(CONFIG)) == frozenset()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"image": ""}, "image"),
        ({"schedule": "yearly"}, "schedule"),
        ({"restart": Restart(policy="never")}, "restart.policy"),
        ({"stop_config": StopConfig(timeout="1d")}, "stop_config.timeout"),
        ({"guest": Guest(persist_rootfs="maybe")}, "guest.persist_rootfs"),
        ({"services": [Service(autostop="sleep")]}, "services[0].autostop"),
        ({"services": [Service(protocol="sctp")]}, "services[0].protocol"),
        ({"services": [Service(ports=[Port(port=70_000)])]}, "services[0].ports[0].port"),
        ({"services": [Service(checks=[CheckConfig(type="grpc")])]}, "services[0].checks[0].type"),
        ({"checks": {"up": CheckConfig(interval="5")}}, "checks.up.interval"),
        ({"mounts": [Mount(path="data")]}, "mounts[0].path"),
        ({"files": [File(guest_path="/a")]}, "files[0]"),
        ({"files": [File(guest_path="a", raw_value="")]}, "files[0].guest_path"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_fly_refuses_is_told_without_sending_it(
    api: ScriptedApi, fly: Fly, wrong: dict[str, object], field: str
) -> None:
    with pytest.raises(errors.Invalid) as caught:
        fly.create_machine("shop", MachineConfig(**{"image": "shop:1", **wrong}))
    assert caught.value.found.startswith(f"{field}: expected")
    assert len(str(caught.value).splitlines()) == 4
    assert api.requests == []


@pytest.mark.parametrize("text", ["0", "1.5h", "1h30m", "300ms", "10µs", ".5s"])
def test_durations_that_go_reads_are_written(text):
    assert not refusals(MachineConfig(image="a", stop_config=StopConfig(timeout=text)))


def test_a_new_word_that_fly_keeps_itself_does_not_stop_an_update(
    api: ScriptedApi, fly: Fly
) -> None:
    there = {"image": "shop:1", "schedule": "lunar"}
    api.reply(Reply(200, {"id": "1", "config": there}), Reply(200, {"id": "1"}))
    fly.update_machine("shop", "1", MachineConfig(image="shop:2", schedule="lunar"))
    assert api.requests[1].body["config"] == {"image": "shop:2", "schedule": "lunar"}
