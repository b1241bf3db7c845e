"""A real Prometheus as a child of the server: started, asked, and ended with it."""

import asyncio
import os
import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from yarl import URL

from pytest_sre.local.files import METRICS, write_whole
from pytest_sre.local.machines.process import MachineProcess
from pytest_sre.local.metrics.configuration import configuration, interval_s
from pytest_sre.local.pids import PidFile

_LISTENS: Final = re.compile(r'msg="Listening on".*\baddress=(\S+)')
_IS_READY: Final = "Server is ready to receive web requests"
_READY_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 2.0
_RETENTION: Final = "1d"
_MISSING: Final = (
    "expected a program named prometheus on the PATH of the local platform, found none;"
    " install it (apt-get install prometheus, brew install prometheus) and start the platform again"
)


@dataclass(frozen=True)
class Question:
    """A call to Prometheus' HTTP API, as it came in."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What it answered."""

    status: int
    content_type: str
    body: bytes


class Prometheus:
    """The child. Where the program is missing, all it answers is 503 and what to install.

    Args:
        directory: the server's state directory.
        pids: the file of processes that must not outlive the server.
        session: the HTTP client.
    """

    def __init__(self, directory: Path, pids: PidFile, session: aiohttp.ClientSession) -> None:
        self._directory = directory / METRICS
        self._pids = pids
        self._session = session
        self._every_s = interval_s(0)
        self._api = ""
        self._token = ""
        self._running: asyncio.Task[None] | None = None
        self._process: MachineProcess | None = None
        self._was_spawned = asyncio.Event()
        self._is_ready = asyncio.Event()
        self._address = ""
        self._failure = ""
        self._last_line = ""

    def start(self, api_url: str, token: str) -> None:
        """Begin to start it; nothing is waited for.

        Args:
            api_url: the platform's API, where it reads what it keeps.
            token: opens the API.
        """
        self._api, self._token = urlsplit(api_url).netloc, token
        self._running = asyncio.create_task(self._run())

    def fit(self, machine_count: int) -> None:
        """Have metrics read less often once there are many Machines."""
        every_s = interval_s(machine_count)
        if self._process and self._is_ready.is_set() and every_s > self._every_s:
            self._every_s = every_s
            self._write_configuration()
            self._process.signal_main(signal.SIGHUP)

    async def close(self, *, at_once: bool) -> None:
        """End it, and remove what it kept.

        Args:
            at_once: kill it, rather than ask it first.
        """
        if self._running is None:
            return
        # Given up before, the process would run on and belong to nobody.
        await self._was_spawned.wait()
        if self._process and not self._running.done():
            self._process.signal(signal.SIGKILL if at_once else signal.SIGTERM)
            await asyncio.wait([self._running], timeout=_STOP_TIMEOUT_S)
        if self._process and not self._running.done():
            self._process.kill()
        await self._running

    async def ask(self, question: Question) -> Reply:
        """Pass a call on, and its answer back."""
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await self._is_ready.wait()
        except TimeoutError:
            return _unavailable(f"Prometheus was not ready within {_READY_TIMEOUT_S:g} s")
        return _unavailable(self._failure) if self._failure else await self._pass_on(question)

    async def _pass_on(self, question: Question) -> Reply:
        url = URL(f"http://{self._address}{question.path}?{question.query}", encoded=True)
        headers = {"content-type": question.content_type} if question.content_type else {}
        try:
            async with self._session.request(
                question.method, url, headers=headers, data=question.body or None
            ) as answer:
                body = await answer.read()
                return Reply(answer.status, answer.headers.get("content-type", ""), body)
        except (aiohttp.ClientError, OSError) as error:
            return _unavailable(f"no answer of Prometheus: {error or type(error).__name__}")

    async def _run(self) -> None:
        try:
            self._failure = await self._serve()
        except OSError as error:
            self._failure = f"Prometheus could not be started: {error}"
        self._was_spawned.set()
        self._is_ready.set()

    async def _serve(self) -> str:
        """Run it until it ends; why it did."""
        program = shutil.which("prometheus")
        if program is None:
            return _MISSING
        self._process = process = await self._spawn(program)
        self._pids.add(process.pid)
        self._was_spawned.set()
        code = await process.wait()
        self._pids.remove(process.pid)
        shutil.rmtree(self._directory, ignore_errors=True)
        return f"Prometheus ended with code {code}: {self._last_line}"

    async def _spawn(self, program: str) -> MachineProcess:
        self._directory.mkdir(exist_ok=True)
        self._write_configuration()
        return await MachineProcess.spawn(
            [
                program,
                f"--config.file={self._file}",
                f"--storage.tsdb.path={self._directory / 'data'}",
                f"--storage.tsdb.retention.time={_RETENTION}",
                "--web.listen-address=127.0.0.1:0",
            ],
            environment={"PATH": os.defpath},
            directory=self._directory,
            on_line=self._read,
        )

    def _write_configuration(self) -> None:
        write_whole(self._file, configuration(self._api, self._token, self._every_s))

    @property
    def _file(self) -> Path:
        return self._directory / "prometheus.yml"

    def _read(self, line: str) -> None:
        self._last_line = line
        if found := _LISTENS.search(line):
            self._address = found[1]
        if _IS_READY in line:
            self._is_ready.set()


def _unavailable(error: str) -> Reply:
    body = {"status": "error", "errorType": "unavailable", "error": error}
    return Reply(503, "application/json", msgspec.json.encode(body))
