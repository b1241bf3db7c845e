"""Fan-out: 1,000 Machines × 3 endpoints through one local server, by us, aiohttp and httpx.

Run as ``python -m benchmarks.fanout`` or ``python benchmarks/fanout.py``.
"""

import asyncio
import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
import httpx

from benchmarks.form import Target, report, wants_quick
from pytest_sre.probes import HttpProber, HttpRequest
from pytest_sre.recording.rows import Exchange

MACHINES = 1_000
ENDPOINTS = ("/healthz", "/readyz", "/metrics")
CONCURRENCY = 100
WARM_UP_REQUESTS = 300
ROUNDS, QUICK_ROUNDS = 7, 2
MEMORY_LIMIT_MIB = 150.0

OURS, RECORDED, BARE, SLOW = (
    "pytest-sre",
    "pytest-sre, with rows",
    "aiohttp, bare",
    "httpx, defaults",
)
FAST = (OURS, BARE, RECORDED)
# httpx takes twenty times as long: once a round is enough, while the fast ones need more.
FAST_RUNS_A_ROUND = 5


SERVER = """
import asyncio, socket, uvicorn

BODY = b'{"status": "ok", "revision": "8f2c1d0", "queue": {"depth": 3}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})

# Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for an ACK.
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
listening.listen(2048)
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, http="httptools", lifespan="off", access_log=False, log_level="error")
asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
"""

Round = Callable[[list[HttpRequest]], Awaitable[int]]


def main() -> None:
    quick = wants_quick("Time a fan-out to 1,000 Machines.")
    with _server() as port:
        requests = [
            HttpRequest(url=f"http://127.0.0.1:{port}{path}", machine=f"{number:014x}", app="shop")
            for number in range(MACHINES)
            for path in ENDPOINTS
        ]
        medians = asyncio.run(_measure(requests, QUICK_ROUNDS if quick else ROUNDS))
    _tell(medians, len(requests))


async def _measure(requests: list[HttpRequest], rounds: int) -> dict[str, float]:
    """Time each way in turn, round after round, so that what disturbs one disturbs all."""
    times: dict[str, list[float]] = {}
    async with _ways() as ways:
        for run in ways.values():
            await run(requests[:WARM_UP_REQUESTS])
        for _ in range(rounds):
            for name in (*FAST * FAST_RUNS_A_ROUND, SLOW):
                gc.collect()
                started = time.perf_counter()
                answered = await ways[name](requests)
                times.setdefault(name, []).append(time.perf_counter() - started)
                if answered != len(requests):
                    raise SystemExit(f"{name}: {answered} of {len(requests)} answered 200")
    return {name: statistics.median(taken) for name, taken in times.items()}


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


@asynccontextmanager
async def _ways() -> AsyncIterator[dict[str, Round]]:
    async with (
        HttpProber() as prober,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        httpx.AsyncClient() as client,
    ):

        async def ours(requests: list[HttpRequest]) -> int:
            results = await prober.every(requests, concurrency=CONCURRENCY)
            return sum(result.status == 200 for result in results)

        async def recorded(requests: list[HttpRequest]) -> int:
            results = await prober.every(requests, concurrency=CONCURRENCY)
            rows: list[Exchange] = [result.exchange("probe", "fanout") for result in results]
            return sum(row.ok for row in rows)

        async def bare(requests: list[HttpRequest]) -> int:
            async def one(request: HttpRequest) -> int:
                headers = {"fly-force-instance-id": request.machine}
                async with session.get(request.url, headers=headers) as response:
                    await response.read()
                    return response.status

            return await _bounded(one, requests)

        async def by_httpx(requests: list[HttpRequest]) -> int:
            async def one(request: HttpRequest) -> int:
                headers = {"fly-force-instance-id": request.machine}
                return (await client.get(request.url, headers=headers)).status_code

            return await _bounded(one, requests)

        yield {
            OURS: ours,
            BARE: bare,
            RECORDED: recorded,
            SLOW: by_httpx,
        }


async def _bounded(
    one: Callable[[HttpRequest], Awaitable[int]], requests: list[HttpRequest]
) -> int:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def in_turn(request: HttpRequest) -> int:
        async with slots:
            return await one(request)

    statuses = await asyncio.gather(*map(in_turn, requests))
    return sum(status == 200 for status in statuses)


@contextmanager
def _server() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _tell(medians: dict[str, float], count: int) -> None:
    ours, recorded = medians[OURS], medians[RECORDED]
    bare, by_httpx = medians[BARE], medians[SLOW]
    rows = [
        (
            name,
            f"{taken:.3f} s",
            f"{count / taken:,.0f} /s",
            f"{taken / bare:.2f} ×",
        )
        for name, taken in medians.items()
    ]
    report(
        "fanout",
        titles=(f"{count:,} requests by", "median", "rate", "of bare aiohttp"),
        rows=rows,
        targets=[
            Target("time over bare aiohttp", round(ours / bare, 3), "×", "<=", 1.3),
            Target("time over bare aiohttp, with rows", round(recorded / bare, 3), "×", "<=", 1.3),
            Target("faster than httpx defaults", round(by_httpx / ours, 2), "×", ">=", 5.0),
            Target("peak memory", round(_peak_memory_mib(), 1), "MiB", "<=", MEMORY_LIMIT_MIB),
        ],
        libraries=("aiohttp", "httpx", "uvicorn", "httptools"),
    )


if __name__ == "__main__":
    main()
