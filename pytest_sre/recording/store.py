"""Where runs are kept: one file a run under ``.sre/runs/``, the newest twenty."""

import contextlib
import datetime as dt
import re
import secrets
from pathlib import Path

from pytest_sre.recording.schema import RecordingError

KEPT_RUNS = 20

_RUN = re.compile(r"\d{8}T\d{6}Z-.+-[0-9a-f]{6}\.sqlite")


def new_run_path(root: Path, target: str, at: float) -> Path:
    """A path for the recording of a run that starts now; older runs make room for it.

    Side effects: creates ``.sre/runs`` and a ``.sre/.gitignore`` under the root, and removes
    runs beyond the newest `KEPT_RUNS`, this one counted. Files not named as runs are left alone.

    Args:
        root: the project's folder.
        target: the target's name.
        at: when the run starts, Unix seconds.

    Raises:
        RecordingError: the folder cannot be written.
    """
    folder = root / ".sre" / "runs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise RecordingError(
            f"expected a folder for recordings, found: {error.strerror}\n  at {folder}\n"
            "  make the project's folder writable, or record elsewhere"
        ) from error
    _remove_old_runs(root, keep=KEPT_RUNS - 1)
    return folder / _run_name(target, at)


def recorded_runs(root: Path) -> list[Path]:
    """The recordings of the runs of a project, newest first."""
    folder = root / ".sre" / "runs"
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _RUN.fullmatch(p.name)), reverse=True)


def _run_name(target: str, at: float) -> str:
    stamp = dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", target)[:60] or "target"
    return f"{stamp}-{name}-{secrets.token_hex(3)}.sqlite"


def _remove_old_runs(root: Path, keep: int) -> None:
    for run in recorded_runs(root)[keep:]:
        for path in (run, run.with_name(f"{run.name}-wal"), run.with_name(f"{run.name}-shm")):
            # A run that cannot be removed is no reason not to make another.
            with contextlib.suppress(OSError):
                path.unlink()
