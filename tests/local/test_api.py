import time

import httpx
import pytest

from tests.patience import until

FOREVER = ["sleep", "1000"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer fo1_wrong", "FlyV1 fo1_wrong"])
def test_a_wrong_token_is_401_everywhere(platform, header):
    headers = {} if header is None else {"authorization": header}
    for path in ("/v1/apps", "/api/v1/apps/x/logs", "/_local", "/nowhere"):
        answer = httpx.get(
            platform.api_url + path, headers=headers, trust_env=False, verify=False, timeout=90
        )
        assert answer.status_code == 401
        assert answer.json() == {"error": "Authenticate: token validation error"}


@pytest.mark.parametrize("form", ["Bearer {}", "FlyV1 {}", "Bearer FlyV1 {}", "{}", "FlyV1 x,{}"])
def test_the_token_is_accepted_in_each_form_that_clients_send(platform, form):
    headers = {"authorization": form.format(platform.token)}
    answer = httpx.get(
        f"{platform.api_url}/v1/apps",
        headers=headers,
        trust_env=False,
        timeout=90,
        verify=False,
    )
    assert answer.status_code == 200
    assert answer.headers["fly-request-id"]


def test_apps_are_created_listed_and_deleted(client):
    assert client.api.get(f"/v1/apps/{client.app}").json()["status"] == "pending"
    again = client.api.post("/v1/apps", json={"app_name": client.app})
    assert (again.status_code, again.json()["status"]) == (422, "name_taken")
    client.create(FOREVER)
    assert client.api.get(f"/v1/apps/{client.app}").json()["machine_count"] == 1
    url = client.platform.app_url(client.app)
    assert client.api.delete(f"/v1/apps/{client.app}").status_code == 202
    assert client.api.get(f"/v1/apps/{client.app}").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False, verify=False, timeout=90)


def test_what_is_not_json_is_400_and_what_is_not_served_404(client):
    broken = client.call("POST", "", content=b"{")
    assert broken.status_code == 400
    assert broken.json()["error"].startswith("invalid_argument: ")
    machine = client.create(FOREVER)
    assert client.call("POST", f"/{machine}/stop", content=b"[]").status_code == 400
    assert client.api.get("/v1/nothing").status_code == 404
    assert "error" in client.api.get("/v1/nothing").json()


def test_a_lease_keeps_others_out_until_it_is_released(client):
    machine = client.create(FOREVER)
    before_at = time.time()
    taken = client.call("POST", f"/{machine}/lease", params={"ttl": 300})
    assert taken.status_code == 201
    assert taken.json()["status"] == "success"
    lease = taken.json()["data"]
    assert before_at + 299 <= lease["expires_at"] <= time.time() + 301
    for method, path in (
        ("POST", "/stop"),
        ("POST", "/restart"),
        ("POST", "/cordon"),
        ("POST", "/lease"),
        ("DELETE", ""),
        ("DELETE", "/lease"),
    ):
        refused = client.call(method, f"/{machine}{path}")
        assert refused.status_code == 409
        assert f"machine ID {machine} lease currently held by" in refused.json()["error"]
    nonce = {"fly-machine-lease-nonce": lease["nonce"]}
    refreshed = client.call("POST", f"/{machine}/lease", json={"ttl": 600}, headers=nonce)
    assert refreshed.json()["data"]["nonce"] == lease["nonce"]
    assert refreshed.json()["data"]["expires_at"] > lease["expires_at"]
    assert client.call("POST", f"/{machine}/cordon", headers=nonce).status_code == 200
    shown = client.call("GET", f"/{machine}", params={"include_leases": "true"}).json()["lease"]
    assert "nonce" not in shown
    assert client.call("DELETE", f"/{machine}/lease", headers=nonce).status_code == 200
    assert client.call("GET", f"/{machine}/lease").status_code == 404
    assert client.call("POST", f"/{machine}/uncordon").status_code == 200


def test_a_lease_ends_by_itself(client):
    machine = client.create(FOREVER)
    client.call("POST", f"/{machine}/lease", params={"ttl": 1})
    until(lambda: client.call("POST", f"/{machine}/cordon").status_code == 200)


def test_secrets_reach_machines_made_later_and_are_never_shown(client):
    before = client.create(FOREVER)
    path = f"/v1/apps/{client.app}/secrets"
    written = client.api.post(path, json={"values": {"PASSWORD": "hunter2"}}).json()
    assert written["version"] == 1
    after = client.create(FOREVER)
    shown = client.api.get(path)
    assert [secret["name"] for secret in shown.json()["secrets"]] == ["PASSWORD"]
    assert shown.json()["secrets"][0]["digest"]
    assert "hunter2" not in shown.text
    assert "hunter2" not in client.call("GET", f"/{after}").text
    assert "PASSWORD=hunter2" in client.exec(after, "env")["stdout"]
    assert "PASSWORD" not in client.exec(before, "env")["stdout"]
    client.api.delete(f"{path}/PASSWORD")
    assert client.api.get(path).json()["secrets"] == []


def test_a_volume_keeps_what_was_written_when_its_machine_is_replaced(client):
    path = f"/v1/apps/{client.app}/volumes"
    volume = client.api.post(path, json={"name": "shop_data", "region": "iad"}).json()
    machine = client.create(FOREVER, mounts=[{"path": "/data", "name": "shop_data"}])
    (mount,) = client.get(machine)["config"]["mounts"]
    assert mount["volume"] == volume["id"]
    client.exec(machine, "sh", "-c", 'echo kept > "$FLY_VOLUME_SHOP_DATA/file"')
    client.call("POST", f"/{machine}", json={"config": client.get(machine)["config"]})
    client.wait(machine, "started")
    read = client.exec(machine, "sh", "-c", 'cat "$FLY_VOLUME_SHOP_DATA/file"')
    assert read["stdout"] == "kept\n"
    assert client.api.get(path).json()[0]["attached_machine_id"] == machine
    assert client.api.delete(f"{path}/{volume['id']}").status_code == 412
    second = client.call(
        "POST",
        "",
        json={
            "config": client.get(machine)["config"]
            | {"mounts": [{"path": "/data", "name": "shop_data"}]}
        },
    )
    assert second.status_code == 400
    client.call("DELETE", f"/{machine}", params={"force": "true"})
    client.wait(machine, "destroyed")
    assert client.api.delete(f"{path}/{volume['id']}").status_code == 200
    assert client.api.get(path).json() == []


def test_releases_are_numbered_and_change_their_status(client):
    body = {"app_name": client.app, "image": "registry.local/test:1", "strategy": "ROLLING"}
    first = client.api.post("/api/v1/releases", json=body).json()["release"]
    second = client.api.post("/api/v1/releases", json=body).json()["release"]
    assert (first["version"], second["version"]) == (1, 2)
    path = f"/api/v1/releases/{second['id']}"
    assert client.api.patch(path, json={"status": "complete"}).status_code == 200
    assert client.api.patch(path, json={"status": "splendid"}).status_code == 422
    listed = client.api.get(f"/api/v1/apps/{client.app}/releases", params={"limit": 1}).json()
    (shown,) = listed["releases"]
    assert (shown["version"], shown["status"], shown["stable"]) == (2, "complete", True)
    assert shown["in_progress"] is False


def test_logs_are_paged_by_time_without_loss_or_repetition(client):
    machine = client.python("for i in range(1200): print('line', i)", wait="")
    client.wait(machine, "stopped")
    path = f"/api/v1/apps/{client.app}/logs"
    found, token = [], "1"
    while True:
        page = client.api.get(path, params={"next_token": token, "instance": machine}).json()
        if not page["data"]:
            break
        found += [line["attributes"]["message"] for line in page["data"]]
        token = page["meta"]["next_token"]
    assert [each for each in found if each.startswith("line ")] == [
        f"line {number}" for number in range(1200)
    ]
    assert client.logs(region="syd") == []
    assert len(client.logs()) == 100
    assert client.api.get(path, params={"next_token": "x"}).status_code == 400


def test_output_of_both_kinds_becomes_lines_also_without_a_last_newline(client):
    machine = client.create(
        ["sh", "-c", "printf 'one\\r\\ntwo'; printf 'err' >&2; printf '\\377' "], wait=""
    )
    client.wait(machine, "stopped")
    assert set(client.messages(machine, "app")) == {"one", "two\N{REPLACEMENT CHARACTER}", "err"}


def test_the_rest_of_the_api_answers(client):
    assert client.api.get(f"/v1/apps/{client.app}/certificates").json()["certificates"] == []
    assert client.api.get(f"/v1/apps/{client.app}/ip_assignments").json()["ips"][0]["ip"]
    regions = client.api.get("/v1/platform/regions").json()["regions"]
    assert {"iad", "ams"} <= {region["code"] for region in regions}


def test_metadata_is_written_past_a_lease(client):
    """flyctl's blue-green deploy marks Machines whose lease it holds, and sends no nonce."""
    machine = client.create(FOREVER)
    client.call("POST", f"/{machine}/lease", params={"ttl": 300})
    tagged = client.call("POST", f"/{machine}/metadata/tag", json={"value": "safe_to_destroy"})
    assert tagged.status_code == 204
    assert client.get(machine)["config"]["metadata"] == {"tag": "safe_to_destroy"}
    assert client.call("DELETE", f"/{machine}/metadata/tag").status_code == 204
    assert client.get(machine)["config"]["metadata"] == {}
