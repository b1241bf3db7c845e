"""Reads an app's log into the recording, as far as it has come."""

import math
import threading
import time

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp
from pytest_sre.logs.recorded import read, unread
from pytest_sre.logs.source import LogPage, LogTail
from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import LogLine, OwnFault, Span
from pytest_sre.run.outcomes import fault_of_platform
from pytest_sre.verdict import Inconclusive


class LogReader:
    """Reads the log of one app, from the deploy on; safe to use from several threads.

    What another process of the run has recorded when this one begins is not read again.
    """

    def __init__(self, fly: Fly, app: FlyApp, recorder: Recorder) -> None:
        self._fly, self._app, self._recorder = fly, app, recorder
        self._lock = threading.Lock()
        self._tail: LogTail | None = None
        self._failed_at = -math.inf

    def read(self) -> None:
        """Record the lines that are new, and that the log was read to its end, or was not.

        Raises:
            Inconclusive: the platform did not answer.
        """
        at, name = time.time(), self._app.name
        with self._lock:
            try:
                self._tail = self._tail or LogTail(self._page, name, self._begin_at())
                lines = self._tail.poll()
            except (FlyError, Inconclusive) as error:
                self._recorder.write(Span(at=at, name=unread(name), ended_at=time.time()))
                if isinstance(error, FlyError):
                    raise fault_of_platform(error) from error
                raise
            for line in lines:
                self._recorder.write(line)
            self._recorder.write(Span(at=at, name=read(name), ended_at=time.time()))

    def read_on(self, retry_after_s: float = 0.5) -> None:
        """Read as far as can be, for readers of the recording; a failure is recorded as one.

        Args:
            retry_after_s: how long a platform that did not answer is not asked again.
        """
        if time.monotonic() - self._failed_at >= retry_after_s:
            try:
                self.read()
            except Inconclusive as error:
                fault = OwnFault(at=time.time(), cause=error.cause, detail=error.reason)
                self._recorder.write(fault)
                self._failed_at = time.monotonic()
        self._recorder.flush()

    def _page(self, token: str) -> LogPage:
        return self._fly.logs(self._app.name, next_token=token)

    def _begin_at(self) -> float:
        with Recording(self._recorder.path) as recording:
            lines = recording.rows(LogLine, app=self._app.name, since_at=self._app.since_at)
        return lines[-1].at if lines else self._app.since_at
