import pytest

FOREVER = ["sleep", "1000"]


@pytest.fixture
def volumes(client):
    def call(method, path="", **options):
        return client.api.request(method, f"/v1/apps/{client.app}/volumes{path}", **options)

    return call


def filled(client, volume, size):
    """A Machine that has written a file onto the volume."""
    machine = client.create(FOREVER, mounts=[{"path": "/data", "volume": volume["id"]}])
    write = f'head -c {size} /dev/zero > "$FLY_VOLUME_DATA/file"'
    assert client.exec(machine, "sh", "-c", write)["exit_code"] == 0
    return machine


def test_a_volume_is_made_as_asked_and_changed(volumes):
    wanted = {
        "name": "data",
        "region": "ams",
        "size_gb": 3,
        "encrypted": False,
        "fstype": "raw",
        "snapshot_retention": 7,
        "auto_backup_enabled": False,
    }
    made = volumes("POST", json=wanted).json()
    assert {key: made[key] for key in wanted} == wanted
    assert (made["state"], made["host_status"]) == ("created", "ok")
    assert made["attached_machine_id"] is None
    assert (made["bytes_total"], made["bytes_used"]) == (3 * 1024**3, 0)
    changed = volumes("PUT", f"/{made['id']}", json={"snapshot_retention": 9}).json()
    assert (changed["snapshot_retention"], changed["auto_backup_enabled"]) == (9, False)
    assert volumes("GET", f"/{made['id']}").json() == changed


def test_a_volume_grows_and_never_shrinks(volumes):
    path = f"/{volumes('POST', json={'name': 'data', 'size_gb': 2}).json()['id']}"
    grown = volumes("PUT", f"{path}/extend", json={"size_gb": 5}).json()
    assert (grown["volume"]["size_gb"], grown["needs_restart"]) == (5, False)
    for size in (5, 4, 0, 501):
        assert volumes("PUT", f"{path}/extend", json={"size_gb": size}).status_code == 400
    assert volumes("GET", path).json()["size_gb"] == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "Data"},
        {"name": "a-b"},
        {"name": "x" * 31},
        {"name": "data", "size_gb": 0},
        {"name": "data", "fstype": "xfs"},
        {"name": "data", "snapshot_retention": 61},
    ],
    ids=lambda wrong: ",".join(f"{key}={value}" for key, value in wrong.items())[:20] or "nothing",
)
def test_what_is_no_volume_is_400(volumes, wrong):
    assert volumes("POST", json=wrong).status_code == 400
    assert volumes("GET").json() == []


def test_a_snapshot_keeps_what_was_there_and_begins_another_volume(client, volumes):
    volume = volumes("POST", json={"name": "data", "region": "iad"}).json()
    machine = filled(client, volume, 5000)
    assert volumes("GET", f"/{volume['id']}").json()["bytes_used"] == 5000
    taken = volumes("POST", f"/{volume['id']}/snapshots")
    assert taken.status_code == 200
    filled_again = client.exec(machine, "sh", "-c", 'echo more >> "$FLY_VOLUME_DATA/file"')
    assert filled_again["exit_code"] == 0
    second = volumes("POST", f"/{volume['id']}/snapshots").json()
    newest, first = volumes("GET", f"/{volume['id']}/snapshots").json()
    assert newest["id"] == second["id"]
    assert (first["size"], newest["size"]) == (5000, 5005)
    assert first["volume_size"] == 1024**3
    assert first["digest"] != newest["digest"]
    assert (first["status"], first["retention_days"]) == ("created", 5)
    restored = volumes("POST", json={"name": "again", "snapshot_id": first["id"]}).json()
    fork = volumes("POST", json={"name": "fork", "source_volume_id": volume["id"]}).json()
    assert (restored["bytes_used"], fork["bytes_used"]) == (5000, 5005)
    volumes("DELETE", f"/{restored['id']}")
    assert volumes("POST", json={"name": "b", "snapshot_id": "vs_none"}).status_code == 404


def test_a_machine_gets_a_free_volume_of_its_region_only(client, volumes):
    here = volumes("POST", json={"name": "data", "region": "iad"}).json()
    there = volumes("POST", json={"name": "data", "region": "ams"}).json()
    by_name = {
        "config": {"image": "registry.local/test:1", "mounts": [{"path": "/d", "name": "data"}]}
    }
    first = client.call("POST", "", json={**by_name, "region": "ams"}).json()
    assert first["config"]["mounts"][0]["volume"] == there["id"]
    assert volumes("GET", f"/{there['id']}").json()["attached_machine_id"] == first["id"]
    assert client.call("POST", "", json={**by_name, "region": "ams"}).status_code == 400
    by_id = [{"path": "/d", "volume": there["id"]}]
    config = {**by_name["config"], "mounts": by_id}
    taken = client.call("POST", "", json={"config": config, "region": "ams"})
    assert taken.status_code == 412
    assert first["id"] in taken.json()["error"]
    elsewhere = client.call("POST", "", json={"config": config, "region": "iad"})
    assert (elsewhere.status_code, here["region"]) == (400, "iad")


def test_volumes_are_listed_in_pages(volumes):
    made = [volumes("POST", json={"name": "data"}).json()["id"] for _ in range(5)]
    assert [each["id"] for each in volumes("GET").json()] == made
    found, cursor = [], ""
    for _ in range(3):
        page = volumes("GET", params={"limit": 2, "cursor": cursor, "summary": "true"})
        found += page.json()
        cursor = page.headers.get("fly-next-cursor", "")
        # What goes away between two pages hides nothing.
        volumes("DELETE", f"/{found[-1]['id']}")
    assert cursor == ""
    assert [each["id"] for each in found] == made
    assert "bytes_used" not in found[0]
    for wrong in ({"limit": 0}, {"limit": "x"}, {"cursor": "é"}):
        assert volumes("GET", params=wrong).status_code == 400
