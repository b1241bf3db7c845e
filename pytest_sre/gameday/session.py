"""One experiment of a game day: a pytest session of its own, watched from outside."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_sre.gameday.plan import Step
from pytest_sre.gameday.results import Injected, injected_of
from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.notes import PROCESS
from pytest_sre.recording.rows import ExperimentRun, Perturbation
from pytest_sre.recording.store import recorded_runs

# pytest undoes what it did and files what it found; longer than that it may hang.
_ENDS_WITHIN_S = 120.0


@dataclass(frozen=True)
class Seen:
    """What a session's recording says so far.

    Attributes:
        experiment: how the experiment ended; None until it has.
        injected: what was done to the target.
    """

    experiment: ExperimentRun | None = None
    injected: tuple[Injected, ...] = ()


@dataclass
class Session:
    """A pytest session with one experiment; a context manager, which ends it.

    It has a terminal session of its own, so that Ctrl-C reaches only who watches, who then lets it
    end in order.

    Args:
        root: the project.
        step: the experiment, with its values.
        target: the name of the target.
        more: further arguments for pytest.
        output: the file for what it prints.
    """

    root: Path
    step: Step
    target: str
    more: Sequence[str]
    output: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _earlier: frozenset[Path] = field(default=frozenset(), init=False)

    def __enter__(self) -> Self:
        self._earlier = frozenset(recorded_runs(self.root))
        told = [f"--sre-chaos-set={name}={value}" for name, value in self.step.told.items()]
        file = str(self.step.file.absolute())
        command = [sys.executable, "-m", "pytest", f"--sre-target={self.target}", *told]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, *self.more, file],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            # As by Ctrl-C: it undoes what it did, says what it found, and ends.
            os.kill(process.pid, signal.SIGINT)
        if not self._ends(process):
            # The guardian of the session undoes what it did.
            process.kill()
            process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self._process is not None and self._process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None until it has."""
        return self._process.returncode if self._process else None

    def seen(self) -> Seen:
        """Read what it has recorded so far."""
        new = [path for path in recorded_runs(self.root) if path not in self._earlier]
        for path in new:
            with contextlib.suppress(RecordingError), Recording(path) as recording:
                # Another session of the project may have begun since.
                if self._process and recording.meta().get(PROCESS) == str(self._process.pid):
                    return self._seen(recording)
        return Seen()

    def _ends(self, process: "subprocess.Popen[bytes]") -> bool:
        """Wait for its end, however often Ctrl-C is pressed; false when it does not come."""
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while True:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except KeyboardInterrupt:
                continue
            except subprocess.TimeoutExpired:
                return False
            return True

    def _seen(self, recording: Recording) -> Seen:
        runs = recording.rows(ExperimentRun, name=self.step.name)
        return Seen(runs[-1] if runs else None, injected_of(recording.rows(Perturbation)))
