"""What the Machines API's calls take and refuse, beyond what happens to the Machine."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.patience import until

FOREVER = ["sleep", "1000"]


def config(**more):
    return {"image": "registry.local/test:1", "init": {"cmd": FOREVER}, **more}


def test_an_older_version_of_a_machine_can_be_read(client):
    machine = client.create(FOREVER, env={"STEP": "1"})
    first = client.get(machine)["version"]
    updated = client.call("POST", f"/{machine}", json={"config": config(env={"STEP": "2"})}).json()
    assert updated["version"] == updated["instance_id"] != first
    old = client.call("GET", f"/{machine}", params={"version": first}).json()
    assert (old["version"], old["config"]["env"]) == (first, {"STEP": "1"})
    newest, older = client.call("GET", f"/{machine}/versions").json()
    assert (newest["version"], older["version"]) == (updated["version"], first)
    assert older["user_config"]["env"] == {"STEP": "1"}
    assert client.call("GET", f"/{machine}", params={"version": "X"}).status_code == 404


def test_an_update_counts_on_the_version_it_was_made_from(client):
    machine = client.create(FOREVER)
    stale = {"config": config(), "current_version": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
    assert client.call("POST", f"/{machine}", json=stale).status_code == 412
    fresh = {"config": config(), "current_version": client.get(machine)["version"]}
    assert client.call("POST", f"/{machine}", json=fresh).status_code == 200


def test_waiting_counts_from_an_event_on(client):
    machine = client.create(FOREVER)
    newest = client.call("GET", f"/{machine}/events").json()[0]["id"]
    wait = {"state": "started", "timeout": 1, "from_event_id": newest}
    assert client.call("GET", f"/{machine}/wait", params=wait).status_code == 408
    client.call("POST", f"/{machine}/restart", params={"timeout": "1ms"})
    done = client.call("GET", f"/{machine}/wait", params={**wait, "timeout": 60})
    assert (done.status_code, done.json()["state"]) == (200, "started")
    assert done.json()["event_id"] != newest


@pytest.mark.parametrize(
    "query", [{"timeout": 0}, {"timeout": 61}, {"timeout": "x"}, {"state": "asleep"}]
)
def test_waiting_for_what_cannot_be_is_400(client, query):
    machine = client.create(FOREVER)
    answer = client.call("GET", f"/{machine}/wait", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("invalid_argument: invalid WaitMachineRequest.")


def test_any_of_several_states_ends_the_waiting(client):
    machine = client.create(FOREVER)
    for states in (["stopped", "started"], ["stopped,started"]):
        done = client.call("GET", f"/{machine}/wait", params={"state": states})
        assert done.json()["state"] == "started"


def test_a_stop_without_a_time_takes_the_configured_one(client):
    program = (
        "import signal, sys, time\n"
        "def end(*_): time.sleep(0.3); sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(1000)"
    )
    # flyctl writes "0s" for a time that was not given; in numbers, durations are nanoseconds.
    for timeout in ("0s", 20_000_000_000):
        machine = client.python(program, stop_config={"signal": "SIGTERM", "timeout": "20s"})
        until(lambda m=machine: "ready" in client.messages(m))
        body = {"id": machine, "timeout": timeout}
        assert client.call("POST", f"/{machine}/stop", json=body).status_code == 200
        client.wait(machine, "stopped")
        assert client.exits(machine)[0]["exit_code"] == 7
    stubborn = client.python(program.replace("0.3", "1000"), stop_config={"timeout": "1h"})
    until(lambda: "ready" in client.messages(stubborn))
    client.call("POST", f"/{stubborn}/stop", json={"signal": "SIGTERM", "timeout": 1_000_000})
    client.wait(stubborn, "stopped")
    assert client.exits(stubborn)[0]["signal"] == 9


def test_a_lease_is_in_the_way_of_those_calls_that_can_tell_its_nonce(client):
    machine = client.create(FOREVER)
    client.call("POST", f"/{machine}/lease", params={"ttl": "30s"})
    assert client.call("POST", f"/{machine}/suspend").status_code == 409
    assert client.exec(machine, "true")["exit_code"] == 0
    written = client.call("POST", f"/{machine}/metadata/colour", json={"value": "blue"})
    assert written.status_code == 204
    assert client.call("POST", f"/{machine}/signal", json={"signal": 9}).status_code == 200


def test_metadata_is_replaced_merged_and_removed(client):
    machine = client.create(FOREVER, metadata={"a": "1", "b": "2"})
    path, version = f"/{machine}/metadata", client.get(machine)["version"]

    def write(method, **body):
        return client.call(method, path, json=body).status_code

    assert write("PATCH", metadata={"b": None, "c": "3", "d": ""}, machine_version=version) == 204
    assert client.call("GET", path).json() == {"a": "1", "c": "3"}
    assert write("PUT", metadata={"e": "5"}) == 204
    assert client.call("GET", path).json() == {"e": "5"}
    assert write("PUT", metadata={}, machine_version="other") == 412
    assert client.call("POST", f"{path}/e", json={"value": ""}).status_code == 204
    assert client.call("GET", f"{path}/e").status_code == 404
    assert client.call("GET", path).json() == {}
    assert client.get(machine)["version"] == version


def test_exec_is_bounded_in_time_and_output(client):
    machine = client.create(FOREVER)
    much = client.exec(machine, "head", "-c", "5000000", "/dev/zero")
    assert (much["exit_code"], len(much["stdout"])) == (0, 1024 * 1024)
    assert client.exec(machine, "true", stdin="x" * 1_000_000)["exit_code"] == 0
    begun = time.monotonic()
    late = client.call("POST", f"/{machine}/exec", json={"cmd": "sleep 1000", "timeout": 1})
    assert (late.status_code, late.json()["error"][:17]) == (408, "deadline_exceeded")
    assert time.monotonic() - begun < 60
    for wrong in (
        {"command": ["true"], "container": "web"},
        {"command": ["true"], "container": "web", "machine": True},
        {"cmd": ""},
        {"command": ["a\0b"]},
        {"cmd": "sleep 'open"},
        {"command": ["true"], "timeout": -1},
    ):
        assert client.call("POST", f"/{machine}/exec", json=wrong).status_code == 400


def test_processes_are_sorted_as_asked(client):
    machine = client.create(["sh", "-c", "sleep 1000 & sleep 1000"])
    until(lambda: len(client.call("GET", f"/{machine}/ps").json()) == 3)
    listed = client.call("GET", f"/{machine}/ps", params={"sort_by": "pid", "order": "desc"}).json()
    pids = [each["pid"] for each in listed]
    assert pids == sorted(pids, reverse=True)
    for wrong in ({"sort_by": "colour"}, {"sort_by": "pid", "order": "up"}):
        assert client.call("GET", f"/{machine}/ps", params=wrong).status_code == 400


def test_machines_are_listed_in_pages_and_by_metadata(client):
    made = [
        client.create(FOREVER, wait="", metadata={"part": part}, options={"skip_launch": True})
        for part in ("a", "b", "a")
    ]
    first = client.call("GET", "", params={"limit": 2})
    rest = client.call("GET", "", params={"limit": 2, "cursor": first.headers["fly-next-cursor"]})
    assert [each["id"] for each in first.json() + rest.json()] == made
    assert "fly-next-cursor" not in rest.headers
    found = client.call("GET", "", params={"metadata.part": "a", "summary": "true"}).json()
    assert [each["id"] for each in found] == [made[0], made[2]]
    assert not {"config", "events", "checks", "host_status"} & set(found[0])
    client.call("DELETE", f"/{made[0]}", params={"force": "true"})
    client.wait(made[0], "destroyed")
    assert made[0] not in [each["id"] for each in client.call("GET", "").json()]
    every = client.call("GET", "", params={"include_deleted": "true"}).json()
    assert made[0] in [each["id"] for each in every]


@pytest.mark.parametrize(
    ("guest", "text"),
    [
        ({"cpu_kind": "fast"}, "must be one of shared, performance"),
        ({"cpus": 3}, "must be one of 1, 2, 4, 6, 8"),
        ({"memory_mb": 128}, "must be from 256 to 2048 MiB"),
        ({"cpus": 2, "memory_mb": 8192}, "must be from 512 to 4096 MiB"),
        ({"memory_mb": 300}, "must be a multiple of 256 MiB"),
        ({"cpu_kind": "performance", "memory_mb": 2560}, "must be a multiple of 1024 MiB"),
    ],
)
def test_a_size_that_fly_does_not_have_is_400_and_says_which_there_are(client, guest, text):
    answer = client.call("POST", "", json={"config": config(guest=guest)})
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_a_size_is_completed(client):
    made = client.call("POST", "", json={"config": config(guest={"cpu_kind": "performance"})})
    guest = made.json()["config"]["guest"]
    assert guest == {"cpu_kind": "performance", "cpus": 1, "memory_mb": 2048}


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": config(env={"A": "b\0"})},
        {"config": config(env={"A=B": "c"})},
        {"config": config(guest=[1])},
        {"config": {"image": 5}},
        {"config": config(), "name": "no name"},
        {"config": config(), "region": "../.."},
        {"config": config(), "lease_ttl": -1},
        {"config": config(mounts=[{"path": "/x"}])},
        {},
    ],
    ids=["nul", "name-of-variable", "guest", "image", "name", "region", "ttl", "mount", "nothing"],
)
def test_what_no_machine_can_be_made_from_is_400_and_makes_none(client, wrong):
    assert client.call("POST", "", json=wrong).status_code == 400
    assert client.call("GET", "").json() == []


def test_secrets_are_counted_on_by_their_version(client):
    path = f"/v1/apps/{client.app}/secrets"
    first = client.api.post(path, json={"values": {"A": "1", "B": "2"}}).json()
    assert first["version"] == first["Version"] == 1
    second = client.api.post(f"{path}/A", json={"value": "3"})
    assert (second.status_code, second.json()["version"]) == (201, 2)
    assert second.json()["digest"] != first["secrets"][0]["digest"]
    ahead = {"config": config(), "min_secrets_version": 3}
    assert client.call("POST", "", json=ahead).status_code == 412
    reached = {"config": config(), "min_secrets_version": 2}
    machine = client.call("POST", "", json=reached).json()["id"]
    client.wait(machine, "started")
    staged = client.api.post(path, json={"values": {"A": None, "B": "4"}}).json()
    assert (staged["version"], [each["name"] for each in staged["secrets"]]) == (3, ["B"])
    assert "A=3\n" in client.exec(machine, "env")["stdout"]
    client.call("POST", f"/{machine}/restart")
    client.wait(machine, "started")
    assert "B=2\n" in client.exec(machine, "env")["stdout"]
    client.call("POST", f"/{machine}", json={"config": config(), "min_secrets_version": 3})
    client.wait(machine, "started")
    after = client.exec(machine, "env")["stdout"]
    assert "B=4\n" in after
    assert "A" not in [line.partition("=")[0] for line in after.splitlines()]
    for query, status in (
        ({"min_version": "4"}, 412),
        ({"version": "3"}, 200),
        ({"version": "x"}, 400),
    ):
        assert client.api.get(path, params=query).status_code == status
    for name in ("A-B", "1A", "A=B"):
        assert client.api.post(f"{path}/{name}", json={"value": "x"}).status_code == 400
    assert client.api.delete(f"{path}/NOT_THERE").status_code == 404


def test_an_app_is_created_once_for_the_same_key(client):
    body = {"name": f"{client.app}-twice", "org_slug": "acme", "idempotency_key": "k"}
    first = client.api.post("/v1/apps", params={"wait": "true"}, json=body)
    again = client.api.post("/v1/apps", json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = client.api.post("/v1/apps", json={**body, "idempotency_key": "other"})
    assert (other.status_code, other.json()["status"]) == (422, "name_taken")
    listed = client.api.get("/v1/apps", params={"org_slug": "acme"}).json()
    assert [each["name"] for each in listed["apps"]] == [body["name"]]
    assert listed["total_apps"] == 1
    for name in ("", "Shop", "a_b", "-a", "a" * 64):
        assert client.api.post("/v1/apps", json={"name": name}).status_code == 422
    assert client.api.delete(f"/v1/apps/{body['name']}").status_code == 202


def test_a_destroyed_machine_can_be_read_and_no_longer_changed(client):
    machine = client.create(FOREVER)
    client.call("DELETE", f"/{machine}", params={"force": "true"})
    client.wait(machine, "destroyed")
    assert client.get(machine)["state"] == "destroyed"
    for method, path, body in (
        ("POST", "/lease", {}),
        ("POST", "/metadata/a", {"value": "1"}),
        ("PATCH", "/metadata", {"metadata": {"a": "1"}}),
        ("POST", "/start", {}),
        ("POST", "/exec", {"command": ["true"]}),
        ("POST", "", {"config": config()}),
    ):
        assert client.call(method, f"/{machine}{path}", json=body).status_code == 404


def test_of_many_callers_at_once_one_gets_the_lease(client):
    machine = client.create(FOREVER)

    def take(_):
        return client.call("POST", f"/{machine}/lease", json={"ttl": 30}).status_code

    with ThreadPoolExecutor(8) as callers:
        assert sorted(callers.map(take, range(16))) == [201] + [409] * 15


def test_of_many_callers_at_once_one_deletes_the_app(client):
    client.create(FOREVER)
    path = f"/v1/apps/{client.app}"

    def delete(_):
        return client.api.delete(path, params={"force": "true"}).status_code

    with ThreadPoolExecutor(4) as callers:
        assert sorted(callers.map(delete, range(4))) == [202, 404, 404, 404]
    again = client.api.post("/v1/apps", json={"name": client.app})
    assert (again.status_code, again.json()["machine_count"]) == (201, 0)


def test_of_many_callers_at_once_one_gets_the_free_volume(client):
    client.api.post(f"/v1/apps/{client.app}/volumes", json={"name": "data", "region": "iad"})
    body = {"config": config(mounts=[{"path": "/d", "name": "data"}]), "skip_launch": True}

    def create(_):
        return client.call("POST", "", json=body).status_code

    with ThreadPoolExecutor(8) as callers:
        assert sorted(callers.map(create, range(8))) == [200] + [400] * 7
