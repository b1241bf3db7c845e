"""A change of a configuration changes what it says, and nothing that it does not."""

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.config import CheckConfig, MachineConfig, Mount, Port, Service, StopConfig
from pytest_sre.fly.config_documents import read_config, updated, written
from tests.fly.documents import CONFIG, disturbed

replace = msgspec.structs.replace


def test_every_documented_field_is_read_and_written_as_it_was():
    again = written(read_config(CONFIG))
    expected = copy.deepcopy(CONFIG)
    del expected["services"][0]["force_instance_key"]
    del expected["statics"][0]["tigris_bucket"]
    del expected["metrics"]["https"]
    del expected["auto_destroy"]
    assert again == expected


@given(document=disturbed(CONFIG))
def test_a_new_image_changes_the_image_only(document):
    changed = replace(read_config(document), image="shop:2")
    assert updated(document, changed) == {**document, "image": "shop:2"}


@given(document=disturbed(CONFIG))
def test_no_change_changes_nothing(document):
    assert updated(document, read_config(document)) == document


@given(document=disturbed(CONFIG), env=st.dictionaries(st.text("abc"), st.text("xyz")))
def test_what_was_changed_is_read_back(document, env):
    wanted = replace(read_config(document), env=env, mounts=[Mount(path="/other")])
    assert read_config(updated(document, wanted)) == wanted


@given(data=st.data())
def test_services_keep_their_unknown_fields_whichever_of_them_remain(data):
    ports = [8080, 9090, 9091]
    services = [{"protocol": "tcp", "internal_port": port, "unknown": port} for port in ports]
    config = read_config({"services": services})
    chosen = data.draw(st.lists(st.sampled_from(config.services), unique_by=id, max_size=3))
    capped = [replace(service, min_machines_running=1) for service in chosen]
    changed = updated({"services": services}, replace(config, services=capped))
    left = changed.get("services", [])
    assert [entry["unknown"] for entry in left] == [entry["internal_port"] for entry in left]
    assert [entry["internal_port"] for entry in left] == [s.internal_port for s in chosen]


def test_a_check_of_which_the_path_changes_keeps_what_is_unknown():
    there = {"services": [{"checks": [{"type": "http", "path": "/a", "new": 1}]}]}
    check = CheckConfig(type="http", path="/b")
    changed = updated(there, MachineConfig(services=[Service(checks=[check])]))
    assert changed["services"][0]["checks"] == [{"type": "http", "path": "/b", "new": 1}]


def test_what_is_taken_away_goes():
    there = {"services": [{"internal_port": 1}], "env": {"A": "1", "B": "2"}, "schedule": "daily"}
    changed = updated(there, MachineConfig(env={"B": "3"}))
    assert changed == {"env": {"B": "3"}}


@pytest.mark.parametrize(
    ("given_as", "written_as", "may_sleep"),
    [
        ("off", False, False),
        (False, False, False),
        ("stop", True, True),
        (True, True, True),
        ("suspend", "suspend", True),
    ],
)
def test_autostop_is_written_as_the_api_answers_it(given_as, written_as, may_sleep):
    service = Service(autostop=given_as)
    assert written(MachineConfig(services=[service]))["services"][0]["autostop"] == written_as
    assert service.may_sleep is may_sleep


@pytest.mark.parametrize(
    ("given_as", "seconds"), [("1m30s", 90), (1_500_000_000, 1.5), (None, None)]
)
def test_durations_are_text_or_nanoseconds(given_as, seconds):
    assert read_config({"stop_config": {"timeout": given_as}}).stop_config == StopConfig(
        timeout=given_as
    )
    assert StopConfig(timeout=given_as).timeout_s == seconds
    assert CheckConfig(interval=given_as).interval_s == seconds


def test_numbers_may_be_text():
    service = read_config({"services": [{"internal_port": "80", "ports": [{"port": "443"}]}]})
    assert service.services == [Service(internal_port=80, ports=[Port(port=443)])]
