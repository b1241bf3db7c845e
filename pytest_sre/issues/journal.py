"""What failed so far in a run that goes on, so that nothing is lost when its process is killed.

A line a failure, on disk before it is shown. The process that writes holds a lock on the file; a
file that nobody holds belongs to a run that died.
"""

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec

from pytest_sre.judge.causes import Failure

_SUFFIX: Final = ".journal"


class _Begun(msgspec.Struct, frozen=True, tag=True):
    run: str
    tracker: str
    target: str
    at: float
    incidents: bool = False


class _Started(msgspec.Struct, frozen=True, tag=True):
    test: str


class _Failed(msgspec.Struct, frozen=True, tag=True):
    failure: Failure


_Line = _Begun | _Started | _Failed
_DECODER: Final = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class DeadRun:
    """What is known of a run whose process was killed.

    Attributes:
        run: its id.
        tracker: who is to be told.
        target: what it verified.
        at: when it began, Unix seconds.
        failures: what had failed.
        during: the test that was running; empty when none was.
        incidents: whether a critical cause starts an incident on the target.
    """

    run: str
    tracker: str
    target: str
    at: float
    failures: tuple[Failure, ...]
    during: str
    incidents: bool = False


class Journal:
    """Writes down what fails, as it fails.

    Args:
        folder: where; made when missing.
        run: the run's id.
        tracker: who is to be told.
        target: what it verifies.
        at: when it began, Unix seconds.
        incidents: whether a critical cause starts an incident there.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        tracker: str,
        target: str,
        at: float,
        *,
        incidents: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}{_SUFFIX}"
        partial = self._path.with_suffix(".partial")
        self._descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        # Held and begun before it has its name: nobody takes it for that of a dead run.
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._write(_Begun(run, tracker, target, at, incidents))
        partial.replace(self._path)

    def started(self, test: str) -> None:
        """A test begins."""
        self._write(_Started(test))

    def failed(self, failure: Failure) -> None:
        """A test failed; it is on disk when this returns."""
        self._write(_Failed(failure))
        os.fsync(self._descriptor)

    def close(self) -> None:
        """The run has ended in order, and what it found is kept elsewhere."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: _Line) -> None:
        os.write(self._descriptor, msgspec.json.encode(line) + b"\n")


def dead_runs(folder: Path) -> Iterator[tuple[Path, DeadRun]]:
    """The runs in a folder whose processes were killed; a line that was cut is left out."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        if _is_held(path):
            continue
        found = _read(path)
        if found:
            yield path, found
        else:
            path.unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _read(path: Path) -> DeadRun | None:
    lines = [line for raw in path.read_bytes().splitlines() if (line := _line(raw))]
    begun = next((line for line in lines if isinstance(line, _Begun)), None)
    if begun is None:
        return None
    started = [line.test for line in lines if isinstance(line, _Started)]
    failures = tuple(line.failure for line in lines if isinstance(line, _Failed))
    during = started[-1] if started else ""
    return DeadRun(
        begun.run, begun.tracker, begun.target, begun.at, failures, during, begun.incidents
    )


def _line(raw: bytes) -> _Line | None:
    try:
        line: _Line = _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line
