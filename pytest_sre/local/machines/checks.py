"""Health checks of running Machines, made over HTTP and TCP."""

import asyncio
import contextlib
import time
from typing import Final, NamedTuple

import aiohttp

from pytest_sre.local.faults.kinds import CheckFlap, CheckHang
from pytest_sre.local.logbook import Logbook, Origin
from pytest_sre.local.machines.check_plans import (
    REFUSED,
    WAITING,
    CheckPlan,
    CheckResult,
    boot_pause_s,
    change_message,
    http_output,
    may_be_booting,
    next_result,
)
from pytest_sre.local.machines.records import MachineRecord

_CONNECT_TIMEOUT_S: Final = 2.0
_SILENCE_TIMEOUT_S: Final = 60.0
# Shorter than the 2 s and more after which servers close idle connections.
_KEEP_ALIVE_S: Final = 1.5
_LONGEST_OUTPUT: Final = 2048
_FLAPPING: Final = "read: connection reset by peer (fault check-flap)"


def open_session() -> aiohttp.ClientSession:
    """The HTTP client of the checks."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S
        ),
    )


class _Seen(NamedTuple):
    """What a check saw, and whether a failure does not count yet."""

    passed: bool
    output: str
    in_grace: bool


class CheckRunner:
    """Makes the checks of one app's Machines.

    Args:
        session: the HTTP client.
        logbook: where changes are told.
    """

    def __init__(self, session: aiohttp.ClientSession, logbook: Logbook) -> None:
        self._session = session
        self._logbook = logbook
        self._seen: dict[str, dict[str, _Seen]] = {}

    def reset(self, record: MachineRecord) -> None:
        """Forget the results: the Machine does not run."""
        self._seen.pop(record.id, None)
        now = time.time()
        record.checks = {
            plan.name: CheckResult(plan.name, "warning", "the machine hasn't started", now)
            for plan in record.blueprint.plans
        }

    def expect(self, record: MachineRecord) -> None:
        """Begin anew: the Machine runs, and nothing is known yet."""
        self._seen[record.id] = {}
        now = time.time()
        record.checks = {
            plan.name: CheckResult(plan.name, "warning", WAITING, now)
            for plan in record.blueprint.plans
        }

    async def run(self, record: MachineRecord) -> None:
        """Make the Machine's checks until cancelled."""
        self.expect(record)
        async with asyncio.TaskGroup() as group:
            for plan in record.blueprint.plans:
                group.create_task(self._repeat(record, plan))

    async def _repeat(self, record: MachineRecord, plan: CheckPlan) -> None:
        """Check soon and often until the first pass, so that booting is fast; then regularly."""
        started = time.monotonic()
        booting = True
        while True:
            passed, output = False, ""
            if comes_to_an_end(record):
                passed, output = await self._check(plan, record.ports.get(plan.port))
                in_grace = time.monotonic() - started < plan.grace_s
                self.note(record, plan, passed=passed, output=output, in_grace=in_grace)
            age_s = time.monotonic() - started
            booting = booting and not passed and may_be_booting(plan, output, age_s)
            pause_s = boot_pause_s(age_s) if booting else plan.interval_s
            await asyncio.sleep(min(pause_s, plan.interval_s))

    def note(
        self, record: MachineRecord, plan: CheckPlan, *, passed: bool, output: str, in_grace: bool
    ) -> None:
        """Remember what a check saw, and tell of a change."""
        seen = _Seen(passed, output, in_grace)
        self._seen.setdefault(record.id, {})[plan.name] = seen
        self._tell(record, plan, seen)

    def tell_again(self, record: MachineRecord) -> None:
        """Tell what the Machine's checks saw last, as a fault that began or ended has it now."""
        if not comes_to_an_end(record):
            return
        for plan in record.blueprint.plans:
            if seen := self._seen.get(record.id, {}).get(plan.name):
                self._tell(record, plan, seen)

    def _tell(self, record: MachineRecord, plan: CheckPlan, seen: "_Seen") -> None:
        flap = record.faults.find(CheckFlap, record.site)
        if flap and flap.fails(time.time()):
            seen = seen._replace(passed=False, output=_FLAPPING)
        passed, output, in_grace = seen
        before = record.checks[plan.name]
        after = next_result(before, passed=passed, output=output, in_grace=in_grace, at=time.time())
        record.checks[plan.name] = after
        message = change_message(plan, before, after)
        if message:
            self._logbook.write(
                message,
                provider="health",
                level="info" if passed else "error",
                origin=Origin(record.id, record.region),
            )
            record.wake()

    async def _check(self, plan: CheckPlan, port: int | None) -> tuple[bool, str]:
        if port is None:
            return False, f"port {plan.port} is not one of the Machine's"
        try:
            async with asyncio.timeout(plan.timeout_s):
                if plan.config.type == "http":
                    return await self._http(plan, port)
                return await _tcp(port)
        except TimeoutError:
            return False, "context deadline exceeded"
        except (OSError, aiohttp.ClientError) as error:
            return False, _describe(error)

    async def _http(self, plan: CheckPlan, port: int) -> tuple[bool, str]:
        config = plan.config
        scheme = config.protocol or "http"
        headers = [(each.name, value) for each in config.headers or [] for value in each.values]
        async with self._session.request(
            (config.method or "GET").upper(),
            f"{scheme}://127.0.0.1:{port}/{(config.path or '/').lstrip('/')}",
            headers=headers,
            allow_redirects=False,
            server_hostname=config.tls_server_name,
            ssl=not config.tls_skip_verify,
        ) as answer:
            body = (await answer.content.read(_LONGEST_OUTPUT)).decode("utf-8", "replace")
            return answer.status // 100 == 2, http_output(answer.status, body)


def comes_to_an_end(record: MachineRecord) -> bool:
    """Whether a check of this Machine ends at all now, one way or the other."""
    return record.is_reachable and not record.faults.find(CheckHang, record.site)


async def _tcp(port: int) -> tuple[bool, str]:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True, "Success"


def _describe(error: Exception) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return REFUSED
    if isinstance(cause, ConnectionResetError):
        return "read: connection reset by peer"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "EOF"
    return str(cause) or type(cause).__name__
