"""Bad days of the platform, as a client and a visitor see them."""

import contextlib
import datetime as dt
import time

import httpx
import pytest

from pytest_sre.cli import main
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from tests.patience import until


@pytest.fixture
def bad(platform, client):
    """Switch a fault on for the test's own app."""

    def switch_on(kind, **told):
        return platform.add_fault({"kind": kind, "app": client.app, **told})["id"]

    yield switch_on
    platform.clear_faults()


def test_faults_are_listed_and_switched_off(platform, bad):
    fault_id = bad("api-5xx", endpoint="logs", status=502, count=3, **{"for": "1m30s"})
    (listed,) = platform.faults()
    assert (listed["id"], listed["kind"], listed["status"]) == (fault_id, "api-5xx", 502)
    assert (listed["endpoint"], listed["left"]) == ("logs", 3)
    assert listed["ends_at"] - listed["began_at"] == pytest.approx(90)
    platform.remove_fault(fault_id)
    assert platform.faults() == []
    with pytest.raises(LocalPlatformError, match="no active fault"):
        platform.remove_fault(fault_id)


def test_fault_that_is_none_is_refused_in_words(bad):
    with pytest.raises(LocalPlatformError, match="expected a kind of fault, found 'api-404'"):
        bad("api-404")
    with pytest.raises(LocalPlatformError, match="expected a duration"):
        bad("api-5xx", **{"for": "soon"})


def test_faults_need_the_token(platform):
    assert httpx.post(f"{platform.api_url}/_local/faults", json={}, timeout=90).status_code == 401


def test_api_answers_with_server_errors_so_often_as_told(client, bad):
    bad("api-5xx", status=502, count=2, endpoint="machines")
    assert [client.call("GET", "").status_code for _ in range(3)] == [502, 502, 200]


def test_fault_of_one_api_spares_the_others(client, bad):
    bad("api-5xx", endpoint="releases")
    assert client.api.get(f"/api/v1/apps/{client.app}/releases").status_code == 503
    assert client.call("GET", "").status_code == 200
    assert client.api.get(f"/api/v1/apps/{client.app}/logs").status_code == 200


def test_fault_of_one_app_spares_the_others(client, bad):
    bad("api-5xx")
    assert client.api.get("/v1/apps/another").status_code == 404


def test_too_many_requests_say_when_to_come_again(client, bad):
    bad("api-429", retry_after_s=7, count=1)
    bad("api-429", count=1)
    first, second = client.call("GET", ""), client.call("GET", "")
    assert (first.status_code, first.headers["retry-after"]) == (429, "7")
    assert second.status_code == 429
    assert "retry-after" not in second.headers
    assert first.json()["error"]
    assert first.headers["fly-request-id"]


def test_slow_api_answers_right(client, bad):
    bad("api-slow", delay_s=0.3, count=1)
    began = time.monotonic()
    assert client.call("GET", "").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_hanging_api_answers_when_the_fault_ends(platform, client, bad):
    fault_id = bad("api-hang")
    with pytest.raises(httpx.ReadTimeout):
        client.call("GET", "", timeout=0.3)
    platform.remove_fault(fault_id)
    assert client.call("GET", "").status_code == 200


def test_there_is_no_capacity(client, bad):
    machine = client.create_web(wait_healthy=False)
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    bad("capacity")
    made = client.call("POST", "", json={"config": {"image": "registry.local/test:1"}})
    started = client.call("POST", f"/{machine}/start")
    assert (made.status_code, started.status_code) == (412, 412)
    assert made.json()["status"] == "insufficient_capacity"
    assert "could not reserve resource" in started.json()["error"]
    assert len(client.call("GET", "").json()) == 1


def test_proxy_cannot_wake_a_machine_without_capacity(client, bad):
    machine = client.create_web(service={"autostart": True, "autostop": "stop"})
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    bad("capacity")
    assert client.proxy.get("/").status_code == 503
    assert any("[PM01]" in line for line in client.messages(machine, "proxy"))


def test_somebody_holds_all_leases(client, bad):
    machine = client.create_web(wait_healthy=False)
    bad("lease-conflict")
    refused = client.call("POST", f"/{machine}/lease")
    assert refused.status_code == 409
    assert f"machine ID {machine} lease currently held by" in refused.json()["error"]
    assert client.call("POST", f"/{machine}/stop").status_code == 409
    assert client.call("GET", f"/{machine}").status_code == 200


def test_image_cannot_be_pulled(client, bad):
    bad("image-pull-failure", count=1)
    machine = client.create(wait="failed")
    assert any("Failed to pull image" in line for line in client.messages(machine, "runner"))
    assert client.call("POST", f"/{machine}/start").status_code == 200


def test_update_falls_back_silently(client, bad):
    machine = client.create_web()
    before = client.get(machine)
    config = {**before["config"], "env": {"NEW": "1"}}
    bad("silent-fallback", count=1)
    updated = client.call("POST", f"/{machine}", json={"config": config})
    assert updated.status_code == 200
    assert updated.json()["instance_id"] != before["instance_id"]
    until(lambda: client.is_healthy(machine) and client.get(machine)["state"] == "started")
    after = client.get(machine)
    assert after["instance_id"] == before["instance_id"]
    assert "NEW" not in after["config"].get("env", {})
    assert client.call("POST", f"/{machine}", json={"config": config}).status_code == 200
    until(lambda: client.get(machine)["config"].get("env") == {"NEW": "1"})


def test_slow_boot_is_started_and_listens_later(client, bad):
    bad("slow-boot", delay_s=1)
    machine = client.create_web()
    assert client.exits(machine) == []
    seen = client.get(machine)
    (started,) = (each for each in seen["events"] if each["type"] == "start")
    (check,) = seen["checks"]
    passed_at = dt.datetime.fromisoformat(check["updated_at"]).timestamp()
    assert passed_at - started["timestamp"] / 1000 >= 1


@pytest.mark.parametrize("code", [0, 7])
def test_crash_loop_ends_a_running_process_again_and_again(client, bad, code):
    machine = client.create_web(restart={"policy": "always"})
    bad("crash-loop", exit_code=code, count=2)
    until(lambda: len(client.exits(machine)) == 2)
    assert [each["exit_code"] for each in client.exits(machine)] == [code, code]
    until(lambda: client.is_healthy(machine))


def test_out_of_memory_is_reported_as_such(client, bad):
    machine = client.create_web(restart={"policy": "always"})
    bad("oom", machine=machine[:6], count=1)
    until(lambda: client.exits(machine))
    assert client.exits(machine)[0]["oom_killed"] is True
    assert any("Out of memory" in line for line in client.messages(machine, "runner"))


def test_proxy_does_not_learn_of_changes(platform, client, bad):
    old = client.create_web()
    fault_id = bad("stale-proxy-view")
    new = client.create_web()
    client.call("POST", f"/{old}/cordon")
    assert {client.proxy.get("/").json()["machine"] for _ in range(6)} == {old}
    platform.remove_fault(fault_id)
    assert {client.proxy.get("/").json()["machine"] for _ in range(6)} == {new}


def test_proxy_learns_that_a_machine_runs_when_it_asks_for_its_start(client, bad):
    machine = client.create_web()
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    bad("stale-proxy-view")
    client.call("POST", f"/{machine}/start")
    client.wait(machine, "started")

    forced = client.proxy.get("/", headers={"fly-force-instance-id": machine})

    assert forced.json()["machine"] == machine


def test_unreachable_host(platform, client, bad):
    lost, other = client.create_web(), client.create_web()
    fault_id = bad("host-unreachable", machine=lost)
    seen = client.get(lost)
    assert (seen["host_status"], seen["state"]) == ("unreachable", "started")
    assert "config" not in seen
    assert seen["incomplete_config"]["image"]
    assert client.get(other)["host_status"] == "ok"
    assert client.call("POST", f"/{lost}/stop").status_code == 503
    assert client.call("GET", f"/{lost}/ps").status_code == 503
    assert {client.proxy.get("/").json()["machine"] for _ in range(6)} == {other}
    forced = client.proxy.get("/", headers={"fly-force-instance-id": lost})
    assert forced.status_code == 502
    assert any("[PU03]" in line for line in client.messages(lost, "proxy"))
    platform.remove_fault(fault_id)
    assert client.proxy.get("/", headers={"fly-force-instance-id": lost}).status_code == 200


def test_hanging_checks_stay_as_they_were(platform, client, bad):
    machine = client.create_web()
    fault_id = bad("check-hang")
    client.proxy.get("/unready")
    new = client.create_web(wait_healthy=False)
    until(lambda: client.exec(new, "true")["exit_code"] == 0)
    assert client.is_healthy(machine)
    assert [check["status"] for check in client.get(new)["checks"]] == ["warning"]
    platform.remove_fault(fault_id)
    until(lambda: not client.is_healthy(machine))
    until(lambda: client.is_healthy(new))


def test_log_gap_loses_lines(platform, client, bad):
    first = client.create_web()
    fault_id = bad("log-gap")
    lost = client.create_web()
    platform.remove_fault(fault_id)
    kept = client.create_web()
    until(lambda: "listening" in client.messages(kept, "app"))
    assert client.messages(lost) == []
    assert "listening" in client.messages(first)


def test_delayed_lines_come_later_and_none_is_lost(platform, client, bad):
    page = client.api.get(f"/api/v1/apps/{client.app}/logs").json()
    fault_id = bad("log-delay", delay_s=600)
    machine = client.create_web()
    token = page["meta"]["next_token"]
    late = client.api.get(f"/api/v1/apps/{client.app}/logs", params={"next_token": token}).json()
    assert late["data"] == []
    platform.remove_fault(fault_id)
    token = late["meta"]["next_token"]
    now = client.api.get(f"/api/v1/apps/{client.app}/logs", params={"next_token": token}).json()
    assert machine in {line["attributes"]["instance"] for line in now["data"]}


def test_command_line_switches_faults(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["local", "fault", "list"]) == 1
    assert "no local platform runs" in capsys.readouterr().err
    with LocalPlatform.start(by_hand_dir(tmp_path)) as platform, contextlib.closing(platform):
        add = ["local", "fault", "add", "api-5xx", "--endpoint", "logs", "--for", "30s"]
        assert main([*add, "--count", "2", "--status", "502"]) == 0
        said = capsys.readouterr().out
        assert "api-5xx-1 (status 502, endpoint logs) for 30 s, at most 2 more times" in said
        assert main(["local", "fault", "list", "--json"]) == 0
        assert '"kind":"api-5xx"' in capsys.readouterr().out
        assert main(["local", "fault", "add", "nonsense"]) == 4
        assert "there are: api-429" in capsys.readouterr().err
        assert main(["local", "fault", "clear", "api-5xx-1"]) == 0
        assert main(["local", "fault", "add", "dns-failure", "--host", "a.b", "--host", "c"]) == 0
        assert main(["local", "fault", "add", "check-flap", "--every", "3"]) == 0
        assert main(["local", "fault", "add", "link", "--to", "app:shop", "--refused"]) == 0
        assert [fault["kind"] for fault in platform.faults()] == [
            "dns-failure",
            "check-flap",
            "link",
        ]
        assert platform.faults()[0]["hosts"] == ["a.b", "c"]
        assert main(["local", "fault", "clear"]) == 0
        assert "switched off: 3" in capsys.readouterr().out


def test_link_is_bad_until_it_is_switched_off(platform, client):
    machine = client.create_web()
    told = {"from": "client", "to": "edge", "latency_s": 0.4, "for": "30s"}
    made = platform.add_fault({"kind": "link", **told})
    (listed,) = platform.faults()
    assert (listed["kind"], listed["from"], listed["latency_s"]) == ("link", "client", 0.4)
    began = time.monotonic()
    assert client.proxy.get("/").json()["machine"] == machine
    assert time.monotonic() - began >= 0.4
    platform.remove_fault(made["id"])
    assert platform.clear_faults() == 0


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"from": "client"}, "expected latency_s, jitter_s"),
        ({"from": "machines", "blackhole": True}, "expected anywhere, client"),
        ({"latency_s": -1}, "expected latency_s from 0"),
        ({"blackhole": True, "for": "2h"}, "at most 3600"),
        ({"blackhole": True, "app": "shop"}, "unknown field `app`"),
    ],
)
def test_link_that_cannot_be_is_refused(platform, told, said):
    with pytest.raises(LocalPlatformError, match=said):
        platform.add_fault({"kind": "link", **told})
    assert platform.faults() == []
