"""Following an app's log through the platform's pages of it."""

import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator

from pytest_sre.fly.models import LogEntry
from pytest_sre.logs.lines import read_line
from pytest_sre.recording.rows import LogLine
from pytest_sre.redaction import KeyLines

LogPage = tuple[list[LogEntry], str]
"""A page of the log, and the token of the next: a Unix time in nanoseconds."""

LATE_S = 5.0
"""So much later than lines of their time may lines come: each poll looks back as far."""

_PAGES_A_POLL = 50
_REMEMBERED = 10_000
# A poll looks back over no more lines than these, or a busy log would only be read again.
_LOOKED_BACK = 2_000
_NS = 1_000_000_000


class LogTail:
    """An app's log from a time on, each line once.

    Machines in different regions deliver with different delays, so a line may come after later
    ones were read. Each poll looks back a few seconds (`LATE_S`), and never asks from a time
    that is still to come, as one line of a wrong clock would have it. Lines already given are
    recognised by time, Machine and message, the last ten thousand of them. Of lines that agree
    in all three, as many are given as stand in one page.

    Args:
        fly_logs: gives the page that a token stands for. What it raises, `poll` raises; the
            next poll goes on from the same place.
        app: the app's name.
        since_at: from when on, such as the time of the deploy; Unix seconds.
        now: the present time, Unix seconds.
    """

    def __init__(
        self,
        fly_logs: Callable[[str], LogPage],
        app: str,
        since_at: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._fly_logs, self._now = fly_logs, now
        self._app = app
        self._since_at = since_at
        self._token = _token(since_at)
        # What a poll had read when one of its pages failed, for the next poll to give.
        self._unread: list[LogLine] = []
        self._given: OrderedDict[tuple[float, str, str], None] = OrderedDict()
        self._latest: deque[float] = deque(maxlen=_LOOKED_BACK)
        self._polled_at = now()
        self._keys = KeyLines()

    def poll(self, *, pages: int = _PAGES_A_POLL) -> list[LogLine]:
        """The lines that are new since the last poll, in the order of their time.

        Args:
            pages: how many to ask for at most; where there are more, the next poll goes on.
        """
        self._look_back()
        self._polled_at = self._now()
        for _ in range(pages):
            entries, token = self._fly_logs(self._token)
            fresh = [self._line(entry) for entry in _told_apart(entries) if self._take(entry)]
            self._unread.extend(fresh)
            moved = bool(token) and token != self._token
            self._token = token or self._token
            if not entries or not (fresh or moved):
                break
        lines, self._unread = self._unread, []
        return sorted(lines, key=lambda line: line.at)

    def _look_back(self) -> None:
        """Go back to where a line may be that came late."""
        if not self._token.isdecimal():
            return
        reached_at = min(int(self._token) / _NS, self._polled_at)
        is_busy = len(self._latest) == _LOOKED_BACK
        least_at = min(self._latest) if is_busy else self._since_at
        back_at = max(reached_at - LATE_S, least_at, self._since_at)
        if back_at < int(self._token) / _NS:
            self._token = _token(back_at)

    def _take(self, entry: LogEntry) -> bool:
        """Whether the entry was never given before; from now on it was."""
        key = (entry.at, entry.machine, entry.message)
        if entry.at < self._since_at or key in self._given:
            return False
        self._given[key] = None
        self._latest.append(entry.at)
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
            message=self._keys.clean(entry.machine, entry.message),
            provider=entry.provider or "app",
        )


def _told_apart(entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
    """The entries of a page; of those that agree in all, each a little later than the one before.

    The platform tells them apart by nanoseconds, which a time in seconds does not hold. Real
    times are whole microseconds, and there is room for three between two of these.
    """
    seen: Counter[tuple[float, str, str]] = Counter()
    for entry in entries:
        key = (entry.at, entry.machine, entry.message)
        seen[key] += 1
        yield _later(entry, seen[key] - 1)


def _later(entry: LogEntry, steps: int) -> LogEntry:
    if not steps:
        return entry
    at = entry.at + steps * math.ulp(entry.at)
    return LogEntry(at, entry.message, entry.level, entry.machine, entry.region, entry.provider)


def _token(at: float) -> str:
    return str(int(at * _NS))
