"""The Redis probe: does it answer PING."""

import asyncio
import time
from urllib.parse import urlsplit

import msgspec

from pytest_sre.probes.answers import ServiceResult
from pytest_sre.probes.faults import Fault, fault_of, missing_extra, one_line
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S

try:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
except ImportError:
    raise missing_extra("redis", "redis") from None


async def probe_redis(url: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> ServiceResult:
    """Connect and send PING, once.

    Args:
        url: ``redis://`` or ``rediss://``; of it only host, port and database are shown.
        timeout_s: for the connection and the answer together.

    Raises:
        ValueError: when the URL cannot be read.
    """
    client = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    blank = ServiceResult(at=time.time(), service="redis", place=_place(url))
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            answer_s = await _ask(client)
    except (RedisError, OSError) as error:
        return blank.failed_by(_fault(error), time.perf_counter() - started)
    finally:
        await client.aclose()
    return msgspec.structs.replace(blank, total_s=time.perf_counter() - started, answer_s=answer_s)


async def _ask(client: Redis) -> float:
    await client.initialize()
    asked = time.perf_counter()
    await client.ping()
    return time.perf_counter() - asked


def _place(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


def _fault(error: Exception) -> Fault:
    if isinstance(error, (AuthenticationError, NoPermissionError)):
        return Fault("auth", True, one_line(error))
    if isinstance(error, ResponseError):
        return Fault("answer", False, one_line(error))
    return fault_of(error)
