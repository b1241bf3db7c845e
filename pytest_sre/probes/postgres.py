"""The Postgres probe: can we connect, and is a question answered."""

import asyncio
import re
import time

import msgspec

from pytest_sre.probes.answers import ServiceResult
from pytest_sre.probes.faults import Fault, fault_of, missing_extra, one_line
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S
from pytest_sre.probes.tcp import probe_tcp

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:
    raise missing_extra("postgres", "postgres") from None

_OUR_CREDENTIALS = re.compile(
    r"authentication failed|no password supplied|role .* does not exist|pg_hba\.conf"
)
_SEVERITY = re.compile(r"^.*?(?:FATAL|ERROR): +", re.DOTALL)


async def probe_postgres(dsn: str, *, timeout_s: float = DEFAULT_TIMEOUT_S) -> ServiceResult:
    """Connect to a database and ask ``SELECT 1``, in a transaction that cannot write.

    Args:
        dsn: a connection string or URL; of it only host, port and database are shown.
        timeout_s: for the connection and the answer together.

    Raises:
        ValueError: when the connection string cannot be read.
    """
    host, port, place = _address(dsn)
    blank = ServiceResult(at=time.time(), service="postgres", place=place)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout_s):
            version, answer_s = await _ask(dsn)
    except (psycopg.Error, OSError) as error:
        total_s = time.perf_counter() - started
        return blank.failed_by(await _fault(error, host, port, timeout_s), total_s)
    total_s = time.perf_counter() - started
    return msgspec.structs.replace(blank, total_s=total_s, version=version, answer_s=answer_s)


async def _ask(dsn: str) -> tuple[str, float]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.set_read_only(True)
        asked = time.perf_counter()
        await connection.execute("SELECT 1")
        answer_s = time.perf_counter() - asked
        return connection.info.parameter_status("server_version") or "", answer_s


def _address(dsn: str) -> tuple[str, int, str]:
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error:
        # The library's own message quotes the text, and with it perhaps a password.
        raise ValueError(
            "expected a Postgres connection string such as postgresql://user@host:5432/name, "
            "found one that cannot be read"
        ) from None
    host, port = str(parts.get("host") or "localhost"), str(parts.get("port") or 5432)
    name = parts.get("dbname") or parts.get("user") or ""
    return host, int(port) if port.isdecimal() else 5432, f"{host}:{port}/{name}"


async def _fault(error: Exception, host: str, port: int, timeout_s: float) -> Fault:
    """Say what failed. The driver tells it in prose only, so the address is tried once more."""
    text = _message(error)
    if _OUR_CREDENTIALS.search(text):
        return Fault("auth", True, text)
    if _is_answer(error):
        return Fault("answer", False, text)
    reached = await probe_tcp(host, port, timeout_s=timeout_s)
    if reached.error_kind:
        return Fault(reached.error_kind, reached.own_fault, reached.error)
    return fault_of(error)


def _is_answer(error: Exception) -> bool:
    return getattr(error, "sqlstate", None) is not None or bool(_SEVERITY.match(str(error)))


def _message(error: Exception) -> str:
    return one_line(Exception(_SEVERITY.sub("", str(error))))
