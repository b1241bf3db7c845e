import signal

import psutil
import pytest

from tests.patience import until

FOREVER = ["sleep", "1000"]


def is_over(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kinds(client, machine):
    return [event["type"] for event in client.get(machine)["events"]]


def test_a_machine_is_created_and_started_with_its_events_newest_first(client):
    made = client.call(
        "POST", "", json={"config": {"image": "registry.local/test:1", "init": {"cmd": FOREVER}}}
    ).json()
    assert (made["state"], [event["type"] for event in made["events"]]) == ("created", ["launch"])
    client.wait(made["id"], "started")
    machine = client.get(made["id"])
    assert [(event["type"], event["status"]) for event in machine["events"]] == [
        ("start", "started"),
        ("launch", "created"),
    ]
    assert machine["config"]["guest"]["memory_mb"] == 256
    assert (machine["host_status"], machine["cordoned"]) == ("ok", False)
    assert machine["image_ref"] == {
        "registry": "registry.local",
        "repository": "test",
        "tag": "1",
        "digest": "sha256:1",
        "labels": {"org.opencontainers.image.revision": "abc"},
    }


def test_stop_and_start(client):
    machine = client.create(FOREVER)
    pid = client.pid(machine)
    assert client.call("POST", f"/{machine}/stop").json() == {"ok": True}
    client.wait(machine, "stopped")
    assert not psutil.pid_exists(pid)
    (exit_event,) = client.exits(machine)
    assert exit_event["requested_stop"]
    assert not exit_event["restarting"]
    assert exit_event["guest_signal"] == signal.SIGINT
    started = client.call("POST", f"/{machine}/start").json()
    assert started["previous_state"] == "stopped"
    client.wait(machine, "started")
    assert kinds(client, machine) == ["start", "exit", "stop", "start", "launch"]


def test_a_machine_created_with_skip_launch_is_stopped_until_it_is_started(client):
    machine = client.create(FOREVER, wait="stopped", options={"skip_launch": True})
    assert "start" not in kinds(client, machine)
    client.call("POST", f"/{machine}/start")
    client.wait(machine, "started")


def test_restart_gives_a_new_process_and_keeps_the_version(client):
    machine = client.create(FOREVER)
    before, pid = client.get(machine)["instance_id"], client.pid(machine)
    assert client.call("POST", f"/{machine}/restart").json() == {"ok": True}
    client.wait(machine, "started")
    assert client.pid(machine) != pid
    assert client.get(machine)["instance_id"] == before
    assert "restart" in kinds(client, machine)


def test_suspend_freezes_the_process_and_start_thaws_the_same_one(client):
    machine = client.create(FOREVER)
    pid = client.pid(machine)
    client.call("POST", f"/{machine}/suspend")
    client.wait(machine, "suspended")
    assert until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    client.call("POST", f"/{machine}/start")
    client.wait(machine, "started")
    assert client.pid(machine) == pid
    assert until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED)


def test_stopping_a_suspended_machine_ends_its_process(client):
    machine = client.create(FOREVER)
    pid = client.pid(machine)
    client.call("POST", f"/{machine}/suspend")
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    assert not psutil.pid_exists(pid)


def test_update_replaces_config_and_process_and_gives_a_new_version(client):
    machine = client.create(FOREVER, env={"OLD": "1"})
    before, pid = client.get(machine), client.pid(machine)
    config = {**before["config"], "env": {"NEW": "2"}}
    updated = client.call("POST", f"/{machine}", json={"config": config}).json()
    assert updated["instance_id"] != before["instance_id"]
    wait = {"state": "started", "version": updated["instance_id"], "timeout": 60}
    assert client.call("GET", f"/{machine}/wait", params=wait).status_code == 200
    assert not psutil.pid_exists(pid)
    assert client.get(machine)["config"]["env"] == {"NEW": "2"}
    versions = [each["version"] for each in client.call("GET", f"/{machine}/versions").json()]
    assert versions == [updated["instance_id"], before["instance_id"]]


def test_an_update_leaves_a_stopped_machine_stopped(client):
    machine = client.create(FOREVER, wait="stopped", options={"skip_launch": True})
    config = client.get(machine)["config"]
    assert client.call("POST", f"/{machine}", json={"config": config}).status_code == 200
    assert client.get(machine)["state"] == "stopped"
    assert any("leaving the new version stopped" in each for each in client.messages(machine))


def test_an_update_from_a_stale_version_is_refused(client):
    machine = client.create(FOREVER)
    config = client.get(machine)["config"]
    answer = client.call("POST", f"/{machine}", json={"config": config, "current_version": "01OLD"})
    assert answer.status_code == 412


@pytest.mark.parametrize("parameter", ["force", "kill"])
def test_a_running_machine_is_destroyed_only_by_force_and_stays_readable(client, parameter):
    machine = client.create(FOREVER)
    pid = client.pid(machine)
    refused = client.call("DELETE", f"/{machine}")
    assert refused.status_code == 412
    assert "not currently stopped" in refused.json()["error"]
    answer = client.call("DELETE", f"/{machine}", params={parameter: "true"})
    assert answer.json() == {"ok": True}
    client.wait(machine, "destroyed")
    assert not psutil.pid_exists(pid)
    assert client.get(machine)["state"] == "destroyed"
    assert client.call("GET", "").json() == []
    deleted = client.call("GET", "", params={"include_deleted": "true"}).json()
    assert [each["id"] for each in deleted] == [machine]
    assert client.call("POST", f"/{machine}/start").status_code == 404


def test_calls_that_the_state_forbids_are_412(client):
    machine = client.create(FOREVER, wait="stopped", options={"skip_launch": True})
    refused = client.call("POST", f"/{machine}/suspend")
    assert refused.status_code == 412
    assert refused.json()["error"] == "unable to suspend machine from current state: 'stopped'"


def test_wait_says_which_state_was_not_reached(client):
    machine = client.create(FOREVER)
    answer = client.call("GET", f"/{machine}/wait", params={"state": "stopped", "timeout": 1})
    assert answer.status_code == 408
    assert answer.json()["error"] == (
        "machine failed to reach desired state, stopped, currently started"
    )


@pytest.mark.parametrize("timeout", ["0", "61", "x"])
def test_wait_takes_1_to_60_seconds(client, timeout):
    machine = client.create(FOREVER)
    answer = client.call("GET", f"/{machine}/wait", params={"timeout": timeout})
    assert answer.status_code == 400
    assert "WaitMachineRequest.Timeout" in answer.json()["error"]


def test_an_unknown_image_and_an_unknown_machine_are_refused(client):
    answer = client.call("POST", "", json={"config": {"image": "registry.local/test:none"}})
    assert answer.status_code == 400
    assert answer.json()["error"] == 'Could not find image "registry.local/test:none"'
    missing = client.call("GET", "/0123456789abcd")
    assert (missing.status_code, missing.json()) == (404, {"error": "machine not found"})


@pytest.mark.parametrize(
    "config",
    [
        {"services": [{"internal_port": "x"}]},
        {"services": [{"checks": [{"interval": "soon"}]}]},
        {"stop_config": {"signal": "SIGNOPE"}},
        {"mounts": [{"path": "/data", "volume": "vol_none"}]},
    ],
)
def test_a_config_that_cannot_be_read_is_400(client, config):
    answer = client.call("POST", "", json={"config": {"image": "registry.local/test:1", **config}})
    assert answer.status_code == 400
    assert client.call("GET", "").json() == []


def test_the_environment_is_the_documented_one_and_nothing_leaks_into_it(client):
    machine = client.create(
        FOREVER,
        region="ams",
        env={"OVERRIDDEN": "machine", "PRIMARY_REGION": "iad"},
        metadata={"fly_process_group": "worker"},
        checks={"own": {"type": "tcp", "port": 9000}},
        services=[{"internal_port": 8080}],
    )
    output = client.exec(machine, "env")["stdout"]
    found = dict(line.split("=", 1) for line in output.splitlines())
    assert found["FROM_IMAGE"] == "image"
    assert found["OVERRIDDEN"] == "machine"
    assert found["FLY_MACHINE_ID"] == found["FLY_ALLOC_ID"] == machine
    assert found["FLY_APP_NAME"] == client.app
    assert (found["FLY_REGION"], found["PRIMARY_REGION"]) == ("ams", "iad")
    assert found["FLY_PROCESS_GROUP"] == "worker"
    assert found["FLY_IMAGE_REF"] == "registry.local/test:1"
    assert found["FLY_MACHINE_VERSION"] == client.get(machine)["instance_id"]
    assert found["FLY_VM_MEMORY_MB"] == "256"
    assert found["PORT"] == found["PORT_8080"] != found["PORT_9000"]
    assert "SECRET_OF_THE_SESSION" not in found
    assert "PYTEST_CURRENT_TEST" not in found


def test_metadata_changes_without_a_new_version(client):
    machine = client.create(FOREVER, metadata={"a": "1", "b": "2"})
    version = client.get(machine)["instance_id"]
    base = f"/{machine}/metadata"
    assert client.call("POST", f"{base}/c", json={"value": "3"}).status_code == 204
    assert client.call("PATCH", base, json={"metadata": {"a": None}}).status_code == 204
    assert client.call("DELETE", f"{base}/b").status_code == 204
    assert client.call("GET", base).json() == {"c": "3"}
    stale = client.call("PUT", base, json={"metadata": {}, "machine_version": "01OLD"})
    assert stale.status_code == 412
    assert client.get(machine)["instance_id"] == version


def test_lists_filter_and_page(client):
    options = {"skip_launch": True}
    a = client.create(FOREVER, region="iad", metadata={"k": "1"})
    b = client.create(FOREVER, region="ams", wait="stopped", options=options)
    c = client.create(FOREVER, region="ams", metadata={"k": "1", "l": "2"})

    def ids(**query):
        return [each["id"] for each in client.call("GET", "", params=query).json()]

    assert ids() == [a, b, c]
    assert ids(region="ams") == [b, c]
    assert ids(state="stopped,suspended") == [b]
    assert ids(**{"metadata.k": "1", "metadata.l": "2"}) == [c]
    page = client.call("GET", "", params={"limit": 2})
    assert [each["id"] for each in page.json()] == [a, b]
    assert ids(cursor=page.headers["fly-next-cursor"]) == [c]
    assert "config" not in client.call("GET", "", params={"summary": "true"}).json()[0]


def test_exec_runs_beside_the_process_and_reports_its_end(client):
    machine = client.create(FOREVER)
    script = "echo out; echo err >&2; cat; exit 3"
    done = client.exec(machine, "sh", "-c", script, stdin="in")
    assert done == {"exit_code": 3, "exit_signal": None, "stdout": "out\nin", "stderr": "err\n"}
    late = client.call("POST", f"/{machine}/exec", json={"command": ["sleep", "100"], "timeout": 1})
    assert late.status_code == 408
    assert "deadline_exceeded" in late.json()["error"]
    assert client.exec(machine, "no-such-program")["exit_code"] == 127


@pytest.mark.parametrize("name", ["SIGTERM", "TERM", 15])
def test_a_signal_reaches_the_process(client, name):
    machine = client.python(
        "import os, signal, time\n"
        # What is printed could still be being printed when the signal comes.
        "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'got it\\n'))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(1)",
    )
    until(lambda: "ready" in client.messages(machine))
    assert client.call("POST", f"/{machine}/signal", json={"signal": name}).status_code == 200
    until(lambda: "got it" in client.messages(machine))
    assert client.call("POST", f"/{machine}/signal", json={"signal": "SIGX"}).status_code == 400


def test_a_process_that_ignores_the_signal_is_killed_after_its_timeout(client):
    machine = client.python(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(1000)",
        stop_config={"signal": "SIGTERM", "timeout": "200ms"},
    )
    until(lambda: "ready" in client.messages(machine))
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    (exit_event,) = client.exits(machine)
    assert (exit_event["guest_signal"], exit_event["exit_code"]) == (signal.SIGKILL, 137)


def test_the_children_of_a_process_end_with_it(client):
    machine = client.python(
        "import subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "print('child', child.pid, flush=True)\n"
        "time.sleep(1000)",
    )
    line = until(lambda: [m for m in client.messages(machine) if m.startswith("child ")])
    child = int(line[0].split()[1])
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    until(lambda: is_over(child))


def test_a_destroyed_machine_frees_its_name(client):
    machine = client.create(FOREVER, options={"name": "one"})
    body = {"config": client.get(machine)["config"], "name": "one"}
    assert client.call("POST", "", json=body).status_code == 409
    client.call("DELETE", f"/{machine}", params={"force": "true"})
    client.wait(machine, "destroyed")
    assert client.call("POST", "", json=body).status_code == 200
