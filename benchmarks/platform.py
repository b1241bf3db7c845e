"""The local platform: its API, its Machines, simulated ones by the thousand, and its proxy.

Run as ``python -m benchmarks.platform`` or ``python benchmarks/platform.py``. The platform's
server, and nginx, get one core for themselves; the app and the load take another.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
import psutil

from benchmarks.form import Target, report, wants_quick
from benchmarks.http_load import Load, load_at, load_fully
from benchmarks.nginx import nginx_before
from pytest_sre.local import Image, LocalPlatform, Script

MACHINES = 2000
RATE_PER_S = 500.0
ADDED_LIMIT_MS = 2.0
LEAST_PER_S = 2000.0
BEYOND_LIMIT_MS = 150.0
SIMULATED, REAL = "registry.local/simulated:1", "registry.local/real:1"
MIB = 1024 * 1024

# Answers what it is asked at once; with no more than that it is the fastest app there can be.
APP = """
import asyncio, os

ANSWER = b"HTTP/1.1 200 OK\\r\\ncontent-type: text/plain\\r\\ncontent-length: 5\\r\\n\\r\\nhello"

class App(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER * data.count(b"\\r\\n\\r\\n"))

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(App, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    await server.serve_forever()

asyncio.run(main())
"""
COMMAND = [sys.executable, "-S", "-E", "app.py"]


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    calls: int
    starts: int
    rounds: int
    duration_s: float


FULL = Sizes(calls=5000, starts=15, rounds=5, duration_s=6.0)
QUICK = Sizes(calls=1000, starts=5, rounds=3, duration_s=1.5)


class Calls:
    """The API of one app."""

    def __init__(self, platform: LocalPlatform, app: str) -> None:
        self._http = httpx.Client(
            base_url=platform.api_url,
            headers={"authorization": f"Bearer {platform.token}"},
            trust_env=False,
            timeout=60,
        )
        self._app = app
        self._http.post("/v1/apps", json={"name": app}).raise_for_status()

    def call(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        """A call about the app's Machines."""
        path = f"/v1/apps/{self._app}/machines{path}"
        return self._http.request(method, path, **options).raise_for_status()

    def create(self, config: dict[str, Any]) -> str:
        """Create a Machine; its id."""
        return str(self.call("POST", json={"config": config}).json()["id"])

    def destroy(self, machine: str) -> None:
        """Destroy a Machine, and wait until it is."""
        self.call("DELETE", f"/{machine}", params={"force": "true"})
        self.call("GET", f"/{machine}/wait", params={"state": "destroyed"})

    def await_healthy(self, machine: str) -> None:
        """Wait until its checks pass."""
        while not _passes(self.call("GET", f"/{machine}").json()):
            time.sleep(0.001)


def main() -> None:
    sizes = QUICK if wants_quick("Measure the local platform.") else FULL
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "app.py").write_text(APP)
        with LocalPlatform.start(root / "state") as platform:
            platform.register_image(Image(SIMULATED, simulated=Script()))
            platform.register_image(Image(REAL, str(root)))
            measured = [
                *_measure_api(platform, sizes),
                *_measure_starts(platform, root, sizes),
                *_measure_proxy(platform, sizes),
                *_measure_scale(platform, sizes),
            ]
    report(
        "platform",
        titles=("what", "value"),
        rows=[row for rows, _ in measured for row in rows],
        targets=[target for _, targets in measured for target in targets],
        libraries=("pytest-sre", "uvicorn", "starlette", "aiohttp", "msgspec"),
    )


Measured = tuple[list[tuple[str, str]], list[Target]]


def _measure_api(platform: LocalPlatform, sizes: Sizes) -> Iterator[Measured]:
    calls = Calls(platform, "api")
    machine = calls.create({"image": SIMULATED})
    read_s = _each_s(lambda: calls.call("GET", f"/{machine}"), sizes.calls)
    update = {"config": {"image": SIMULATED, "env": {"A": "1"}}}
    write_s = _each_s(lambda: calls.call("POST", f"/{machine}", json=update), sizes.calls // 5)
    yield (
        [
            ("read a Machine, one after the other", f"{1 / read_s:,.0f} calls/s"),
            ("update a Machine, one after the other", f"{1 / write_s:,.0f} calls/s"),
        ],
        [],
    )


def _measure_starts(platform: LocalPlatform, root: Path, sizes: Sizes) -> Iterator[Measured]:
    """The app started bare and as a Machine, in turns."""
    calls = Calls(platform, "starts")
    check = {"type": "http", "port": 8080, "path": "/"}
    config = {"image": REAL, "init": {"exec": COMMAND}, "checks": {"up": check}}
    bare, healthy = [], []
    for _ in range(sizes.starts):
        bare.append(_bare_start_s(root))
        began = time.perf_counter()
        machine = calls.create(config)
        calls.await_healthy(machine)
        healthy.append(time.perf_counter() - began)
        calls.destroy(machine)
    own_ms, whole_ms = statistics.median(bare) * 1000, statistics.median(healthy) * 1000
    beyond_ms = max(0.0, whole_ms - own_ms)
    yield (
        [
            ("the app's own start", f"{own_ms:.0f} ms"),
            ("from the call that creates a Machine to healthy", f"{whole_ms:.0f} ms"),
        ],
        [Target("create to healthy, beyond the app", beyond_ms, "ms", "<=", BEYOND_LIMIT_MS)],
    )


def _measure_proxy(platform: LocalPlatform, sizes: Sizes) -> Iterator[Measured]:
    """The app bare, behind the platform's proxy and behind nginx, in turns."""
    calls = Calls(platform, "proxied")
    service = {"internal_port": 8080, "ports": [{"port": 80, "handlers": ["http"]}]}
    machine = calls.create({"image": REAL, "init": {"exec": COMMAND}, "services": [service]})
    calls.call("GET", f"/{machine}/wait", params={"state": "started"})
    process = calls.call("GET", f"/{machine}/ps").json()[0]
    bare_url = f"http://127.0.0.1:{_await_port(process['pid'])}"
    with _apart(platform.pid) as core, nginx_before(bare_url, core) as nginx_url:
        urls = {"bare": bare_url, "proxy": platform.app_url("proxied"), "nginx": nginx_url}
        reached = {name: url for name, url in urls.items() if url}
        paced = _in_turns(reached, sizes, lambda url: load_at(url, RATE_PER_S, sizes.duration_s))
        full = _in_turns(reached, sizes, lambda url: load_fully(url, sizes.duration_s))
    calls.destroy(machine)
    p50_ms = {
        name: statistics.median(each.percentile_s(50) for each in loads) * 1000
        for name, loads in paced.items()
    }
    most = {name: max(each.rate_per_s for each in loads) for name, loads in full.items()}
    failures = sum(each.failures for loads in (*paced.values(), *full.values()) for each in loads)
    title = f"p50 at {RATE_PER_S:g} requests/s, and the most"
    rows = [(f"{name}: {title}", f"{p50_ms[name]:.2f} ms, {most[name]:,.0f}/s") for name in reached]
    if nginx_url is None:
        rows.append(("nginx", "left out: it is not on the PATH"))
    added_ms = p50_ms["proxy"] - p50_ms["bare"]
    yield (
        rows,
        [
            Target("p50 added by the proxy", added_ms, "ms", "<=", ADDED_LIMIT_MS),
            Target("through the proxy on one core", most["proxy"], "/s", ">=", LEAST_PER_S),
            Target("requests that failed", failures, "", "<=", 0),
        ],
    )


def _measure_scale(platform: LocalPlatform, sizes: Sizes) -> Iterator[Measured]:
    calls = Calls(platform, "fleet")
    check = {"type": "http", "path": "/"}
    service = {"internal_port": 8080, "ports": [{"port": 80}], "checks": [check]}
    config = {"image": SIMULATED, "env": {"A": "1"}, "services": [service]}
    server = psutil.Process(platform.pid)
    before = server.memory_info().rss
    create_s = _each_s(lambda: calls.create(config), MACHINES)
    used = server.memory_info().rss - before
    list_s = _each_s(lambda: calls.call("GET"), sizes.rounds)
    idle = server.cpu_times()
    time.sleep(sizes.duration_s)
    now = server.cpu_times()
    busy = (now.user + now.system - idle.user - idle.system) / sizes.duration_s
    url = platform.app_url("fleet")
    with httpx.Client(trust_env=False) as client:
        request_s = _each_s(lambda: client.get(url).raise_for_status(), 50)
    yield (
        [
            (f"create {MACHINES:,} simulated Machines", f"{create_s * MACHINES:.1f} s"),
            ("their memory", f"{used / MIB:.0f} MiB, {used / MACHINES / 1024:.1f} KiB each"),
            ("list all of them", f"{list_s * 1000:.0f} ms"),
            ("a request to one of them", f"{request_s * 1000:.1f} ms"),
            ("the server at rest, with them", f"{busy:.1%} of a core"),
        ],
        [],
    )


def _in_turns(
    urls: dict[str, str], sizes: Sizes, measure: Callable[[str], Load]
) -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {name: [] for name in urls}
    for _ in range(sizes.rounds):
        for name, url in urls.items():
            loads[name].append(measure(url))
    return loads


@contextlib.contextmanager
def _apart(pid: int) -> Iterator[int]:
    """Give the server a core for itself, and all else of ours the others; the core's number."""
    own = psutil.Process()
    cores = own.cpu_affinity()
    one, *others = cores
    server = psutil.Process(pid)
    rest = server.children(recursive=True)
    server.cpu_affinity([one])
    for each in (own, *rest):
        each.cpu_affinity(others or cores)
    try:
        yield one
    finally:
        for each in (own, server, *rest):
            with contextlib.suppress(psutil.Error):
                each.cpu_affinity(cores)


def _bare_start_s(root: Path) -> float:
    """From the command to the first answer."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    environment = {"PORT": str(port), "PATH": os.environ["PATH"]}
    began = time.perf_counter()
    process = subprocess.Popen(COMMAND, cwd=root, env=environment)
    try:
        while not _answers(port):
            time.sleep(0.001)
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            return bool(connection.recv(100))
    except OSError:
        return False


def _await_port(pid: int) -> int:
    """The port that a process listens on, once it does."""
    while True:
        for connection in psutil.Process(pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                return int(connection.laddr.port)
        time.sleep(0.01)


def _each_s(work: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def _passes(machine: dict[str, Any]) -> bool:
    return all(check["status"] == "passing" for check in machine["checks"])


if __name__ == "__main__":
    main()
