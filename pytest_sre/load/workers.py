"""Who makes a load: workers, each of which is told by commands and tells by frames.

Here those that are processes of this machine; ``remote`` has those of others.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from pytest_sre.load.frames import Command, Unpacker, Word, packed

STOP_S = 1.5
"""How long a worker may take to stop when told to."""

_CHUNK = 1 << 16
_TAIL = 4_096
_MODULE = "pytest_sre.load.runner"


class Worker(Protocol):
    """One of those that share a load.

    Attributes:
        name: for people.
        heard_at: when it last said something, of the monotonic clock.
    """

    name: str
    heard_at: float

    @property
    def fds(self) -> Collection[int]:
        """What is readable when it has something to say."""

    def tell(self, command: Command) -> None:
        """Say something to it; one that is gone does not hear it."""

    def words(self, fd: int) -> list[Word] | None:
        """Read what it has said since; None when no more will come on this descriptor.

        Raises:
            BrokenStreamError: it does not say what it should.
        """

    def how_it_ended(self) -> str | None:
        """Say how it ended without saying so itself; None when it may yet say something."""

    def give_up(self) -> None:
        """Have nothing more to do with it."""

    def close(self) -> None:
        """End what it does for this load, however it is."""


class Crew(Protocol):
    """Gives the workers of a load."""

    @property
    def starts_s(self) -> float:
        """How long it may take until they are there."""

    def at_work(self, lasts_s: float) -> AbstractContextManager[Sequence[Worker]]:
        """Give the workers of one load that lasts at most so many seconds.

        Raises:
            Inconclusive: there are none, or not as many as were asked for.
        """


class Processes:
    """A crew of processes of this machine."""

    starts_s = 10.0

    def __init__(self, count: int) -> None:
        self._count = count

    @contextlib.contextmanager
    def at_work(self, lasts_s: float) -> Iterator[Sequence[Worker]]:  # noqa: ARG002 - they just end
        """Start them; they are ended in the end."""
        with contextlib.ExitStack() as started:
            workers = []
            for number in range(self._count):
                worker = LocalProcess(f"load process {number}")
                started.callback(worker.close)
                workers.append(worker)
            yield workers


class LocalProcess:
    """A process of this machine that makes load.

    It has three pipes: commands to it, whose end is its end; frames from it; and what it prints,
    of which the tail is kept to say why it failed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        reading, writing = os.pipe()
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, "--frames-fd", str(writing)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                # A Ctrl-C in the terminal is for us alone.
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        assert self.process.stdout is not None
        self._frames_fd, self._output_fd = reading, self.process.stdout.fileno()
        self.heard_at = time.monotonic()
        self._tail = b""
        self._is_silent = False
        self._unpacker = Unpacker()

    @property
    def fds(self) -> Collection[int]:
        """Its frames, and what it prints."""
        return (self._frames_fd, self._output_fd)

    def tell(self, command: Command) -> None:
        """Say something to it; one that is gone does not hear it."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(packed(command))
            self.process.stdin.flush()

    def words(self, fd: int) -> list[Word] | None:
        """Read what it has said since on a descriptor; None at its end.

        Raises:
            BrokenStreamError: it does not say what it should.
        """
        data = os.read(fd, _CHUNK)
        if fd == self._output_fd:
            self._tail = (self._tail + data)[-_TAIL:]
            return [] if data else None
        if not data:
            self._is_silent = True
            return None
        self.heard_at = time.monotonic()
        return [*self._unpacker.words(data)]

    def give_up(self) -> None:
        """Kill it."""
        if self.process.poll() is None:
            self.process.kill()

    def close(self) -> None:
        """End it, however it is."""
        os.close(self._frames_fd)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self.give_up()
        self.process.wait()

    def how_it_ended(self) -> str | None:
        """Say how it ended without saying so itself; None while it may yet say something."""
        if not self._is_silent:
            return None
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe and went on"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        said = f": {self._last_line}" if self._last_line else ""
        return f"ended with exit code {code}{said}"

    @property
    def _last_line(self) -> str:
        lines = self._tail.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]
