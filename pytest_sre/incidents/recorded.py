"""Reads from the recordings of runs what concerns an incident."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.notes import STARTED_AT, TARGET, VERDICT
from pytest_sre.recording.rows import EventSeen, Exchange, MachineSeen, Span, TestRun
from pytest_sre.recording.store import recorded_runs
from pytest_sre.verdict import Verdict

_LEAD_S: Final = 86_400.0


@dataclass(frozen=True)
class RecordedRun:
    """What one run recorded.

    ``began_at`` is when it did, Unix seconds; ``verdict`` is empty when it came to none. Requests
    that failed on our side are left out, and so are events that an earlier healthy run knew.
    """

    name: str
    began_at: float
    verdict: str
    exchanges: tuple[Exchange, ...] = ()
    tests: tuple[TestRun, ...] = ()
    events: tuple[EventSeen, ...] = ()
    machines: tuple[MachineSeen, ...] = ()
    spans: tuple[Span, ...] = ()


def recorded_during(
    root: Path, target: str, opened_at: float, until_at: float
) -> tuple[RecordedRun, ...]:
    """The runs that tell of an incident, oldest first.

    These are the runs of its target after the last healthy one before it was opened, of one day
    before it at most, until its end. Recordings that cannot be read are left out.

    Args:
        root: the project's folder.
        target: the incident's target; empty for runs of any.
        opened_at: when the incident was opened, Unix seconds.
        until_at: when it ended.
    """
    found = (_about(path, target) for path in recorded_runs(root))
    runs = sorted((one for one in found if one), key=lambda one: one[1].began_at)
    healthy = [
        run.began_at
        for _, run in runs
        if run.began_at < opened_at and run.verdict == Verdict.HEALTHY.value
    ]
    since_at = max(max(healthy, default=-math.inf), opened_at - _LEAD_S)
    ours = [(path, run) for path, run in runs if since_at < run.began_at <= until_at]
    events_since_at = max(healthy, default=ours[0][1].began_at if ours else 0.0)
    return tuple(run for path, _ in ours for run in _read(path, events_since_at))


def _about(path: Path, target: str) -> tuple[Path, RecordedRun] | None:
    try:
        with Recording(path) as recording:
            meta = recording.meta()
    except RecordingError:
        return None
    if target not in ("", meta.get(TARGET)):
        return None
    return path, _run(path, meta)


def _run(path: Path, meta: dict[str, str]) -> RecordedRun:
    return RecordedRun(path.stem, float(meta.get(STARTED_AT, 0)), meta.get(VERDICT, ""))


def _read(path: Path, events_since_at: float) -> Iterator[RecordedRun]:
    try:
        with Recording(path) as recording:
            about = _run(path, recording.meta())
            yield RecordedRun(
                about.name,
                about.began_at,
                about.verdict,
                tuple(recording.rows(Exchange, own_fault=False)),
                tuple(recording.rows(TestRun)),
                tuple(recording.rows(EventSeen, since_at=events_since_at)),
                tuple(recording.rows(MachineSeen)),
                tuple(recording.rows(Span)),
            )
    except RecordingError:
        return
