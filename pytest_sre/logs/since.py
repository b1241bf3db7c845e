"""What the logs say since the deploy, as a test asks it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pytest_sre.logs.errors import ErrorGroup, error_groups
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import LogLine
from pytest_sre.verdict import Inconclusive


class _App(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def since_at(self) -> float: ...


@dataclass(frozen=True)
class LogsSince:
    """The log of an app since a time."""

    lines: tuple[LogLine, ...]
    ignore: tuple[re.Pattern[str], ...]

    @cached_property
    def errors(self) -> list[ErrorGroup]:
        """The lines at error level, grouped by what they say; those ignored left out."""
        return error_groups(self.lines, self.ignore)


class Logs:
    """The logs of a run, read from its recording.

    Args:
        recording: the run's.
        ignore: patterns of lines that are not judged.
    """

    def __init__(self, recording: Recording, ignore: Sequence[re.Pattern[str]]) -> None:
        self._recording, self._ignore = recording, tuple(ignore)

    def since_deploy(self, app: _App) -> LogsSince:
        """Give the app's log since the deploy, or since ``--sre-since``.

        Raises:
            Inconclusive: no line at all was read, so that the absence of errors shows nothing.
        """
        lines = self._recording.rows(LogLine, app=app.name, since_at=app.since_at)
        if not lines:
            raise Inconclusive(f"no log line of {app.name} was read since the deploy")
        return LogsSince(tuple(lines), self._ignore)
