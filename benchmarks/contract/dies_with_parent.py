"""P9: load dies with who ordered it, and never exceeds its cap on requests.

A process that drives load is killed (-9) at a random moment; the server counts what still comes.
Every other load is of journeys that compute and let nothing else in their process run.

Run as ``python benchmarks/contract/dies_with_parent.py [--quick]``; ``KILLS=50`` makes it shorter.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.form import Target, report, wants_quick
from pytest_sre.load.driving import drive
from pytest_sre.load.plan import Caps, LoadPlan, constant

ROOT = Path(__file__).resolve().parents[2]
KILLS, QUICK_KILLS = int(os.environ.get("KILLS", "200")), 4
RATE, PROCESSES, CAP = 200, 2, 101
LONGEST_S = 1.0
PATIENCE_S = 60.0
SEED = 9
JOURNEYS = """
import time
from pytest_sre import journey

@journey("get")
def get(client):
    client.get("/")

@journey("compute")
def compute(client):
    client.get("/")
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        pass
"""
ORDERING = f"""
import sys
from pathlib import Path
from pytest_sre.load.driving import drive
from pytest_sre.load.plan import LoadPlan, constant

url, journeys, journey = sys.argv[1:]
plan = LoadPlan(workload=constant({RATE}, 600), mix={{journey: 1.0}})
drive(plan, url, journey_files=[Path(journeys)], processes={PROCESSES})
"""


def main() -> None:
    quick = wants_quick(__doc__ or "")
    kills = QUICK_KILLS if quick else KILLS
    chance, began = random.Random(SEED), time.monotonic()
    after: list[int] = []
    late_s: list[float] = []
    orphans = exceeded = 0
    with tempfile.TemporaryDirectory() as folder, counting_server() as server:
        journeys = Path(folder) / "journeys.py"
        journeys.write_text(JOURNEYS)
        for number in range(kills):
            journey = "compute" if number % 2 else "get"
            killed_at, left = killed_while_loading(server, journeys, journey, chance.random())
            orphans += left
            came = [at - killed_at for at in server.came if at > killed_at]
            after.append(len(came))
            late_s.append(max(came, default=0.0))
        capped = max(2, kills // 10)
        for _ in range(capped):
            exceeded = max(exceeded, sent_under_cap(server, journeys) - CAP)
    report(
        "dies_with_parent",
        titles=("what", "figure"),
        rows=[
            ("killed while loading", str(kills)),
            ("requests that came later, at most, median", f"{max(after)}, {_median(after):.0f}"),
            ("the last of them", f"{max(late_s) * 1e3:.0f} ms after the kill"),
            ("loads with a cap", str(capped)),
            ("taken", f"{time.monotonic() - began:.1f} s"),
        ],
        targets=[
            Target("requests after the kill", max(after), "", "<=", RATE * LONGEST_S),
            Target("the last request after the kill", max(late_s), "s", "<=", LONGEST_S),
            Target("processes left", orphans, "", "<=", 0),
            Target("requests beyond the cap", exceeded, "", "<=", 0),
        ],
        libraries=["gevent", "geventhttpclient"],
    )


class Server:
    """When requests came, by the monotonic clock."""

    def __init__(self) -> None:
        self.url = ""
        self.came: list[float] = []


class _Counting(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._server.came.append(time.monotonic())
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


@contextmanager
def counting_server() -> Iterator[Server]:
    server, loop = Server(), asyncio.new_event_loop()
    listening = loop.run_until_complete(
        loop.create_server(lambda: _Counting(server), "127.0.0.1", 0, backlog=1024)
    )
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def killed_while_loading(
    server: Server, journeys: Path, journey: str, wait_s: float
) -> tuple[float, int]:
    """Kill one that orders load; when that was, and how many of its processes stayed."""
    server.came.clear()
    ordering = subprocess.Popen(
        [sys.executable, "-c", ORDERING, server.url, str(journeys), journey], cwd=ROOT
    )
    _until(lambda: server.came)
    time.sleep(wait_s)
    children = psutil.Process(ordering.pid).children(recursive=True)
    killed_at = time.monotonic()
    ordering.kill()
    ordering.wait()
    _, left = psutil.wait_procs(children, timeout=PATIENCE_S)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    return killed_at, len(left)


def sent_under_cap(server: Server, journeys: Path) -> int:
    """How many requests come of a load that is planned to make far more than its cap."""
    server.came.clear()
    plan = LoadPlan(workload=constant(RATE, 20), mix={"get": 1.0}, caps=Caps(requests=CAP))
    result = drive(plan, server.url, journey_files=[journeys], processes=PROCESSES)
    assert result.reason == "cap"
    return len(server.came)


def _until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"no load came within {PATIENCE_S:g} s")
        time.sleep(0.005)


def _median(values: list[int]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
