"""Following an app's log through the platform's pages of it."""

from collections import OrderedDict
from collections.abc import Callable

from pytest_sre.fly.models import LogEntry
from pytest_sre.logs.lines import read_line
from pytest_sre.recording.rows import LogLine

LogPage = tuple[list[LogEntry], str]
"""A page of the log, and the token of the next: a Unix time in nanoseconds."""

_PAGES_A_POLL = 50
_REMEMBERED = 10_000


class LogTail:
    """An app's log from a time on, each line once.

    Whether a page begins with the last line of the one before is not documented, so lines
    already given are recognised by time, Machine and message, the last ten thousand of them.

    Args:
        fly_logs: gives the page that a token stands for. What it raises, `poll` raises; the
            next poll goes on from the same place.
        app: the app's name.
        since_at: from when on, such as the time of the deploy; Unix seconds.
    """

    def __init__(self, fly_logs: Callable[[str], LogPage], app: str, since_at: float) -> None:
        self._fly_logs = fly_logs
        self._app = app
        self._since_at = since_at
        self._token = str(int(since_at * 1_000_000_000))
        # What a poll had read when one of its pages failed, for the next poll to give.
        self._unread: list[LogLine] = []
        self._given: OrderedDict[tuple[float, str, str], None] = OrderedDict()

    def poll(self, *, pages: int = _PAGES_A_POLL) -> list[LogLine]:
        """The lines that are new since the last poll, in the order of their time.

        Args:
            pages: how many to ask for at most; where there are more, the next poll goes on.
        """
        for _ in range(pages):
            entries, token = self._fly_logs(self._token)
            fresh = [self._line(entry) for entry in entries if self._take(entry)]
            self._unread.extend(fresh)
            moved = bool(token) and token != self._token
            self._token = token or self._token
            if not entries or not (fresh or moved):
                break
        lines, self._unread = self._unread, []
        return sorted(lines, key=lambda line: line.at)

    def _take(self, entry: LogEntry) -> bool:
        """Whether the entry was never given before; from now on it was."""
        key = (entry.at, entry.machine, entry.message)
        if entry.at < self._since_at or key in self._given:
            return False
        self._given[key] = None
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)
        return True

    def _line(self, entry: LogEntry) -> LogLine:
        return LogLine(
            at=entry.at,
            app=self._app,
            machine=entry.machine,
            region=entry.region,
            level=read_line(entry.message, entry.level).level,
            message=entry.message,
            provider=entry.provider or "app",
        )
