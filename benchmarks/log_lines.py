"""Log lines as Fly's log shipper writes them, the same at each run."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 32 * 2**20
ERROR_RATIO = 0.004
NON_ASCII_RATIO = 0.002

_MESSAGES = (
    "GET /cart {n} in {ms}ms",
    "order {n} paid, {ms} cents",
    "cache hit for key user:{n}",
    "request completed path=/api/v1/items/{n} duration_ms={ms}",
    "user {n} logged in from 10.1.2.{b}",
    "flushed {b} events to the queue in {ms}ms",
    "checkout of basket {n} began, retry 0 of 3",
)
_ERRORS = (
    "dial tcp 10.0.0.{b}:5432: connect: connection refused",
    "context deadline exceeded after {ms}ms",
    'Traceback (most recent call last):\n  File "/app/shop.py", line {b}, in checkout',
    'GET /checkout HTTP/1.1" 502 {n}',
    "ERROR: deadlock detected, process {n} waits for ShareLock",
    "QueuePool limit of size 5 overflow 10 reached, connection timed out",
)


def write_log(path: Path, mib: int) -> None:
    """Write that many MiB of lines; a block of 32 MiB is repeated."""
    block = b"".join(_block(random.Random(20261123)))
    with path.open("wb") as file:
        for _ in range(max(mib * 2**20 // BLOCK_BYTES, 1)):
            file.write(block)


def _block(chance: random.Random) -> Iterator[bytes]:
    size, number = 0, 0
    while size < BLOCK_BYTES:
        line = _line(chance, number)
        size, number = size + len(line), number + 1
        yield line


def _line(chance: random.Random, number: int) -> bytes:
    is_error = chance.random() < ERROR_RATIO
    message = chance.choice(_ERRORS if is_error else _MESSAGES).format(
        n=chance.randrange(10**6), ms=chance.randrange(2_000), b=chance.randrange(250)
    )
    if chance.random() < NON_ASCII_RATIO:
        message += " für Zoë → ok"
    minute, second = number // 6000 % 60, number // 100 % 60
    at = f"2026-11-23T10:{minute:02d}:{second:02d}.{number:09d}Z"
    return shipped_line("error" if is_error else "info", message, chance, at)


def shipped_line(
    level: str, message: str, chance: random.Random | None = None, at: str = "2026-11-23T11:00:00Z"
) -> bytes:
    """An app's own JSON in the line that the log shipper makes of it."""
    chance = chance or random.Random(1)
    own = {"level": level, "msg": message, "trace_id": f"{chance.getrandbits(128):032x}"}
    region = chance.choice(("iad", "ams", "nrt"))
    shipped = {
        "event": {"provider": "app"},
        "fly": {
            "app": {"instance": f"148e21ea7{chance.randrange(20):05x}", "name": "shop"},
            "region": region,
        },
        "host": f"worker-{region}-{chance.randrange(9)}",
        "log": {"level": "info"},
        "message": json.dumps(own, ensure_ascii=False),
        "timestamp": at,
    }
    return json.dumps(shipped, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
