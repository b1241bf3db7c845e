"""What ``pytest-sre chaos stop`` and ``go`` do: press the stop button, and release it."""

from collections.abc import Mapping
from pathlib import Path

from pytest_sre.chaos.stopping import StopButton, press, stop_file, stop_file_of_all
from pytest_sre.local.commands import Outcome


def stop(root: Path, environ: Mapping[str, str], *, of_all: bool) -> Outcome:
    """Press the button; exit code 1 when that cannot be done.

    Args:
        root: the project's folder.
        environ: the environment.
        of_all: whether all projects of the user are meant.
    """
    file = _file(root, environ, of_all=of_all)
    if file is None:
        return _HOMELESS
    try:
        press(file)
    except OSError as error:
        return Outcome(1, (f"expected to write {file}, found: {error.strerror}",))
    again = "pytest-sre chaos go --all" if of_all else "pytest-sre chaos go"
    return Outcome(0, (f"chaos is stopped by {file}; to let it begin again: {again}",))


def go(root: Path, environ: Mapping[str, str], *, of_all: bool) -> Outcome:
    """Release the button; exit code 1 when it stays pressed, by this file or by another.

    Args:
        root: the project's folder.
        environ: the environment.
        of_all: whether all projects of the user are meant.
    """
    file = _file(root, environ, of_all=of_all)
    if file is None:
        return _HOMELESS
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        return Outcome(1, (f"expected to remove {file}, found: {error.strerror}",))
    pressed = StopButton(root, environ).pressed()
    return Outcome(1, (pressed,)) if pressed else Outcome(0, ("chaos may begin",))


_HOMELESS = Outcome(1, ("expected a home folder for --all, found none in HOME",))


def _file(root: Path, environ: Mapping[str, str], *, of_all: bool) -> Path | None:
    return stop_file_of_all(environ) if of_all else stop_file(root)
