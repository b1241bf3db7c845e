"""What the log said before: of the last healthy run, or else of the day before the deploy."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from pytest_sre.logs.pace import bursts_a_request
from pytest_sre.logs.source import LogPage, LogTail
from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.rows import Exchange, LogLine
from pytest_sre.recording.store import recorded_runs
from pytest_sre.verdict import Verdict

BEFORE_S = 24 * 3600.0
"""How long before the deploy a baseline begins when no healthy run was recorded."""

# Read in slices spread over the day: the lines of a busy app's first minutes would not show
# what it says in others.
_SLICES = 10
_LINES_A_SLICE = 2_000
_PAGES_A_SLICE = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """Lines to compare a log with.

    Attributes:
        lines: the lines, of which the app printed at least one.
        window_s: how long it took to write them.
        origin: where they are from, for a person.
        bursts_a_request: how often the app wrote lines for a request; None when not known.
    """

    lines: tuple[LogLine, ...]
    window_s: float
    origin: str
    bursts_a_request: float | None = None


def window_s(lines: tuple[LogLine, ...]) -> float:
    """The time from the first line to the last, seconds."""
    at = [line.at for line in lines]
    return max(at) - min(at) if at else 0.0


def recorded_baseline(root: Path, *, target: str, app: str, current: Path) -> Baseline | None:
    """The lines of an app in the newest recording of a healthy run against the same target.

    Recordings of another version, and those that cannot be read, are passed over.

    Args:
        root: the project's folder.
        target: the target's name.
        app: the app's name.
        current: the recording of the run that goes on; it is not its own baseline.
    """
    for path in recorded_runs(root):
        found = None if path == current else _healthy_run(path, target, app)
        if found and _is_telling(found.lines):
            return found
    return None


def baseline_before(
    fly_logs: Callable[[str], LogPage], app: str, before_at: float
) -> Baseline | None:
    """The lines that an app wrote in the day before a time, at most 20,000 of them.

    Args:
        fly_logs: gives the page of the app's log that a token stands for; what it raises is
            raised.
        app: the app's name.
        before_at: that time, such as that of the deploy, Unix seconds.
    """
    begin_at, slice_s = before_at - BEFORE_S, BEFORE_S / _SLICES
    lines: list[LogLine] = []
    covered_s = 0.0
    for index in range(_SLICES):
        start_at = begin_at + index * slice_s
        read, read_s = _slice(LogTail(fly_logs, app, start_at), start_at, start_at + slice_s)
        lines += read
        covered_s += read_s
    found = Baseline(tuple(lines), covered_s, "the 24 h before the deploy")
    return found if _is_telling(found.lines) else None


def _is_telling(lines: tuple[LogLine, ...]) -> bool:
    """Whether the app itself said something; the platform says that it was created."""
    return any(line.provider == "app" for line in lines)


def _healthy_run(path: Path, target: str, app: str) -> Baseline | None:
    try:
        with Recording(path) as recording:
            about = recording.meta()
            if about.get("target") != target or about.get("verdict") != Verdict.HEALTHY.value:
                return None
            lines = tuple(recording.rows(LogLine, app=app))
            asked = [row.at for row in recording.rows(Exchange, app=app, source="bake")]
    except RecordingError:
        return None
    said = [line.at for line in lines if line.provider == "app"]
    origin = f"the healthy run {path.stem}"
    return Baseline(lines, window_s(lines), origin, bursts_a_request(said, asked))


def _slice(tail: LogTail, start_at: float, end_at: float) -> tuple[list[LogLine], float]:
    """The first lines of a slice of time, and how much of it they cover, seconds."""
    read = tail.poll(pages=_PAGES_A_SLICE)
    lines = [line for line in read if line.at < end_at][:_LINES_A_SLICE]
    is_whole = len(lines) < len(read) or not read
    return lines, (end_at if is_whole and len(lines) < _LINES_A_SLICE else lines[-1].at) - start_at
