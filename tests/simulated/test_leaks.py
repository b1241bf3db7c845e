"""Machines that come and go leave nothing in the server: no file, process, thread or memory."""

import os
from dataclasses import dataclass

import psutil
import pytest

from pytest_sre.local import Image, Script

REPEAT = int(os.environ.get("SRE_REPEAT", "1"))
SIMULATED, PROCESSES, WARM_UP = 1000 * REPEAT, 50 * REPEAT, 300
KEPT_DESTROYED = 100
# The server's own work, such as metrics, opens and closes some between two looks.
FEW = 8
# A Machine that were kept takes 13 kB; its log lines, which are kept up to a bound, take 1 kB.
LEAST_TAKEN_BYTES = 10_000


@dataclass(frozen=True)
class Usage:
    """What a server holds."""

    files: int
    threads: int
    children: int
    bytes: int


def usage(pid: int) -> Usage:
    server = psutil.Process(pid)
    children = [each for each in server.children(recursive=True) if each.is_running()]
    return Usage(server.num_fds(), server.num_threads(), len(children), server.memory_info().rss)


def come_and_go(simulation, config, cycles):
    for _ in range(cycles):
        machine = simulation.call("POST", "", json={"config": config}).json()["id"]
        simulation.wait(machine, "started")
        gone = simulation.call("DELETE", f"/{machine}", params={"force": "true"})
        assert gone.status_code == 200, gone.text
        simulation.wait(machine, "destroyed")


@pytest.mark.timeout(300 * REPEAT)
@pytest.mark.parametrize(("kind", "cycles"), [("simulated", SIMULATED), ("process", PROCESSES)])
def test_nothing_is_left_of_machines_that_are_gone(simulation, tmp_path, kind, cycles):
    script = Script() if kind == "simulated" else None
    image = Image(f"registry.local/leaks:{kind}", str(tmp_path), simulated=script)
    simulation.platform.register_image(image)
    config = {
        "image": image.ref,
        "init": {"exec": ["sleep", "1000"]},
        "checks": {"own": {"type": "tcp", "port": 8080, "interval": "1h"}},
        "files": [{"guest_path": "/etc/app.toml", "raw_value": ""}],
    }
    come_and_go(simulation, config, WARM_UP if script else PROCESSES // 2)
    before = usage(simulation.platform.pid)
    come_and_go(simulation, config, cycles)
    after = usage(simulation.platform.pid)
    assert after.children == before.children
    assert after.threads - before.threads <= FEW
    assert after.files - before.files <= FEW
    assert after.bytes - before.bytes < LEAST_TAKEN_BYTES * max(cycles, 1000)
    kept = simulation.call("GET", "", params={"include_deleted": "true"}).json()
    assert len(kept) <= KEPT_DESTROYED
    state = simulation.platform.state_dir
    assert [*state.glob("tmp/*"), *state.glob("files/*")] == []


def test_the_last_destroyed_machines_stay_readable(simulation):
    machine = simulation.create(Script())
    simulation.call("DELETE", f"/{machine}", params={"force": "true"})
    simulation.wait(machine, "destroyed")
    assert simulation.get(machine)["state"] == "destroyed"
