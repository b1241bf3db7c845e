"""Answers are read as other versions of the API may write them, and told clearly when they fail."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly import errors
from pytest_sre.fly.client import Fly
from pytest_sre.fly.models import (
    App,
    Certificate,
    Event,
    ExecResult,
    IpAssignment,
    Machine,
    MachineLease,
    MachineVersion,
    Region,
    Release,
    Secret,
    Snapshot,
    TokenInfo,
    Volume,
)
from pytest_sre.fly.wire import decode
from tests.fly.conftest import Reply, ScriptedApi
from tests.fly.documents import CONFIG, disturbed, texts_in

TIME = "2026-05-14T10:41:08.123456789Z"
EXIT = {"exit_code": 137, "oom_killed": True, "requested_stop": False, "exited_at": TIME}
EVENT = {
    "id": "01A",
    "type": "exit",
    "status": "stopped",
    "source": "flyd",
    "timestamp": 1_778_755_268_000,
    "request": {"exit_event": EXIT, "MonitorEvent": {"exit_event": EXIT}, "restart_count": 2},
}
ORGANIZATION = {"slug": "acme", "name": "Acme", "internal_numeric_id": "7"}
ANSWERS = {
    App: {"name": "shop", "id": "a1", "status": "deployed", "organization": ORGANIZATION},
    Machine: {
        "id": "148e",
        "name": "web",
        "state": "started",
        "region": "iad",
        "instance_id": "01A",
        "created_at": TIME,
        "image_ref": {"registry": "registry.fly.io", "digest": "sha256:aa", "labels": {"a": "b"}},
        "config": CONFIG,
        "events": [EVENT],
        "checks": [{"name": "servicecheck-00-http-8080", "status": "passing", "updated_at": TIME}],
        "cordoned": False,
        "host_status": "ok",
        "lease": {"nonce": "n", "owner": "me", "expires_at": 1_800_000_000},
    },
    Event: EVENT,
    MachineLease: {"nonce": "n", "owner": "me", "expires_at": 1_800_000_000, "version": "01A"},
    MachineVersion: {"version": "01A", "user_config": CONFIG},
    ExecResult: {"exit_code": 0, "exit_signal": 0, "stdout": "out", "stderr": ""},
    Release: {"id": "r", "version": 4, "status": "complete", "image_ref": "i", "created_at": TIME},
    Volume: {"id": "vol_1", "state": "created", "size_gb": 1, "attached_machine_id": "148e"},
    Snapshot: {"id": "vs_1", "status": "created", "size": 1, "created_at": TIME},
    Secret: {"name": "KEY", "digest": "d", "created_at": TIME},
    Certificate: {
        "hostname": "shop.example",
        "status": "active",
        "certificates": [{"source": "fly", "issued": [{"type": "rsa", "expires_at": TIME}]}],
    },
    IpAssignment: {"ip": "127.0.0.1", "region": "iad", "shared": True, "created_at": TIME},
    Region: {"code": "iad", "name": "Ashburn", "latitude": 39.0, "capacity": 10},
    TokenInfo: {"token_id": "t", "org_slug": "acme", "apps": ["shop"]},
}
REQUIRED = frozenset({"id", "name", "ip", "hostname", "code", "version"})


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_no_version_of_an_answer_breaks_its_reading(kind, data):
    document = data.draw(disturbed(ANSWERS[kind], required=REQUIRED))
    assert isinstance(decode(encode_json(document), kind), kind)


@given(data=st.data())
def test_new_words_in_the_place_of_known_ones_are_kept_as_text(data):
    document = copy.deepcopy(ANSWERS[Machine])
    holder, key = data.draw(st.sampled_from([*texts_in(document)]))
    holder[key] = "a-word-of-2030"
    assert decode(encode_json(document), Machine).id in {"148e", "a-word-of-2030"}


@pytest.mark.parametrize(
    "request_", [{"exit_event": EXIT}, {"MonitorEvent": {"exit_event": EXIT}, "restart_count": 1}]
)
def test_how_a_process_ended_is_read_in_either_form(request_):
    event = decode(encode_json({**EVENT, "request": request_}), Event)
    assert event.ended is not None
    assert (event.ended.exit_code, event.ended.oom_killed) == (137, True)
    assert event.is_unasked_exit


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([{"name": "web"}], "missing required field `id`"),
        ([{"id": "1"}, {"id": "2", "config": {"services": "none"}}], r"`$[1].config.services`"),
        ([{"id": "1", "checks": [{"updated_at": "yesterday"}]}], r"`$[0].checks[0].updated_at`"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place_and_the_calls_id(
    api: ScriptedApi, fly: Fly, body: object, said: str
) -> None:
    api.reply(Reply(200, body, {"fly-request-id": "01JNRQ9VVKJ7-yyz"}))
    with pytest.raises(errors.UnexpectedAnswer) as caught:
        fly.machines("shop")
    text = str(caught.value)
    assert said in text
    assert "/v1/apps/shop/machines (fly-request-id 01JNRQ9VVKJ7-yyz)" in text
    assert len(text.splitlines()) <= 4
    assert caught.value.__suppress_context__


def encode_json(document: object) -> bytes:
    return json.dumps(document).encode()
