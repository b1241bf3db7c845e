"""An app's log lines, bounded, in the order they were written."""

import time
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

from pytest_sre.local.faults.kinds import LogDelay, LogGap
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.faults.scopes import Site

CAPACITY: Final = 50_000
PAGE: Final = 500
_FIRST_PAGE: Final = 100
_DAY_NS: Final = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One log line; ``at_ns`` is Unix nanoseconds, and different for each line of an app."""

    at_ns: int
    message: str
    level: str
    provider: str
    machine_id: str = ""
    region: str = ""
    error_code: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where a line comes from: a Machine, or nothing in particular."""

    machine_id: str = ""
    region: str = ""


class Logbook:
    """The last 50,000 lines of an app.

    Args:
        app: its name.
        faults: what may keep lines from being seen.
    """

    def __init__(self, app: str, faults: Faults) -> None:
        self._app, self._faults = app, faults
        self._lines: list[Line] = []
        self._last_ns = 0

    def write(
        self,
        message: str,
        *,
        provider: str,
        level: str = "info",
        origin: Origin | None = None,
        error_code: int | None = None,
    ) -> None:
        """Add a line, now."""
        source = origin or Origin()
        if self._faults.strike(LogGap, Site(self._app, source.machine_id, source.region)):
            return
        # Each later than the one before, so that a token names exactly one place.
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        self._lines.append(
            Line(
                self._last_ns,
                message,
                level,
                provider,
                source.machine_id,
                source.region,
                error_code,
            )
        )
        # Cut rarely, a tenth at a time: cutting moves all that is left.
        if len(self._lines) > CAPACITY * 1.1:
            del self._lines[: len(self._lines) - CAPACITY]

    def page(
        self, after_ns: int | None, *, machine_id: str = "", region: str = ""
    ) -> tuple[list[Line], int]:
        """The lines after a time, oldest first, at most 500.

        Args:
            after_ns: Unix nanoseconds, exclusive; None for the last 100 lines of a day.
            machine_id: only lines of this Machine, when not empty.
            region: only lines of this region, when not empty.

        Returns:
            The lines, and the time to ask with next.
        """
        if after_ns is None:
            start = bisect_left(self._lines, time.time_ns() - _DAY_NS, key=lambda line: line.at_ns)
            lines = self._matching(start, machine_id, region)[-_FIRST_PAGE:]
        else:
            start = bisect_right(self._lines, after_ns, key=lambda line: line.at_ns)
            lines = self._matching(start, machine_id, region)[:PAGE]
        if lines:
            return lines, lines[-1].at_ns
        return [], self._newest_shown_ns() if after_ns is None else after_ns

    def _matching(self, start: int, machine_id: str, region: str) -> list[Line]:
        last = max(len(self._lines) - CAPACITY, start)
        until_ns = self._newest_shown_ns()
        return [
            line
            for line in self._lines[last:]
            if line.at_ns <= until_ns
            and (not machine_id or line.machine_id == machine_id)
            and (not region or line.region == region)
        ]

    def _newest_shown_ns(self) -> int:
        """When the newest line was written that can be read by now, Unix nanoseconds."""
        late = self._faults.find(LogDelay, Site(self._app))
        if late is None:
            return self._last_ns
        return min(self._last_ns, time.time_ns() - int(late.delay_s * 1e9))
