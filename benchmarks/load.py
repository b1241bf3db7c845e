"""Load: latencies that are true, arrivals that are on time, and what the telling of it costs.

Run as ``python benchmarks/load.py``. Compares with wrk when it and nginx are on the PATH.
"""

import asyncio
import collections
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.form import Target, report, wants_quick
from benchmarks.nginx import nginx_saying_ok
from pytest_sre.load.driving import drive
from pytest_sre.load.frames import Frame, Health, Unpacker, packed
from pytest_sre.load.gathering import Gathering
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.load.result import LoadResult
from pytest_sre.load.runner.counting import NOBODY, Counter, Run
from pytest_sre.slo.histogram import LatencyHistogram, index_of

STALL_S, STALL_RATE, STALL_DURATION_S = 2.0, 200.0, 20.0
RATE_BESIDE_WRK, WRK_CONNECTIONS = 500, 50
LATE_RATIO = 0.001
STEPS = (1_000, 2_000, 2_500, 3_000, 4_000, 5_000, 6_000, 8_000)
QUICK_STEPS = (1_000, 2_500, 4_000)
JOURNEY = """
from pytest_sre import journey

@journey("get")
def get(client):
    assert client.get("/").status_code == 200
"""
LOCUSTFILE = """
from locust import FastHttpUser, constant_throughput, task

class User(FastHttpUser):
    wait_time = constant_throughput({throughput})

    @task
    def get(self):
        self.client.get("/")
"""
Rows = list[tuple[str, ...]]


def main() -> None:
    quick = wants_quick(__doc__ or "")
    rows: Rows = []
    targets: list[Target] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), 4.0 if quick else 15.0, rows, targets)
        bench.omission()
        with nginx_saying_ok() as url:
            if url:
                bench.beside_wrk(url)
                bench.highest_rates(url, QUICK_STEPS if quick else STEPS)
    telling(rows, targets)
    merging(rows, targets)
    report(
        "load",
        titles=("what", "ours", "beside it"),
        rows=rows,
        targets=targets,
        libraries=["locust", "gevent", "geventhttpclient", "httpx"],
    )


class Bench:
    """What is measured with load that is made."""

    def __init__(self, folder: Path, duration_s: float, rows: Rows, targets: list[Target]) -> None:
        self._folder, self._duration_s = folder, duration_s
        self._rows, self._targets = rows, targets
        self._journeys = folder / "journeys.py"
        self._journeys.write_text(JOURNEY)

    def omission(self) -> None:
        """A server that stalls: those who came meanwhile waited, and are to be seen waiting."""
        with stalling_server() as url:
            result = self._load(url, STALL_RATE, STALL_DURATION_S)
        with stalling_server() as url:
            plain = self._locust(url, users=20, throughput=STALL_RATE / 20)
        for percent in (99.0, 99.9):
            # Those above x waited for the rest of the stall: (stall - x) * rate of them.
            true_s = STALL_S - (1 - percent / 100) * STALL_DURATION_S
            ours_s = result.runs().percentile_s(percent)
            self._rows.append(
                (
                    f"stall: p{percent:g}, true {true_s * 1e3:.0f} ms",
                    f"{ours_s * 1e3:.0f} ms",
                    f"locust {_rank(plain, percent):.0f} ms",
                )
            )
            name = f"p{percent:g} off the truth, server stalls"
            error = abs(ours_s / true_s - 1) * 100
            self._targets.append(Target(name, error, "%", "<=", 5))

    def beside_wrk(self, url: str) -> None:
        """The same rate on the same server, as wrk sees it and as we do."""
        if not shutil.which("wrk"):
            return
        theirs = self._wrk(url)
        whole = self._load(url, RATE_BESIDE_WRK, self._duration_s).runs()
        for percent in (50, 99):
            ours_ms = whole.sent_percentile_s(percent) * 1e3
            intended_ms = whole.percentile_s(percent) * 1e3
            self._rows.append(
                (
                    f"{RATE_BESIDE_WRK}/s: p{percent} from the send (from when due)",
                    f"{ours_ms:.2f} ms ({intended_ms:.2f} ms)",
                    f"wrk {theirs[percent]:.2f} ms",
                )
            )
            allowed = max(1.0, theirs[percent] / 10)
            name = f"p{percent} off wrk's at {RATE_BESIDE_WRK}/s"
            off_ms = abs(ours_ms - theirs[percent])
            self._targets.append(Target(name, off_ms, "ms", "<=", allowed))

    def highest_rates(self, url: str, steps: tuple[int, ...]) -> None:
        """The highest rate at which nearly all arrivals begin on time."""
        for processes in (1, 2):
            best, cpu = 0.0, 0.0
            for rate in steps:
                result = self._load(url, rate * processes, self._duration_s, processes)
                whole = result.runs()
                if whole.dropped or whole.late > LATE_RATIO * whole.planned:
                    break
                best = whole.rate_per_s
                cpu = max(one.cpu_ratio for one in result.health)
            said = f"{best:.0f}/s"
            self._rows.append(
                (f"highest rate on time, {processes} process(es)", said, f"{cpu:.0%} of a core")
            )
            if processes == 1:
                name = "highest rate on time, one process"
                self._targets.append(Target(name, best, "/s", ">=", 2_500))
        users = self._locust(url, users=64, throughput=1_000, duration_s=5)
        took = sum(users.values()) / 5
        self._rows.append(("most requests of locust, 64 FastHttpUsers", "", f"{took:.0f}/s"))
        if shutil.which("wrk"):
            most = self._run_wrk(url, "-t1", "-c32", "-d3")
            rate = re.search(r"Requests/sec: *([\d.]+)", most)
            self._rows.append(
                ("most requests of wrk", "", f"{float(rate[1]) if rate else 0:.0f}/s")
            )

    def _load(self, url: str, rate: float, duration_s: float, processes: int = 1) -> LoadResult:
        plan = LoadPlan(workload=constant(rate, duration_s), mix={"get": 1.0})
        result = drive(plan, url, journey_files=[self._journeys], processes=processes)
        if result.troubles or result.requests().errors:
            raise SystemExit(f"the load went wrong: {result.troubles} {result.requests().errors}")
        return result

    def _locust(
        self, url: str, *, users: int, throughput: float, duration_s: float = STALL_DURATION_S
    ) -> dict[float, int]:
        """Run plain locust; its response times in milliseconds as it keeps them, rounded."""
        file = self._folder / "locustfile.py"
        file.write_text(LOCUSTFILE.format(throughput=throughput))
        command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--json"]
        command += ["-u", str(users), "-r", "100", "-t", f"{duration_s:g}s", "--host", url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        (stats,) = json.loads(ran.stdout[ran.stdout.index("[") :])
        return {float(ms): count for ms, count in stats["response_times"].items()}

    def _wrk(self, url: str) -> dict[int, float]:
        script = self._folder / "wait.lua"
        script.write_text(
            f"function delay() return {1000 * WRK_CONNECTIONS // RATE_BESIDE_WRK} end"
        )
        duration = f"-d{self._duration_s:g}"
        said = self._run_wrk(
            url, "-t1", f"-c{WRK_CONNECTIONS}", duration, "--latency", "-s", str(script)
        )
        found = re.findall(r"(50|99)% +([\d.]+)(us|ms|s)\b", said)
        scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}
        return {int(percent): float(value) * scale[unit] for percent, value, unit in found}

    def _run_wrk(self, url: str, *options: str) -> str:
        command = ["wrk", *options, f"{url}/"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60
        ).stdout


def telling(rows: Rows, targets: list[Target]) -> None:
    """What a second's frame costs, as a share of what the requests of that second cost."""
    rate, rounds = 2_500, 10
    chance, counter = random.Random(1), Counter()
    counting_s = telling_s = 0.0
    unpacker, size = Unpacker(), 0
    for second in range(rounds):
        began = time.process_time()
        for _ in range(rate):
            run = Run("get", float(second))
            took_s = chance.expovariate(500)
            counter.began(run)
            counter.requested(run, "GET /", took_s, None, NOBODY)
            counter.ended(run, took_s, None)
        counted = time.process_time()
        sent = packed(counter.frame(Health()))
        telling_s += time.process_time() - counted
        counting_s += counted - began
        size = max(size, len(sent))
        assert isinstance(next(unpacker.words(sent)), Frame)
    share = telling_s / rounds * 100
    rows.append((f"a frame of {rate} requests", f"{telling_s / rounds * 1e3:.2f} ms", ""))
    rows.append(("its size", f"{size / 1024:.1f} KiB", ""))
    counted_us = counting_s / rounds / rate * 1e6
    rows.append(("counting a journey and its request", f"{counted_us:.1f} us", ""))
    targets.append(Target("telling, of a core's time", share, "%", "<=", 3))


def merging(rows: Rows, targets: list[Target]) -> None:
    """Four processes' frames added up, against all samples in one heap."""
    plan = LoadPlan(workload=constant(10, 10), mix={"get": 1.0})
    gathering, chance = Gathering(plan, "http://127.0.0.1", 0.0), random.Random(4)
    samples: list[float] = []
    for worker in range(4):
        counter = Counter()
        for _ in range(25_000):
            took_s = chance.lognormvariate(-4 + worker, 1)
            samples.append(took_s)
            counter.ended(Run("get", 1.0), took_s, None)
        gathering.add(counter.frame(Health()))
    whole = gathering.result(10.0, "complete").runs()
    samples.sort()
    worst = max(
        abs(whole.percentile_s(percent) / samples[int(len(samples) * percent / 100) - 1] - 1)
        for percent in (50, 90, 99, 99.9)
    )
    rows.append(("four processes merged, off all samples pooled", f"{worst:.4%}", ""))
    name = "four merged off pooled"
    targets.append(Target(name, worst * 100, "%", "<=", 0.1))


def _rank(counts: dict[float, int], percent: float) -> float:
    seen = collections.Counter(index_of(ms / 1e3) for ms, n in counts.items() for _ in range(n))
    return LatencyHistogram.counting(seen).percentile_s(percent) * 1e3


@contextmanager
def stalling_server() -> Iterator[str]:
    """A server, in a process of its own, that stalls once in the middle of the load."""
    command = [sys.executable, __file__, "--serve-stalling"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


class _Stalling(asyncio.Protocol):
    first_at = 0.0
    has_stalled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        kind, now = type(self), time.monotonic()
        kind.first_at = kind.first_at or now
        if not kind.has_stalled and now - kind.first_at > STALL_DURATION_S / 2:
            kind.has_stalled = True
            time.sleep(STALL_S)
        answers = data.count(b"\r\n\r\n")
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" * answers)


async def serve_stalling() -> None:
    # All who come during the stall are to wait for its end only, not for a place in the queue.
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Stalling, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if "--serve-stalling" in sys.argv:
        asyncio.run(serve_stalling())
    else:
        main()
