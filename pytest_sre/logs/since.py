"""A stretch of an app's log, as a test asks it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pytest_sre.logs.baselines import Baseline, window_s
from pytest_sre.logs.errors import ErrorGroup, error_groups, is_ignored
from pytest_sre.logs.events import LogEvent, events_of
from pytest_sre.logs.findings import find
from pytest_sre.logs.novelty import RateChange, new_error_signatures, rate_changed
from pytest_sre.logs.origins import Origins
from pytest_sre.logs.rules import Rule, shipped_rules
from pytest_sre.logs.scan import Finding
from pytest_sre.logs.signatures import Signature, signatures_of
from pytest_sre.recording.rows import LogLine
from pytest_sre.verdict import Inconclusive

Pattern = str | re.Pattern[str]


def as_pattern(what: Pattern) -> re.Pattern[str]:
    """Take a text for a pattern that finds it, in upper or lower case."""
    return re.compile(re.escape(what), re.IGNORECASE) if isinstance(what, str) else what


@dataclass(frozen=True)
class LogsSince:
    """The log of an app since a time.

    Attributes:
        lines: the log, in the order of time.
        ignore: a line is not judged when one of these is found in it.
        find_baseline: gives what the log said before; None when nothing is known of it.
        origins: what the app's Machines were.
        find_rules: gives the rules that ``findings`` are by.
    """

    lines: tuple[LogLine, ...]
    ignore: tuple[re.Pattern[str], ...]
    find_baseline: Callable[[], Baseline | None] = lambda: None
    origins: Origins = field(default_factory=Origins)
    find_rules: Callable[[], Sequence[Rule]] = shipped_rules

    @cached_property
    def events(self) -> list[LogEvent]:
        """What the log tells, event by event: a line each, or all lines of a stack trace."""
        return events_of(self.lines, self.origins)

    @cached_property
    def errors(self) -> list[ErrorGroup]:
        """The events at error level, grouped by what they say; those ignored left out."""
        return error_groups(self.lines, self.ignore)

    @cached_property
    def findings(self) -> list[Finding]:
        """What the rules find, shipped ones and the project's own; lines ignored left out."""
        return find(self.lines, self.find_rules(), self.ignore)

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

    def matching(self, what: Pattern) -> list[Signature]:
        """What the log says of something, of any level.

        Args:
            what: a text that a line is to contain, in upper or lower case; or a pattern.
        """
        pattern = as_pattern(what)
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
