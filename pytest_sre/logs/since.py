"""What the logs say since the deploy, as a test asks it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from pytest_sre.logs.baselines import Baseline, window_s
from pytest_sre.logs.errors import ErrorGroup, error_groups, is_ignored
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.novelty import RateChange, new_error_signatures, rate_changed
from pytest_sre.logs.origins import Origins
from pytest_sre.logs.signatures import Signature, signatures_of
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import LogLine, MachineSeen, OwnFault, Span
from pytest_sre.verdict import Inconclusive


def read(app: str) -> str:
    """Name the span in which an app's log was read to its end."""
    return f"log of {app} read"


def unread(app: str) -> str:
    """Name the span in which an app's log was asked for and could not be read to its end."""
    return f"log of {app} unread"


class App(Protocol):
    """What is asked of an app here."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def since_at(self) -> float:
        """From when on its log is judged, Unix seconds."""
        ...


@dataclass(frozen=True)
class LogsSince:
    """The log of an app since a time.

    Attributes:
        lines: the log, in the order of time.
        ignore: a line is not judged when one of these is found in it.
        find_baseline: gives what the log said before; None when nothing is known of it.
        origins: what the app's Machines were.
    """

    lines: tuple[LogLine, ...]
    ignore: tuple[re.Pattern[str], ...]
    find_baseline: Callable[[], Baseline | None]
    origins: Origins = field(default_factory=Origins)

    @cached_property
    def events(self) -> list[LogEvent]:
        """What the log tells, event by event: a line each, or all lines of a stack trace."""
        return events_of(self.lines, self.origins)

    @cached_property
    def errors(self) -> list[ErrorGroup]:
        """The lines at error level, grouped by what they say; those ignored left out."""
        return error_groups(self.lines, self.ignore)

    @cached_property
    def signatures(self) -> list[Signature]:
        """What the log says: every line is in one signature, most frequent first."""
        return signatures_of(self.events)

    @cached_property
    def baseline(self) -> Baseline | None:
        """What the log said before this release: in the last healthy run, or the day before it.

        None when neither is known.
        """
        return self.find_baseline()

    @cached_property
    def new_error_signatures(self) -> list[Signature]:
        """The errors that the baseline never had; those ignored left out.

        Raises:
            Inconclusive: there is no baseline.
        """
        return new_error_signatures(self._known_baseline.lines, self._judged)

    def rate_changed(self, factor: float = 3.0) -> list[RateChange]:
        """The signatures that are ``factor`` times as frequent as in the baseline, beyond chance.

        Raises:
            Inconclusive: there is no baseline, or the lines do not span a time.
        """
        baseline, current_s = self._known_baseline, window_s(self.lines)
        if not (baseline.window_s > 0 and current_s > 0):
            raise Inconclusive("no rate of log lines is known: they do not span a time")
        return rate_changed(
            baseline.lines,
            self._judged,
            baseline_s=baseline.window_s,
            current_s=current_s,
            factor=factor,
        )

    def matching(self, what: str | re.Pattern[str]) -> list[Signature]:
        """What the log says of something, of any level.

        Args:
            what: a text that a line is to contain, in upper or lower case; or a pattern.
        """
        pattern = re.compile(re.escape(what), re.IGNORECASE) if isinstance(what, str) else what
        return signatures_of([event for event in self.events if event.has(pattern)])

    @property
    def _known_baseline(self) -> Baseline:
        if self.baseline is None:
            raise Inconclusive(
                "no baseline: no healthy run of this target is recorded in .sre/runs, and the log "
                "has no line of the 24 h before the deploy"
            )
        return self.baseline

    @property
    def _judged(self) -> list[LogLine]:
        """The lines of what is not ignored."""
        judged = (event for event in self.events if not is_ignored(event, self.ignore))
        return [line for event in judged for line in event.lines]


class Logs:
    """The logs of a run, read from its recording.

    Args:
        recording: the run's.
        ignore: patterns of lines that are not judged.
        find_baseline: gives what the log of an app said before; None when that is not known.
    """

    def __init__(
        self,
        recording: Recording,
        ignore: Sequence[re.Pattern[str]],
        find_baseline: Callable[[App], Baseline | None] = lambda _app: None,
    ) -> None:
        self._recording, self._ignore = recording, tuple(ignore)
        self._find_baseline = find_baseline

    def since_deploy(self, app: App) -> LogsSince:
        """Give the app's log since the deploy, or since ``--sre-since``.

        Raises:
            Inconclusive: no line at all was read, or the last ones could not be, so that the
                absence of errors shows nothing.
        """
        self._require_read_to_its_end(app.name)
        lines = self._recording.rows(LogLine, app=app.name, since_at=app.since_at)
        if not lines:
            raise Inconclusive(f"no log line of {app.name} was read since the deploy")
        seen = self._recording.rows(MachineSeen, app=app.name)
        return LogsSince(
            tuple(lines), self._ignore, lambda: self._find_baseline(app), Origins(seen)
        )

    def _require_read_to_its_end(self, app: str) -> None:
        read_at = max((span.at for span in self._recording.rows(Span, name=read(app))), default=0.0)
        missed = [s for s in self._recording.rows(Span, name=unread(app)) if s.at > read_at]
        if missed:
            faults = self._recording.rows(OwnFault, since_at=missed[0].at)
            what = f"the log of {app} could not be read to its end"
            cause = faults[-1].cause if faults else None
            raise Inconclusive("\n".join([what, *(f.detail for f in faults[-1:])]), cause=cause)
