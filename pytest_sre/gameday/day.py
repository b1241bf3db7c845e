"""A game day while it is held: its experiments, one after another, with pauses between them."""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_sre.chaos.stopping import StopButton
from pytest_sre.gameday.plan import Plan, Step
from pytest_sre.gameday.results import NOT_CLEAN, Result, verdict_of
from pytest_sre.gameday.session import Seen, Session
from pytest_sre.gameday.timeline import Moment, Timeline

_LOOKS_EVERY_S = 0.2
_PAUSE_SHOWN_EVERY_S = 1.0


class Day:
    """A game day.

    Attributes:
        results: of the experiments that are over.
        why_ended: why it ended before its last experiment; empty when it did not.

    Args:
        root: the project.
        plan: what is done.
        more: further arguments for pytest.
        folder: where the sessions' output is kept.
        timeline: shows it.
    """

    def __init__(
        self, root: Path, plan: Plan, more: Sequence[str], folder: Path, timeline: Timeline
    ) -> None:
        self.results: list[Result] = []
        self.why_ended = ""
        self._root, self._plan, self._more = root, plan, more
        self._folder, self._timeline = folder, timeline
        self._button = StopButton(root, os.environ)

    def hold(self) -> None:
        """Do the experiments; what one leaves in place ends the game day, and the stop button.

        Raises:
            KeyboardInterrupt: it was ended by Ctrl-C; what was done is undone.
        """
        for step in self._plan.steps:
            if self.results:
                self._pause(self._plan.steps[len(self.results) - 1].pause_s)
            self.why_ended = self._button.pressed()
            if self.why_ended:
                return
            self._do(step)
            if self.results[-1].verdict == NOT_CLEAN:
                self.why_ended = f"{step.name} left something in place"
                return

    def _do(self, step: Step) -> None:
        began_at = time.time()
        output = self._folder / f"{len(self.results) + 1:02d}-{step.name}.log"
        session = Session(self._root, step, self._plan.target, self._more, output)
        try:
            with session:
                while not session.has_ended:
                    self._show(step, began_at, session.seen())
                    time.sleep(_LOOKS_EVERY_S)
        finally:
            seen = session.seen()
            self._show(step, began_at, seen)
            self.results.append(_result(step, began_at, session, seen))
            self._timeline.show(Moment(tuple(self.results)))

    def _show(self, step: Step, since_at: float, seen: Seen) -> None:
        self._timeline.show(Moment(tuple(self.results), step, since_at, seen.injected))

    def _pause(self, pause_s: float) -> None:
        since_at, ends = time.time(), time.monotonic() + pause_s
        while (left_s := ends - time.monotonic()) > 0 and not self._button.pressed():
            self._timeline.show(Moment(tuple(self.results), since_at=since_at, pause_s=pause_s))
            time.sleep(min(left_s, _PAUSE_SHOWN_EVERY_S))


def _result(step: Step, began_at: float, session: Session, seen: Seen) -> Result:
    run = seen.experiment
    return Result(
        name=step.name,
        title=run.title if run else "",
        verdict=verdict_of(run, seen.injected),
        detail=run.detail if run else f"pytest ended with code {session.exit_code}",
        began_at=began_at,
        took_s=time.time() - began_at,
        recovery_s=None if run is None or math.isnan(run.recovery_s) else run.recovery_s,
        injected=seen.injected,
        output=session.output,
    )
