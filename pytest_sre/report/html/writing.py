"""Writes the report of a recording to a file."""

import contextlib
import secrets
from pathlib import Path

from pytest_sre.recording import Recording, RecordingError
from pytest_sre.report.html.page import render
from pytest_sre.report.html.reading import read_report


class ReportError(Exception):
    """A report could not be written; says what to do about it."""


def write_report(recording: Recording, path: Path) -> None:
    """Write the HTML report of a recording; what is at the path is replaced at once, or stays.

    Raises:
        ReportError: the file cannot be written.
        RecordingError: the recording cannot be read.
    """
    page = render(read_report(recording))
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ReportError(
            f"expected to write the report, found: {error.strerror}\n  at {path}\n"
            "  give another path, or make its folder writable"
        ) from error


def report_of(recording: Path, output: Path) -> tuple[int, str]:
    """Write the report of a recording by hand.

    Returns:
        The exit code, 0 or 4, and what to say.
    """
    try:
        with Recording(recording) as opened:
            write_report(opened, output)
    except (RecordingError, ReportError) as error:
        return 4, str(error)
    return 0, f"wrote {output}"
