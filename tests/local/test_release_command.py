"""A Machine that does one thing and is gone: created stopped, started, ended, still readable."""

import pytest

ONE_TIME = {
    "auto_destroy": True,
    "restart": {"policy": "no"},
    "dns": {"skip_registration": True},
    "metadata": {"fly_process_group": "fly_app_release_command"},
    "env": {"RELEASE_COMMAND": "1"},
}


@pytest.mark.parametrize("code", [0, 3])
def test_its_exit_code_can_be_read_after_it_is_gone(client, code):
    script = f'test "$RELEASE_COMMAND" = 1 && echo migrated; exit {code}'
    options = {"skip_launch": True}
    machine = client.create(["sh", "-c", script], wait="stopped", options=options, **ONE_TIME)
    assert client.messages(machine, "app") == []
    assert client.call("POST", f"/{machine}/start").status_code == 200
    client.wait(machine, "destroyed")
    events = client.get(machine)["events"]
    assert [event["type"] for event in events] == ["destroy", "exit", "start", "launch"]
    exited, started = events[1], events[2]
    assert exited["timestamp"] >= started["timestamp"]
    assert exited["request"]["exit_event"]["exit_code"] == code
    assert client.messages(machine, "app") == ["migrated"]
    late = client.call("GET", f"/{machine}/wait", params={"state": "started", "timeout": 1})
    assert late.status_code == 404


def test_a_machine_without_registration_has_no_private_name(client):
    ports = {"services": [{"internal_port": 8080}]}
    hidden = client.create_web(wait_healthy=False, dns={"skip_registration": True})
    caller = client.create(["sleep", "1000"], **ports)
    url = f"http://{hidden}.vm.{client.app}.internal:8080/"
    program = f"import urllib.request as r; r.urlopen({url!r})"
    refused = client.exec(caller, "python", "-S", "-c", program)
    assert "502" in refused["stderr"]


def test_containers_are_refused_and_not_left_out(client):
    config = {"image": "registry.local/test:1", "containers": [{"name": "a", "image": "b"}]}
    answer = client.call("POST", "", json={"config": config})
    assert answer.status_code == 400
    assert "config.containers" in answer.json()["error"]
