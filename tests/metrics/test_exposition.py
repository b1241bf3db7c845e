"""What the page that Prometheus reads says of apps and Machines."""

import contextlib
import socket

import httpx
import pytest

from tests.patience import until

PROCESS = "registry.local/process:1"
SIMULATED = "registry.local/simulated:1"
MB = 1024 * 1024
HUNGRY = "x = bytearray(60 << 20); import time; time.sleep(100)"
STARVING = "x = bytearray(300 << 20); import time; time.sleep(100)"
BUSY = "while True: pass"
FILLER = """
import os, time
with open(os.environ["FLY_VOLUME_DATA"] + "/file", "wb") as file:
    file.truncate(64 << 20)
time.sleep(100)
"""
SERVER = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def python(program):
    return {"init": {"exec": ["python", "-S", "-E", "-c", program]}}


def test_answers_are_counted_at_the_edge_and_at_the_machine(client):
    machine = client.create(region="fra")
    client.page()
    client.send("/", 5)
    client.send("/fail", 2)
    client.page()

    edge = {"region": "fra", "host": "10ca"}
    assert client.value("fly_edge_http_responses_count", status="200", **edge) == 5
    assert client.value("fly_edge_http_responses_count", status="503", **edge) == 2
    assert client.value("fly_app_http_responses_count", status="503", instance=machine) == 2
    assert client.value("fly_edge_http_response_time_seconds_count", **edge) == 7
    assert client.value("fly_edge_data_out") >= 500


def test_answers_of_the_proxy_itself_are_counted_at_the_edge_only(client):
    client.page()
    client.send("/", 3)
    client.page()

    assert client.value("fly_edge_http_responses_count", status="503") == 3
    assert client.value("fly_app_http_responses_count") is None


def test_how_long_answers_took_is_in_the_bucket_that_holds_it(client):
    client.create()
    client.send("/slow", 2)
    client.page()

    name = "fly_edge_http_response_time_seconds"
    assert client.value(f"{name}_bucket", le="0.3") == 0
    assert client.value(f"{name}_bucket", le="+Inf") == 2
    assert client.value(f"{name}_sum") >= 0.8


def test_a_machine_is_up_until_it_ends_and_its_exit_code_stays(client):
    machine = client.create(
        PROCESS, restart={"policy": "no"}, **python("import time; time.sleep(100)")
    )
    assert client.value("fly_instance_up", instance=machine) == 1

    client.api.post(f"/v1/apps/{client.app}/machines/{machine}/stop", json={"signal": "SIGTERM"})
    client.wait(machine, "stopped")
    assert client.value("fly_instance_up", instance=machine) is None
    assert client.value("fly_instance_exit_code", instance=machine) == 143
    assert client.value("fly_instance_exit_oom", instance=machine) == 0


def test_memory_cpu_and_files_are_those_of_the_process(client):
    guest = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 512}
    hungry = client.create(PROCESS, guest=guest, **python(HUNGRY))
    busy = client.create(PROCESS, guest=guest, **python(BUSY))

    assert client.value("fly_instance_memory_mem_total", instance=hungry) == 512 * MB

    def free():
        return client.value("fly_instance_memory_mem_available", instance=hungry)

    assert until(lambda: free() < 452 * MB)
    assert free() > 300 * MB
    assert until(lambda: client.value("fly_instance_cpu", instance=busy, mode="user") >= 20)
    assert client.value("fly_instance_filefd_allocated", instance=busy) >= 3
    assert client.value("fly_instance_filesystem_blocks", instance=busy, mount="/") > 0


def test_counts_of_a_deleted_app_are_gone(client):
    client.create()
    client.send("/")
    assert client.page()
    client.api.delete(f"/v1/apps/{client.app}", params={"force": "true"})

    assert client.page() == {}


def test_counts_of_a_destroyed_machine_last_as_long_as_its_record(client):
    machine = client.create()
    client.send("/")
    path = f"/v1/apps/{client.app}/machines"
    client.api.delete(f"{path}/{machine}", params={"force": "true"}).raise_for_status()
    client.page()
    assert client.value("fly_app_http_responses_count", instance=machine) == 1

    for _ in range(100):
        wanted = {"config": {"image": SIMULATED}, "skip_launch": True}
        other = client.api.post(path, json=wanted).raise_for_status().json()["id"]
        client.api.delete(f"{path}/{other}", params={"force": "true"}).raise_for_status()
    client.wait(other, "destroyed")
    assert client.value("fly_app_http_responses_count", instance=machine) is None
    assert client.value("fly_edge_http_responses_count", status="200") == 1


def test_connections_to_a_machine_are_counted_when_they_open_and_close(client):
    machine = client.create(PROCESS, **python(SERVER))
    until(lambda: client.proxy.get("/").status_code == 200)
    client.send("/", 3)

    def count(what):
        return client.value(f"fly_app_tcp_{what}_count", instance=machine)

    assert until(lambda: count("connects"))
    assert client.value("fly_app_connect_time_seconds_count", instance=machine) == count("connects")
    assert client.value("fly_edge_tcp_connects_count") >= 1
    assert until(lambda: count("disconnects") == count("connects"))


def test_concurrency_is_what_a_machine_serves_now(client):
    machine = client.create()
    proxy = client.proxy.base_url
    with contextlib.ExitStack() as held:
        for _ in range(3):
            peer = held.enter_context(socket.create_connection((proxy.host, proxy.port)))
            peer.sendall(b"GET /hold HTTP/1.1\r\nhost: x\r\n\r\n")
        assert until(lambda: client.value("fly_app_concurrency", instance=machine) == 3)

    assert until(lambda: client.value("fly_app_concurrency", instance=machine) == 0)


def test_a_machine_that_took_too_much_memory_says_so(client):
    guest = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}
    machine = client.create(PROCESS, guest=guest, restart={"policy": "no"}, **python(STARVING))

    assert until(lambda: client.value("fly_instance_exit_oom", instance=machine) == 1)
    assert client.value("fly_instance_exit_code", instance=machine) == 137


def test_a_volume_is_as_full_as_its_files(client):
    path = f"/v1/apps/{client.app}/volumes"
    wanted = {"name": "data", "region": "iad", "size_gb": 1}
    volume = client.api.post(path, json=wanted).raise_for_status().json()["id"]
    machine = client.create(
        PROCESS, mounts=[{"volume": volume, "name": "data", "path": "/data"}], **python(FILLER)
    )

    assert client.value("fly_volume_size_bytes", id=volume, region="iad") == 1024 * MB
    full = pytest.approx(100 * 64 / 1024, rel=0.05)
    assert until(lambda: client.value("fly_volume_used_pct", id=volume) == full)
    [(labels, _)] = client.page()["fly_volume_used_pct"]
    assert sorted(labels) == ["app", "host", "id", "region"]
    mount = {"instance": machine, "mount": "/data"}
    blocks = client.value("fly_instance_filesystem_blocks", **mount)
    free = client.value("fly_instance_filesystem_blocks_avail", **mount)
    assert 1 - free / blocks == pytest.approx(64 / 1024, rel=0.05)


@pytest.mark.parametrize("path", ["/_local/metrics", "/prometheus/personal/api/v1/query?query=1"])
def test_nothing_is_told_without_the_token(platform, path):
    answer = httpx.get(platform.api_url + path, trust_env=False, timeout=90)

    assert answer.status_code == 401
