"""The stop button: while it is pressed no chaos begins, and what is under way is undone at once.

It is pressed by a file of the project, by one of the user's for all projects, by a file that the
environment names, or by a signal to any process of a run, which writes a file of that run. Files
stay until they are removed; that of a run ends with it.
"""

import contextlib
import datetime as dt
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

STOP_VARIABLE: Final = "PYTEST_SRE_STOP"
STOP_SIGNAL: Final = signal.SIGUSR1

_LONGEST: Final = 200


def stop_file(root: Path) -> Path:
    """Give the file that stops the chaos of a project."""
    return root / ".sre" / "chaos-stop"


def stop_file_of_all(environ: Mapping[str, str]) -> Path | None:
    """Give the file that stops the chaos of all of a user's projects; None without a home."""
    if state := environ.get("XDG_STATE_HOME"):
        return Path(state) / "pytest-sre" / "chaos-stop"
    if home := environ.get("HOME"):
        return Path(home) / ".local" / "state" / "pytest-sre" / "chaos-stop"
    return None


def stop_file_of_run(root: Path, run: str) -> Path:
    """Give the file that stops the chaos of one run."""
    return root / ".sre" / f"chaos-stop-{run}"


def press(file: Path, why: str = "pytest-sre chaos stop") -> None:
    """Write a stop file.

    Args:
        file: the file.
        why: what pressed the button.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    file.write_text(f"{why}, {now}\n", "utf-8")


class StopButton:
    """The stop button of a project.

    Args:
        root: the project's folder.
        environ: the environment of the process.
        run: which run asks; none when empty.
    """

    def __init__(self, root: Path, environ: Mapping[str, str], run: str = "") -> None:
        named = environ.get(STOP_VARIABLE, "")
        self._files = {
            stop_file(root): "remove it by: pytest-sre chaos go",
            stop_file_of_all(environ): "remove it by: pytest-sre chaos go --all",
            root / named if named else None: f"{STOP_VARIABLE} names it; remove it there",
            stop_file_of_run(root, run) if run else None: "it ends with the run",
        }

    def pressed(self) -> str:
        """Say by what it is pressed, and how that is ended; empty when it is not."""
        found = (_told(file, hint) for file, hint in self._files.items() if file)
        return next(filter(None, found), "")


@contextlib.contextmanager
def heeding_signal(file: Path) -> Iterator[None]:
    """Have the signal write a stop file, instead of ending the process.

    Only the main thread can arrange for that; in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heed(_number: int, _frame: FrameType | None) -> None:
        _signalled.add(file)
        with contextlib.suppress(OSError):
            press(file, f"the signal {STOP_SIGNAL.name} to process {os.getpid()}")

    before = signal.signal(STOP_SIGNAL, heed)
    try:
        yield
    finally:
        signal.signal(STOP_SIGNAL, before)
        _signalled.discard(file)


# Files that could perhaps not be written; this process at least has to stop.
_signalled: Final[set[Path]] = set()


def _told(file: Path, hint: str) -> str:
    """Say what a stop file says; one of which nobody knows whether it is there counts, too."""
    if file in _signalled:
        return f"chaos is stopped by the signal {STOP_SIGNAL.name}\n{hint}"
    try:
        with file.open("rb") as opened:
            text = opened.read(_LONGEST).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        text = error.strerror or "it cannot be read"
    first = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"chaos is stopped by {file}{f': {first}' if first else ''}\n{hint}"
