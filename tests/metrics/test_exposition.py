"""What the page that Prometheus reads says of apps and Machines."""

import httpx
import pytest

PROCESS = "registry.local/process:1"
MB = 1024 * 1024
HUNGRY = "x = bytearray(60 << 20); print('ready', flush=True); import time; time.sleep(100)"
BUSY = "while True: pass"


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


def test_memory_cpu_and_files_are_those_of_the_process(client, until):
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


@pytest.mark.parametrize("path", ["/_local/metrics", "/prometheus/personal/api/v1/query?query=1"])
def test_nothing_is_told_without_the_token(platform, path):
    answer = httpx.get(platform.api_url + path, trust_env=False)

    assert answer.status_code == 401
