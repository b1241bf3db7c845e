"""The stop button of those who only see the tracker: an open issue labelled ``chaos-stop``."""

import os
import time
from collections.abc import Callable
from typing import Final

from pytest_sre.issues.opening import is_live, open_tracker
from pytest_sre.issues.tracker import Tracker, TrackerError
from pytest_sre.targets import Settings

STOP_LABEL: Final = "chaos-stop"
_PATIENCE_S: Final = 30.0


def stop_label(settings: Settings, tracker: str) -> Callable[[], str]:
    """Give what says, by asking the tracker, why all chaos has to end; empty while it need not.

    Args:
        settings: how the tracker is reached.
        tracker: which; one that only this folder sees is not asked, nor is none.
    """
    if not tracker or not is_live(tracker):
        return lambda: ""
    return StopLabel(lambda: open_tracker(tracker, settings.issues, settings.root, os.environ))


class StopLabel:
    """Asks a tracker for the label.

    A tracker that does not answer for longer than half a minute, or that never has, says that all
    chaos has to end: nobody could tell whether somebody wants that.

    Args:
        opened: opens the tracker.
        clock: seconds of some clock.
    """

    def __init__(
        self, opened: Callable[[], Tracker], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._opened, self._clock = opened, clock
        self._tracker: Tracker | None = None
        self._answered_s: float | None = None

    def __call__(self) -> str:
        """Ask once.

        Raises:
            TrackerError: the tracker has not answered for too long, or never.
        """
        try:
            self._tracker = self._tracker or self._opened()
            found = self._tracker.open_with_label(STOP_LABEL)
        except TrackerError:
            last = self._answered_s
            if last is None or self._clock() - last > _PATIENCE_S:
                raise
            return ""
        self._answered_s = self._clock()
        if not found:
            return ""
        return (
            f"chaos is stopped by issue #{found[0].number} of {self._tracker.name}, "
            f"which is labelled {STOP_LABEL}\nclose it, or take the label away"
        )
