"""The child that plays an experiment, as the process that runs it sees it."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final, Self

import msgspec
import psutil

from pytest_sre.chaos.experiments.words import Broke, FromChild, ToChild

_TAIL: Final = 2_000
_MOST: Final = 64_000_000
_PIECE: Final = 65_536
_LEAVE_S: Final = 5.0


class Child:
    """A child at play. A context manager that leaves neither it nor what it started.

    Args:
        root: its working directory: modules of the project are found there.
    """

    def __init__(self, root: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child is left
        # The package is found where this process found it.
        home = str(Path(__file__).parents[3])
        find = f"import sys; sys.path.append({home!r})"
        play = f"{find}; from pytest_sre.chaos.experiments.child import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", play],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=root,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._half = b""
        self._read = 0
        self.is_gone = False

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._process.pid

    @property
    def began_at(self) -> float:
        """When it was started, as psutil says."""
        return psutil.Process(self.pid).create_time()

    def say(self, word: ToChild) -> None:
        """Say a word; one that is gone hears nothing."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stdin.write(msgspec.json.encode(word) + b"\n")
            self._stdin.flush()

    def words(self, within_s: float) -> list[FromChild]:
        """Hear what it says, waiting at most so long; ``is_gone`` when it says no more."""
        if not self._selector.select(within_s):
            return []
        piece = os.read(self._stdout.fileno(), _PIECE)
        self._read += len(piece)
        if not piece or self._read > _MOST:
            self.is_gone = True
            return []
        *lines, self._half = (self._half + piece).split(b"\n")
        return [_word(line) for line in lines]

    def how_it_ended(self) -> str:
        """Say how it ended, with the last that it wrote to its standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAVE_S)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _TAIL))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = f": {lines[-1].strip()}" if lines else ""
        code = self._process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code and code < 0 else "ended"
        return f"the process that played it {how}{last}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()
        # Whatever it started is in its group; also when it has ended itself.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        self._stdout.close()
        self._errors.close()


def _word(line: bytes) -> FromChild:
    try:
        word: FromChild = msgspec.json.decode(line, type=FromChild)
    except msgspec.MsgspecError as error:
        return Broke(why=f"the process that plays it said what is no word: {error}")
    return word
