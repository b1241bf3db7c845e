"""Drives the processes that make a load: starts them, hears them, stops them, whatever happens.

Each is a child with three pipes: commands to it, whose end is its end; frames from it; and what
it prints, of which the tail is kept to say why it failed.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Self

from pytest_sre.load.frames import (
    BrokenStreamError,
    Command,
    Ended,
    Frame,
    Go,
    Order,
    Ready,
    Stop,
    Unpacker,
    Word,
    packed,
)
from pytest_sre.load.gathering import Gathering
from pytest_sre.load.naming import host_of
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.result import LoadResult
from pytest_sre.verdict import Inconclusive

START_S = 60.0
SILENCE_S = 30.0
STOP_S = 1.5
"""How long a process may take to start, may say nothing, and may take to stop when told to."""

_LOOK_S = 0.1
_CHUNK = 1 << 16
_TAIL = 4_096
_SPARE_S = 30.0
_MODULE = "pytest_sre.load.runner"

Watch = Callable[[Frame], str | None]
"""Told each frame as it comes; a text ends the load early, with it as the reason."""


def drive(
    plan: LoadPlan,
    base_url: str,
    *,
    hosts: Collection[str] = (),
    journey_files: Sequence[Path] = (),
    processes: int = 1,
    watch: Watch | None = None,
    ca: str = "",
) -> LoadResult:
    """Make a load and wait for its end.

    Args:
        plan: what to make.
        base_url: where it goes.
        hosts: what else may be asked, as ``host:port``; a load that is to ask another is ended.
        journey_files: Python files that register the plan's journeys.
        processes: how many share the load; one uses at most one core.
        watch: told each frame as it comes; may end the load.
        ca: a PEM file of the only authorities to trust; those of the system when empty.

    Returns:
        What came of it; partial, and in doubt, when a process died or the load ended early.

    Raises:
        Inconclusive: no load could be made, such as for a journey that nobody registered.
        KeyboardInterrupt: after the load was stopped; the frames that came were told to ``watch``.
    """
    files = tuple(str(file.resolve()) for file in journey_files)
    orders = [
        Order(
            plan=plan,
            base_url=base_url,
            hosts=(host_of(base_url), *hosts),
            journey_files=files,
            worker=one,
            workers=processes,
            ca=ca,
        )
        for one in range(processes)
    ]
    with _Drive(plan, base_url, watch) as drive:
        drive.start(orders)
        return drive.see_through()


class _Child:
    """One process that makes load, and what it has said."""

    def __init__(self, number: int) -> None:
        self.number = number
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
        self.frames_fd = reading
        self.ready = False
        self.ended: Ended | None = None
        self.heard_at = time.monotonic()
        self.tail = b""
        self._unpacker = Unpacker()

    def tell(self, command: Command) -> None:
        """Say something to it; one that is gone does not hear it."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(packed(command))
            self.process.stdin.flush()

    def words(self) -> list[Word] | None:
        """Read what it has said since; None when it will say no more.

        Raises:
            BrokenStreamError: it does not say what it should.
        """
        data = os.read(self.frames_fd, _CHUNK)
        if not data:
            return None
        self.heard_at = time.monotonic()
        return [*self._unpacker.words(data)]

    def read_tail(self) -> bool:
        """Read what it prints, and keep the end of it; false at its end."""
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), _CHUNK)
        self.tail = (self.tail + data)[-_TAIL:]
        return bool(data)

    def close(self) -> None:
        """End it, however it is."""
        os.close(self.frames_fd)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def last_line(self) -> str:
        """The last that it printed."""
        lines = self.tail.decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")[:300]

    def how_it_ended(self) -> str:
        """Say how a process ended that did not say so itself."""
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return "closed its pipe and went on"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        said = f": {self.last_line}" if self.last_line else ""
        return f"ended with exit code {code}{said}"


class _Drive:
    """A load under way. A context manager that leaves no process behind."""

    def __init__(self, plan: LoadPlan, base_url: str, watch: Watch | None) -> None:
        self._plan, self._watch = plan, watch
        self._gathering = Gathering(plan, base_url, time.time() + plan.delay_s)
        self._children: list[_Child] = []
        self._selector = selectors.DefaultSelector()
        self._troubles: list[str] = []
        self._reason, self._detail = "complete", ""
        self._stop_at = float("inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.tell(Stop())
        for child in self._children:
            child.close()
        self._selector.close()

    def start(self, orders: Sequence[Order]) -> None:
        """Start a process for each order, and let all begin at once when all are ready.

        Raises:
            Inconclusive: one of them cannot make the load.
        """
        for order in orders:
            child = _Child(order.worker)
            self._children.append(child)
            child.tell(order)
            self._selector.register(child.frames_fd, selectors.EVENT_READ, child)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)  # type: ignore[arg-type]
        deadline_at = time.monotonic() + START_S
        while not all(child.ready for child in self._children):
            self._hear()
            failed = [child for child in self._children if child.ended]
            if failed or self._troubles or time.monotonic() > deadline_at:
                raise Inconclusive(self._why_not(failed), cause="load generator")
        self._gathering.begin(time.time() + self._plan.delay_s)
        for child in self._children:
            child.tell(Go())

    def see_through(self) -> LoadResult:
        """Hear the processes until all have ended, or their time is up."""
        plan = self._plan
        lasts_s = plan.delay_s + plan.duration_s + plan.timeout_s + _SPARE_S
        deadline_at = time.monotonic() + lasts_s
        try:
            while self._talking:
                self._hear()
                now = time.monotonic()
                self._give_up_silent(now)
                if now > min(deadline_at, self._stop_at):
                    self._give_up_all("did not end in time")
        except KeyboardInterrupt:
            self._end("interrupted")
            self._hear_out()
            raise
        return self._result()

    @property
    def _talking(self) -> list[_Child]:
        return [child for child in self._children if child.ended is None]

    def _hear(self) -> None:
        for key, _ in self._selector.select(_LOOK_S):
            child: _Child = key.data
            if key.fd != child.frames_fd:
                if not child.read_tail():
                    self._selector.unregister(key.fd)
                continue
            try:
                words = child.words()
            except BrokenStreamError as error:
                self._lose(child, f"said what is no frame: {error}")
                continue
            if words is None:
                self._selector.unregister(key.fd)
                if child.ended is None:
                    self._lose(child, child.how_it_ended())
            for word in words or ():
                self._take(child, word)

    def _take(self, child: _Child, word: Word) -> None:
        match word:
            case Ready():
                child.ready = True
            case Frame():
                self._gathering.add(word)
                asked = self._watch(word) if self._watch else None
                if asked and self._reason == "complete":
                    self._end("aborted", asked)
            case Ended():
                child.ended = word
                if word.reason == "failed":
                    self._troubles.append(f"{_name(child)} failed: {word.detail}")
                elif word.reason == "cap" and self._reason == "complete":
                    self._end("cap", f"{self._plan.caps.requests} requests were sent")

    def _end(self, reason: str, detail: str = "") -> None:
        self._reason, self._detail = reason, detail
        self._stop_at = time.monotonic() + STOP_S
        for child in self._children:
            child.tell(Stop())

    def _lose(self, child: _Child, how: str) -> None:
        """Go on without a process that can't be heard any more."""
        child.ended = Ended(reason="failed", detail=how)
        self._troubles.append(f"{_name(child)} {how}")
        if child.process.poll() is None:
            child.process.kill()

    def _give_up_silent(self, now: float) -> None:
        for child in self._talking:
            if now - child.heard_at > SILENCE_S + self._plan.delay_s:
                self._lose(child, f"said nothing for {SILENCE_S:g} s and was killed")

    def _give_up_all(self, how: str) -> None:
        for child in self._talking:
            self._lose(child, f"{how} and was killed")

    def _hear_out(self) -> None:
        while self._talking and time.monotonic() < self._stop_at:
            self._hear()

    def _why_not(self, failed: list[_Child]) -> str:
        if failed and failed[0].ended:
            return f"no load could be made: {failed[0].ended.detail}"
        if self._troubles:
            return f"no load could be made: {self._troubles[0]}"
        return f"no load could be made: its process did not start within {START_S:g} s"

    def _result(self) -> LoadResult:
        reason = "failed" if self._troubles and self._reason == "complete" else self._reason
        return self._gathering.result(time.time(), reason, self._detail, tuple(self._troubles))


def _name(child: _Child) -> str:
    return f"load process {child.number}"
