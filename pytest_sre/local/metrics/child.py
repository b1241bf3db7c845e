"""A server as a child of the platform's: found, started, asked, and ended with it."""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from pytest_sre.local.machines.process import MachineProcess
from pytest_sre.local.pids import PidFile

_LISTENS: Final = re.compile(r'msg="Listening on".*\baddress=(\S+)')
_READY_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True)
class Program:
    """A program that serves HTTP and says in its log where.

    Attributes:
        label: what it is called.
        names: what it may be named on the PATH, the first that is there is taken.
        install: how to get it.
        ready: what a line of its log has once it serves.
    """

    label: str
    names: tuple[str, ...]
    install: str
    ready: str

    @property
    def path(self) -> str | None:
        """Where it is installed; None when it is not."""
        return next(filter(None, map(shutil.which, self.names)), None)

    @property
    def is_missing(self) -> str:
        """What is said where it is not installed."""
        return (
            f"expected a program named {' or '.join(self.names)} on the PATH of the local platform,"
            f" found none; install it ({self.install}) and start the platform again"
        )


@dataclass(frozen=True)
class Question:
    """A call to a child's HTTP API, as it came in."""

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What it answered."""

    status: int
    content_type: str
    body: bytes


class Child:
    """One such server. Where the program is missing, all it answers is 503 and what to install.

    Args:
        program: what is run.
        directory: where its files are; made when it starts, removed when it ended.
        pids: the file of processes that must not outlive the platform's server.
        session: the HTTP client.
    """

    def __init__(
        self, program: Program, directory: Path, pids: PidFile, session: aiohttp.ClientSession
    ) -> None:
        self.program = program
        self.directory = directory
        self.address = ""
        self.failure = ""
        self._pids = pids
        self._session = session
        self._running: asyncio.Task[None] | None = None
        self._process: MachineProcess | None = None
        self._was_spawned = asyncio.Event()
        self._says_ready = False
        self._is_ready = asyncio.Event()
        self._last_line = ""
        self.on_line: Callable[[str], None] = lambda _line: None

    def start(self, prepare: Callable[[], None], *arguments: str) -> None:
        """Begin to start it; nothing is waited for.

        Args:
            prepare: writes its files, once its directory is there.
            arguments: of its command line.
        """
        self._running = asyncio.create_task(self._run(prepare, arguments))

    @property
    def was_started(self) -> bool:
        """Whether ``start`` was called."""
        return self._running is not None

    @property
    def is_ready(self) -> bool:
        """Whether it serves."""
        return self._is_ready.is_set() and not self.failure

    def signal(self, number: int) -> None:
        """Send it a signal, when it runs."""
        if self._process:
            self._process.signal_main(number)

    async def wait(self) -> str:
        """Wait until it serves.

        Returns:
            Why it does not; empty when it does.
        """
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await self._is_ready.wait()
        except TimeoutError:
            return f"{self.program.label} was not ready within {_READY_TIMEOUT_S:g} s"
        return self.failure

    async def ask(self, question: Question) -> Reply:
        """Pass a call on, and its answer back."""
        failure = await self.wait()
        return unavailable(failure) if failure else await self._pass_on(question)

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

    async def _pass_on(self, question: Question) -> Reply:
        url = URL(f"http://{self.address}{question.path}?{question.query}", encoded=True)
        headers = {"content-type": question.content_type} if question.content_type else {}
        try:
            async with self._session.request(
                question.method, url, headers=headers, data=question.body or None
            ) as answer:
                body = await answer.read()
                return Reply(answer.status, answer.headers.get("content-type", ""), body)
        except (aiohttp.ClientError, OSError) as error:
            return unavailable(
                f"no answer of {self.program.label}: {error or type(error).__name__}"
            )

    async def _run(self, prepare: Callable[[], None], arguments: tuple[str, ...]) -> None:
        try:
            self.failure = await self._serve(prepare, arguments)
        except OSError as error:
            self.failure = f"{self.program.label} could not be started: {error}"
        self._was_spawned.set()
        self._is_ready.set()

    async def _serve(self, prepare: Callable[[], None], arguments: tuple[str, ...]) -> str:
        """Run it until it ends; why it did."""
        path = self.program.path
        if path is None:
            return self.program.is_missing
        self.directory.mkdir(exist_ok=True)
        prepare()
        self._process = process = await MachineProcess.spawn(
            [path, *arguments],
            environment={"PATH": os.defpath},
            directory=self.directory,
            on_line=self._read,
        )
        self._pids.add(process.pid)
        self._was_spawned.set()
        code = await process.wait()
        self._pids.remove(process.pid)
        shutil.rmtree(self.directory, ignore_errors=True)
        return f"{self.program.label} ended with code {code}: {self._last_line}"

    def _read(self, line: str) -> None:
        self._last_line = line
        self.on_line(line)
        if found := _LISTENS.search(line):
            self.address = found[1]
        self._says_ready |= self.program.ready in line
        # Either may be said first: what listens and what serves log on their own.
        if self.address and self._says_ready:
            self._is_ready.set()


def unavailable(error: str) -> Reply:
    """The answer in place of a server that cannot answer, in the form of Prometheus' errors."""
    body = {"status": "error", "errorType": "unavailable", "error": error}
    return Reply(503, "application/json", msgspec.json.encode(body))
