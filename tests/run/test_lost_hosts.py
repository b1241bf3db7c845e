"""What a failed assertion decides while a Machine's host does not answer."""

import msgspec
import pytest

from pytest_sre.fly.models import Machine
from pytest_sre.run.outcomes import why_cut_off


def machine(name: str, host_status: str = "ok") -> Machine:
    group = name.partition("-")[0]
    config = {"metadata": {"fly_process_group": group}}
    about = {"id": name, "region": "iad", "config": config, "host_status": host_status}
    return msgspec.convert(about, Machine)


WEB_LOST = (machine("web-1", "unreachable"), machine("web-2"), machine("store-1"))
STORE_LOST = (machine("web-1"), machine("web-2"), machine("store-1", "unreachable"))


@pytest.mark.parametrize(
    ("about", "machines", "is_excused"),
    [
        pytest.param(("web-1",), WEB_LOST, True, id="about the lost Machine"),
        pytest.param((), WEB_LOST, True, id="about the app"),
        pytest.param(("web-2",), WEB_LOST, False, id="about another Machine"),
        pytest.param(("web-1", "web-2"), WEB_LOST, False, id="about both"),
        pytest.param(("web-1",), STORE_LOST, True, id="a group that all rely on is lost"),
        pytest.param((), (machine("web-1"),), False, id="all hosts answer"),
    ],
)
def test_failure_is_excused_when_it_can_come_from_the_lost_host(about, machines, is_excused):
    assert (why_cut_off(about, machines) is not None) == is_excused


def test_excuse_names_the_machines_and_the_platform():
    excuse = why_cut_off((), WEB_LOST)
    assert excuse is not None
    assert excuse.reason == "Fly's host of web-iad-web-1 does not answer"
    assert excuse.cause == "platform host"
