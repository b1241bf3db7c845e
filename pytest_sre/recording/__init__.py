"""The run's recording: everything seen or done, kept once as typed rows and read by all.

`Recorder` writes rows to an SQLite file in the background, `Recording` reads them back, and
`new_run_path` says where a run's file is kept. The row types are in `recording.rows`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_sre.recording.reader import Recording
    from pytest_sre.recording.recorder import Recorder
    from pytest_sre.recording.schema import SCHEMA_VERSION, RecordingError
    from pytest_sre.recording.store import new_run_path
    from pytest_sre.recording.summary import MachineCounts, Summary

__all__ = [
    "SCHEMA_VERSION",
    "MachineCounts",
    "Recorder",
    "Recording",
    "RecordingError",
    "Summary",
    "new_run_path",
]

_HOMES = {
    "SCHEMA_VERSION": "schema",
    "MachineCounts": "summary",
    "Recorder": "recorder",
    "Recording": "reader",
    "RecordingError": "schema",
    "Summary": "summary",
    "new_run_path": "store",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
