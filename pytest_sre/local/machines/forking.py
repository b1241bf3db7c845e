"""Machines whose Python processes are forked off one that has their libraries loaded.

Importing libraries is most of the time that a small app takes to start. Of an image that is
``warm``, what a Machine runs as ``python -m MODULE`` or ``python FILE.py`` begins as a fork of the
image's fork server (see ``fork_server``); all else is started as ever.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from pytest_sre.local.machines.process import MachineProcess, Output

_SERVER: Final = Path(__file__).with_name("fork_server.py")
_ANSWER_TIMEOUT_S: Final = 60.0
# The interpreter reads these when it starts; those of every Machine are the fork server's too.
_READ_AT_START: Final = "PYTHON"
_COMMON: Final = frozenset({"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"})


class Wanted(msgspec.Struct, frozen=True):
    """What a fork is to run.

    Attributes:
        module: as ``python -m`` names it; empty for a script.
        script: a Python file; empty for a module.
        arguments: behind it.
        environment: the whole environment.
        directory: where it runs.
    """

    module: str
    script: str
    arguments: list[str]
    environment: dict[str, str]
    directory: str


def wanted_of(
    command: Sequence[str], environment: Mapping[str, str], directory: Path
) -> Wanted | None:
    """Say what a fork has to run so that it is what the command is; None when no fork can be."""
    told = {name for name in environment if name.startswith(_READ_AT_START)} - _COMMON
    if told or len(command) < 2 or not _is_this_python(command[0], environment):
        return None
    first, *rest = command[1:]
    if first == "-m" and rest and not rest[0].startswith("-"):
        return Wanted(rest[0], "", rest[1:], dict(environment), str(directory))
    if first.endswith(".py") and not first.startswith("-"):
        return Wanted("", first, rest, dict(environment), str(directory))
    return None


def _is_this_python(program: str, environment: Mapping[str, str]) -> bool:
    found = shutil.which(program, path=environment.get("PATH", ""))
    return (
        bool(found)
        and Path(found or "").parent == Path(sys.executable).parent
        and (Path(found or "").resolve() == Path(sys.executable).resolve())
    )


class ForkServers:
    """The fork servers of a platform: one for each image's directory, started when it is needed.

    Args:
        kept: where they keep what they compile.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._servers: dict[str, _ForkServer] = {}

    async def spawn(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        on_line: Callable[[str], None],
    ) -> MachineProcess:
        """Start a command, as a fork when that can be; see `MachineProcess.spawn`.

        Raises:
            OSError: it cannot be started.
        """
        wanted = wanted_of(command, environment, directory)
        if wanted:
            return await self._server(wanted).fork(wanted, Output(on_line))
        return await MachineProcess.spawn(
            command, environment=environment, directory=directory, on_line=on_line
        )

    def _server(self, wanted: Wanted) -> "_ForkServer":
        server = self._servers.get(wanted.directory)
        if server is None or server.is_gone:
            server = self._servers[wanted.directory] = _ForkServer(self._kept, wanted.environment)
        return server

    async def close(self) -> None:
        """End all of them, and all that they have forked."""
        servers = list(self._servers.values())
        self._servers.clear()
        for server in servers:
            server.close()
        await asyncio.gather(*(server.ended() for server in servers))


class _ForkServer:
    def __init__(self, kept: Path, environment: Mapping[str, str]) -> None:
        self._kept = kept
        # Of the Machine that is first, for libraries that look into it when they are loaded.
        self._environment = environment
        self._asking, theirs = socket.socketpair()
        self._asking.setblocking(False)
        with theirs:
            descriptor = os.dup(theirs.fileno())
        self._starting = asyncio.create_task(self._start(descriptor))
        self._rest = b""
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._forks: dict[int, _Fork] = {}
        self.is_gone = False
        asyncio.get_running_loop().add_reader(self._asking, self._hear)

    async def _start(self, descriptor: int) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(_SERVER),
                str(descriptor),
                str(self._kept),
                stdin=asyncio.subprocess.DEVNULL,
                env=self._environment,
                pass_fds=[descriptor],
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    async def fork(self, wanted: Wanted, output: Output) -> MachineProcess:
        """Have a process forked.

        Raises:
            OSError: the fork server does not do it.
        """
        await asyncio.shield(self._starting)
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(answered)
        readers = self._ask(wanted)
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                pid = await answered
        except (TimeoutError, OSError) as error:
            for each in readers:
                os.close(each)
            raise OSError(f"the fork server did not answer: {error}") from None
        fork = self._forks[pid]
        await fork.listen(output, readers)
        return MachineProcess(fork, output)

    def _ask(self, wanted: Wanted) -> list[int]:
        """Ask for a process; where its output and its errors are read."""
        pipes = [os.pipe(), os.pipe()]
        with tempfile.TemporaryFile() as file:
            file.write(msgspec.json.encode(wanted))
            file.flush()
            file.seek(0)
            given = [file.fileno(), *(writing for _, writing in pipes)]
            try:
                socket.send_fds(self._asking, [b"."], given)
            finally:
                for _, writing in pipes:
                    os.close(writing)
        return [reading for reading, _ in pipes]

    def _hear(self) -> None:
        try:
            said = self._asking.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self.close()
            return
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            self._take(msgspec.json.decode(line, type=dict[str, int]))

    def _take(self, told: dict[str, int]) -> None:
        if "pid" in told:
            pid = told["pid"]
            self._forks[pid] = _Fork(pid)
            answered = self._waiting.popleft()
            if not answered.done():
                answered.set_result(pid)
        else:
            self._forks.pop(told["ended"]).end(told["code"])

    async def ended(self) -> None:
        """Wait until it has ended, when it ever ran."""
        with suppress(OSError):
            await (await self._starting).wait()

    def close(self) -> None:
        """End it, and all that it has forked; nothing happens when it has ended."""
        if self.is_gone:
            return
        self.is_gone = True
        asyncio.get_running_loop().remove_reader(self._asking)
        self._asking.close()
        for answered in self._waiting:
            if not answered.done():
                answered.set_exception(OSError("it has ended"))
        # It kills them as it ends; nobody tells how they ended.
        for fork in self._forks.values():
            fork.end(-signal.SIGKILL)
        self._forks.clear()


class _Fork:
    """A forked process, told of as asyncio tells of those that it starts."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None
        self._output: Output | None = None
        self._pipes: list[asyncio.ReadTransport] = []
        self._open = 0

    async def listen(self, output: Output, readers: Sequence[int]) -> None:
        """Pass its output on, from these descriptors."""
        loop = asyncio.get_running_loop()
        self._output, self._open = output, len(readers)
        for number, reading in enumerate(readers, start=1):
            pipe, _ = await loop.connect_read_pipe(
                lambda number=number: _Pipe(self, output, number),  # type: ignore[misc]
                os.fdopen(reading, "rb", buffering=0),
            )
            self._pipes.append(pipe)
        if self._code is not None:
            output.process_exited()
            self._close_when_all_is_read()

    def end(self, code: int) -> None:
        """It has ended."""
        self._code = code
        if self._output:
            self._output.process_exited()
            self._close_when_all_is_read()

    def pipe_closed(self) -> None:
        """One of its outputs was closed by all that hold it."""
        self._open -= 1
        self._close_when_all_is_read()

    def _close_when_all_is_read(self) -> None:
        if self._output and self._code is not None and self._open == 0:
            self._output.connection_lost(None)

    def get_pid(self) -> int:
        """Its number."""
        return self._pid

    def get_returncode(self) -> int | None:
        """How it ended; negative for a signal, None while it runs."""
        return self._code

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def close(self) -> None:
        """Read its output no longer."""
        for pipe in self._pipes:
            pipe.close()


class _Pipe(asyncio.Protocol):
    def __init__(self, fork: _Fork, output: Output, number: int) -> None:
        self._fork, self._output, self._number = fork, output, number

    def data_received(self, data: bytes) -> None:
        self._output.pipe_data_received(self._number, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._fork.pipe_closed()
