"""An app's log as a run recorded it: its lines, and whether it was read to its end."""

from pytest_sre.recording import Recording
from pytest_sre.recording.rows import LogLine, OwnFault, Span
from pytest_sre.verdict import Inconclusive

CAUSE = "platform logs API"
"""The key of verdicts that are inconclusive because the log was not to be had whole."""


def read(app: str) -> str:
    """Name the span in which an app's log was read to its end."""
    return f"log of {app} read"


def unread(app: str) -> str:
    """Name the span in which an app's log was asked for and could not be read to its end."""
    return f"log of {app} unread"


def recorded_lines(
    recording: Recording, app: str, since_at: float, until_at: float | None = None
) -> tuple[LogLine, ...]:
    """The lines of an app's log from a time on, in the order of their time, each once.

    Several processes of a run may have read the same line; it is told by its time, its Machine
    and its text.

    Args:
        recording: the run's.
        app: the app's name.
        since_at: from when on, Unix seconds.
        until_at: up to when, that time included; the end if None.
    """
    found: dict[tuple[float, str, str], LogLine] = {}
    for line in recording.rows(LogLine, app=app, since_at=since_at):
        if until_at is None or line.at <= until_at:
            found.setdefault((line.at, line.machine, line.message), line)
    return tuple(found.values())


def require_read_to_its_end(recording: Recording, app: str) -> None:
    """Pass when the last attempt to read an app's log came to its end.

    Raises:
        Inconclusive: it did not, so that the absence of a line shows nothing.
    """
    read_at = max((span.at for span in recording.rows(Span, name=read(app))), default=0.0)
    missed = [span for span in recording.rows(Span, name=unread(app)) if span.at > read_at]
    if missed:
        faults = recording.rows(OwnFault, since_at=missed[0].at)
        what = f"the log of {app} could not be read to its end"
        faults = [fault for fault in faults if fault.cause == CAUSE] or faults
        cause = faults[-1].cause if faults else None
        raise Inconclusive("\n".join([what, *(f.detail for f in faults[-1:])]), cause=cause)
