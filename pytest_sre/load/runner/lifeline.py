"""What ties this process to its parent: commands come on a pipe, and its end is our end.

A thread of the operating system waits at the pipe, since a journey that computes would keep a
greenlet from hearing that the parent is gone. It also ends the process when its time is up.
"""

import os
import time
from collections import deque

import gevent
from gevent import monkey
from gevent.event import Event

from pytest_sre.load.frames import BrokenStreamError, Command, Stop, Unpacker

ORPHANED, OVERTIME = 70, 71
"""Exit codes: the parent ended; the load did not end when it should have."""

_LOOK_S = 0.5
_CHUNK = 65_536

_start_thread = monkey.get_original("_thread", "start_new_thread")
_select = monkey.get_original("select", "select")


class Lifeline:
    """Hears the parent; ends this process at once when there is none any more.

    Args:
        fd: the reading end of the parent's pipe.

    Attributes:
        stopped: set when the parent says to stop.
        waits: whether what is under way is to be waited for then.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._parent = os.getppid()
        self._heard: deque[Command] = deque()
        self._deadline_at = float("inf")
        self._arrived = Event()
        self.stopped = Event()
        self.waits = False
        # The one way to wake the event loop from another thread.
        self._signal = gevent.get_hub().loop.async_()
        self._signal.start(self._wake)
        _start_thread(self._listen, ())

    def next(self) -> Command:
        """Wait for the next command other than to stop."""
        while True:
            while self._heard:
                command = self._heard.popleft()
                if not isinstance(command, Stop):
                    return command
            self._arrived.clear()
            self._arrived.wait()

    def end_within(self, seconds: float) -> None:
        """End this process, whatever it does then, when so much time has passed."""
        self._deadline_at = time.monotonic() + seconds

    def _wake(self) -> None:
        self._arrived.set()
        stops = [command for command in self._heard if isinstance(command, Stop)]
        if stops:
            self.waits = all(stop.waits for stop in stops)
            self.stopped.set()

    def _listen(self) -> None:
        unpacker = Unpacker()
        while True:
            ready, _, _ = _select([self._fd], [], [], _LOOK_S)
            if time.monotonic() > self._deadline_at:
                os._exit(OVERTIME)
            # Should another process hold the pipe's other end, the parent is still gone.
            if os.getppid() != self._parent:
                os._exit(ORPHANED)
            if ready:
                self._hear(unpacker)

    def _hear(self, unpacker: Unpacker) -> None:
        data = os.read(self._fd, _CHUNK)
        if not data:
            os._exit(ORPHANED)
        try:
            self._heard.extend(unpacker.commands(data))
        except BrokenStreamError:
            os._exit(ORPHANED)
        self._signal.send()
