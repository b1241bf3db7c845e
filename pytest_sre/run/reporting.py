"""Writes the report of a run that has ended."""

from pathlib import Path

from pytest_sre.recording import RecordingError
from pytest_sre.redaction import one_line
from pytest_sre.report.html.writing import ReportError, write_report
from pytest_sre.run.run import Run


def report_lines(run: Run, path: Path) -> list[str]:
    """Write the report of a run, and say where it is; trouble with it changes no verdict."""
    run.recorder.flush()
    try:
        write_report(run.recording, path)
    except (RecordingError, ReportError) as error:
        return str(error).splitlines()
    except Exception as error:  # noqa: BLE001 - whatever it is, the verdict stands
        return [one_line(f"not written: {type(error).__name__}: {error}")]
    return [shown_path(path, run.settings.root)]


def shown_path(path: Path, root: Path) -> str:
    """Show a path as seen from the project's folder, where it is in there."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
