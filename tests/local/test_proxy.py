import collections
import concurrent.futures
import itertools
import re
import threading

import httpx
import psutil
import pytest

from tests.patience import until


def served_by(client, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.proxy.get("/", headers=names).json()["machine"]


def proxy_lines(client):
    lines = [line for line in client.logs() if line["meta"]["event"]["provider"] == "proxy"]
    return [(line["level"], line["message"]) for line in lines]


def test_a_request_arrives_as_it_was_sent_with_the_documented_headers(client):
    machine = client.create_web()
    answer = client.proxy.post("/a%2Fb?x=1&x=%20", content="body", headers={"te": "trailers"})
    seen = answer.json()
    assert (answer.status_code, seen["method"], seen["path"]) == (201, "POST", "/a%2Fb?x=1&x=%20")
    assert (seen["body"], seen["machine"]) == ("body", machine)
    headers = seen["headers"]
    assert headers["fly-region"] == "iad"
    assert headers["fly-client-ip"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["via"] == "1.1 fly.io"
    assert "te" not in headers
    assert answer.headers["fly-request-id"] == headers["fly-request-id"]
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}-iad", answer.headers["fly-request-id"])
    assert answer.headers["server"].startswith("Fly/")
    assert answer.headers["via"] == "1.1 fly.io"
    assert answer.headers.get_list("x-two") == ["1", "2"]


def test_large_bodies_are_passed_on_whole(client):
    client.create_web()
    body = "x" * 3_000_000
    assert client.proxy.post("/", content=body).json()["body"] == body
    assert client.proxy.head("/").status_code == 501


def test_requests_are_spread_over_the_machines_of_the_edge_region(client):
    near = {client.create_web(), client.create_web()}
    client.create_web(region="ams")
    counts = collections.Counter(served_by(client) for _ in range(10))
    assert dict.fromkeys(near, 5) == counts


def test_a_machine_and_a_region_can_be_asked_for(client):
    client.create_web()
    far = client.create_web(region="ams")
    assert served_by(client, fly_force_instance_id=far) == far
    assert served_by(client, fly_prefer_instance_id=far) == far
    assert served_by(client, fly_prefer_region="ams") == far
    assert served_by(client, fly_force_region="syd,ams") == far
    assert served_by(client, fly_prefer_region="syd")
    assert client.proxy.get("/", headers={"fly-force-region": "syd"}).status_code == 503


def test_a_cordoned_machine_gets_nothing_until_it_is_uncordoned(client):
    first, second = client.create_web(), client.create_web()
    client.call("POST", f"/{first}/cordon")
    assert {served_by(client) for _ in range(4)} == {second}
    assert client.proxy.get("/", headers={"fly-force-instance-id": first}).status_code == 503
    client.call("POST", f"/{first}/uncordon")
    assert {served_by(client) for _ in range(4)} == {first, second}


def test_an_unhealthy_machine_is_reached_by_force_only(client):
    machine = client.create_web()
    client.proxy.get("/unready")
    until(lambda: not client.is_healthy(machine))
    answer = client.proxy.get("/")
    assert answer.status_code == 503
    assert "fly-request-id" in answer.headers
    assert served_by(client, fly_force_instance_id=machine) == machine
    (line,) = proxy_lines(client)
    assert line[0] == "error"
    assert line[1].startswith("[PR04] could not find a good candidate")


def test_an_unknown_machine_is_503_and_logged(client):
    client.create_web()
    headers = {"fly-force-instance-id": "0123456789abcd"}
    assert client.proxy.get("/", headers=headers).status_code == 503
    assert proxy_lines(client) == [("error", "[PR02] machine not found")]


def test_an_app_without_machines_is_503(client):
    assert client.proxy.get("/").status_code == 503


def test_a_machine_that_does_not_listen_is_502_and_another_is_tried_first(client):
    silent = client.deaf(
        services=[{"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}]
    )
    assert client.proxy.get("/").status_code == 502
    messages = [message for _, message in proxy_lines(client)]
    assert messages[0].startswith("[PC01] instance refused connection.")
    assert messages[1].startswith("[PR03] could not find a good candidate")
    assert "[PC01]" in messages[1]
    web = client.create_web()
    assert {served_by(client) for _ in range(4)} == {web}
    assert client.proxy.post("/", content="kept").json()["body"] == "kept"
    forced = client.proxy.get("/", headers={"fly-force-instance-id": silent})
    assert forced.status_code == 502


def test_a_machine_that_drops_the_request_is_502(client):
    machine = client.create_web()
    assert client.proxy.get("/drop").status_code == 502
    assert proxy_lines(client)[-1][1].startswith("[PU02] could not complete HTTP request")
    assert served_by(client) == machine


def test_a_stopped_machine_is_started_for_a_request(client):
    machine = client.create_web()
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    assert served_by(client) == machine
    assert "proxy" in {event["source"] for event in client.get(machine)["events"]}
    assert ("info", "Starting machine") in proxy_lines(client)


def test_without_autostart_a_stopped_machine_stays_stopped(client):
    machine = client.create_web(service={"autostart": False})
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    assert client.proxy.get("/").status_code == 503
    assert client.get(machine)["state"] == "stopped"


def test_the_hard_limit_holds_back_what_a_machine_cannot_take(client):
    client.create_web(service={"concurrency": {"type": "requests", "hard_limit": 1}})
    url = str(client.proxy.base_url)

    at_once = threading.Barrier(3, timeout=60)

    def hold(_):
        with httpx.Client(trust_env=False, verify=False, timeout=90) as http:
            at_once.wait()
            return http.get(f"{url}/hold", headers={"x-hold": "0.2"}).json()["held"]

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        held = sorted(pool.map(hold, range(3)))
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(held))


def test_a_request_given_up_by_its_client_frees_the_machine(client):
    machine = client.create_web(service={"concurrency": {"type": "requests", "hard_limit": 1}})
    with pytest.raises(httpx.ReadTimeout):
        client.proxy.get("/hold", headers={"x-hold": "30"}, timeout=0.3)
    assert served_by(client) == machine


def test_a_crash_while_serving_is_502_and_the_machine_comes_back(client):
    machine = client.create_web()
    assert client.proxy.get("/exit", headers={"x-code": "1"}).status_code == 502
    until(lambda: client.exits(machine))
    until(lambda: client.is_healthy(machine))
    assert served_by(client) == machine


def test_names_of_the_private_network_work_through_the_proxy_in_the_environment(client):
    web = client.create_web(metadata={"fly_process_group": "web"})
    caller = client.create(["sleep", "1000"], metadata={"fly_process_group": "worker"})
    fetch = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())"
    app = client.app
    for host in (
        f"web.process.{app}.internal",
        f"{app}.internal",
        f"{web}.vm.{app}.internal",
        f"iad.{app}.internal",
        f"{app}.flycast",
    ):
        url = f"http://{host}:8080/from?q=1"
        done = client.exec(caller, "python", "-S", "-c", fetch, url)
        assert web in done["stdout"], (host, done)
        assert '"path": "/from?q=1"' in done["stdout"]
    failed = client.exec(
        caller, "python", "-S", "-c", fetch, f"http://none.process.{app}.internal:8080/"
    )
    assert "502" in failed["stderr"]


def test_requests_to_other_hosts_pass_the_internal_proxy_as_they_are(client):
    machine = client.create(["sleep", "1000"])
    environment = dict(
        line.split("=", 1) for line in client.exec(machine, "env")["stdout"].splitlines()
    )
    with httpx.Client(proxy=environment["http_proxy"], trust_env=False, timeout=90) as http:
        answer = http.get(f"{client.platform.api_url}/v1/apps")
    assert answer.json() == {"error": "Authenticate: token validation error"}


def test_a_machine_that_was_replaced_leaves_no_process_behind(client):
    machine = client.create_web()
    pid = client.pid(machine)
    config = client.get(machine)["config"]
    client.call("POST", f"/{machine}", json={"config": config})
    client.wait(machine, "started")
    until(lambda: client.is_healthy(machine))
    assert served_by(client) == machine
    assert not psutil.pid_exists(pid)
