"""A Machine's process group: started, listened to, signalled, killed as a whole."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

import psutil

from pytest_sre.local.lines import LineSplitter

_OUTPUT_AFTER_EXIT_S: Final = 0.5


class Transport(Protocol):
    """What is asked of a process, however it was started: some of asyncio's own transport."""

    def get_pid(self) -> int:
        """Its number."""

    def get_returncode(self) -> int | None:
        """How it ended; negative for a signal, None while it runs."""

    def send_signal(self, number: int, /) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: it has ended.
        """

    def close(self) -> None:
        """Read its output no longer."""


class MachineProcess:
    """A process in a session of its own, with the processes it starts.

    Args:
        transport: of the main process.
        protocol: receives its output and its end.
    """

    def __init__(self, transport: Transport, protocol: "Output") -> None:
        self._transport = transport
        self._protocol = protocol
        self.pid = transport.get_pid()

    @classmethod
    async def spawn(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        on_line: Callable[[str], None],
    ) -> "MachineProcess":
        """Start a command.

        Args:
            command: the program and its arguments; the program is looked up in the
                environment's ``PATH``.
            environment: the whole environment.
            directory: where it runs.
            on_line: called with each line of output.

        Raises:
            OSError: it cannot be started.
        """
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            lambda: Output(on_line),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
        return cls(transport, protocol)

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def signal_main(self, number: int) -> None:
        """Send a signal to the main process alone; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._transport.send_signal(number)

    def kill(self) -> None:
        """Kill the group, and what left it for a session of its own."""
        kill_group(self.pid)

    async def wait(self) -> int:
        """Wait for the main process's end; the rest of the group ends with it.

        Returns:
            Its return code; negative for a signal.
        """
        await self._protocol.exited.wait()
        self.signal(signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OUTPUT_AFTER_EXIT_S):
                await self._protocol.closed.wait()
        self._transport.close()
        self._protocol.flush()
        return self._transport.get_returncode() or 0

    async def stop(self, number: int, timeout_s: float) -> int:
        """Ask the main process to stop, and kill the group when it takes too long.

        Args:
            number: the signal to ask with.
            timeout_s: how long it may take.

        Returns:
            Its return code; negative for a signal.
        """
        self.signal_main(number)
        try:
            async with asyncio.timeout(timeout_s):
                await self._protocol.exited.wait()
        except TimeoutError:
            self.kill()
        return await self.wait()


class Output(asyncio.SubprocessProtocol):
    """Receives a process's output, and its end.

    Args:
        on_line: called with each line of output.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._splitters = {1: LineSplitter(), 2: LineSplitter()}
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Take what it wrote."""
        self._emit(self._splitters[fd].feed(cast("bytes", data)))

    def process_exited(self) -> None:
        """The main process has ended."""
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """All it wrote was read."""
        self.closed.set()

    def flush(self) -> None:
        """Give what it wrote last without ending the line."""
        for splitter in self._splitters.values():
            self._emit(splitter.flush())

    def _emit(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._on_line(line)


def kill_group(pid: int) -> None:
    """Kill a process, its group and all that descend from it."""
    descendants: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        descendants = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in descendants:
        with contextlib.suppress(psutil.Error):
            process.kill()


class Ports:
    """Hands out loopback ports, none twice at a time."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self, internal: Iterable[int]) -> dict[int, int]:
        """A free port for each internal one."""
        ports: dict[int, int] = {}
        with contextlib.ExitStack() as held:
            for each in internal:
                port = self._free(held)
                self._taken.add(port)
                ports[each] = port
        return ports

    def give_back(self, ports: Mapping[int, int]) -> None:
        """The ports are no longer used."""
        self._taken.difference_update(ports.values())

    def _free(self, held: contextlib.ExitStack) -> int:
        # Held until all are found, or the system might offer one of them again.
        while True:
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
            if port not in self._taken:
                return port
