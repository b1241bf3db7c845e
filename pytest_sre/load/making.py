"""Makes loads within what a target may bear, and records them second by second."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from pytest_sre.load.driving import START_S, Enough, Watch, drive
from pytest_sre.load.frames import Frame
from pytest_sre.load.ground import Ground
from pytest_sre.load.permission import (
    RateCeiling,
    require_allowed,
    require_watchable,
    within_limits,
)
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.progress import LiveLine
from pytest_sre.load.recorded import Writing, errors_of, run_of, unsent_of
from pytest_sre.load.result import LoadResult
from pytest_sre.load.workers import Crew, Processes
from pytest_sre.recording.rows import Row
from pytest_sre.verdict import Inconclusive

_SPARE_S: Final = 60.0


class Maker:
    """Makes the loads of one test.

    Args:
        ground: where.
        write: records what is seen.
        test: the test's node id.
    """

    def __init__(self, ground: Ground, *, write: Callable[[Row], None], test: str) -> None:
        self._ground, self._write, self._test = ground, write, test

    def make(self, plan: LoadPlan, processes: int, *watches: Watch) -> LoadResult:
        """Make a load that is the only one, by the run's crew.

        Raises:
            NotAsked: the target does not allow load; nothing was sent.
            Inconclusive: the load is more than the target may bear, another one is on, or it
                could not be made.
        """
        ground = self._ground
        require_allowed(ground.target)
        crew = ground.crew or Processes(processes)
        lasts_s = (
            crew.starts_s + START_S + plan.delay_s + plan.duration_s + plan.timeout_s + _SPARE_S
        )
        line = LiveLine(plan, ground.tell)
        try:
            return self._make(plan, (line, *watches), crew, ground.turn(lasts_s))
        finally:
            ground.tell("")

    def make_beside(self, plan: LoadPlan, enough: Enough, *watches: Watch) -> LoadResult:
        """Make traffic that watches what else is done to the target; it takes no turn.

        Args:
            plan: what is made at most.
            enough: ends it before.
            watches: told each frame.

        Raises:
            NotAsked: the target allows neither load nor chaos; nothing was sent.
            Inconclusive: as for ``make``.
        """
        require_watchable(self._ground.target)
        return self._make(plan, watches, Processes(1), nullcontext(), enough)

    def _make(
        self,
        plan: LoadPlan,
        watches: tuple[Watch, ...],
        crew: Crew,
        turn: AbstractContextManager[object],
        enough: Enough | None = None,
    ) -> LoadResult:
        ground = self._ground
        self._require_known(plan.mix)
        plan = within_limits(plan, ground.target, ground.sent())
        load = secrets.token_hex(6)
        writing, ceiling = Writing(load, self._write, time.time), RateCeiling(plan, ground.target)
        guards: tuple[Watch, ...] = (writing, ceiling, *watches)

        def watch(frame: Frame) -> str | None:
            return next(filter(None, [guard(frame) for guard in guards]), None)

        with turn:
            result = drive(
                plan,
                ground.base_url,
                hosts=ground.hosts,
                journey_files=ground.journey_files,
                crew=crew,
                watch=watch,
                enough=enough,
            )
        self._record(result, load)
        return result

    def _record(self, result: LoadResult, load: str) -> None:
        ground, name = self._ground, name_of(result.plan)
        for second in unsent_of(result, load):
            self._write(second)
        self._write(run_of(result, load, name=name, test=self._test, fleet=ground.fleet()))
        for row in errors_of(result, load, app=ground.app, test=self._test):
            self._write(row)

    def _require_known(self, mix: Mapping[str, float]) -> None:
        for name in mix:
            if name not in self._ground.journeys:
                names = ", ".join(sorted(self._ground.journeys)) or "none"
                raise Inconclusive(f"there is no journey {name!r}; registered: {names}")


def name_of(plan: LoadPlan) -> str:
    """Name a load by what it does."""
    return "+".join(plan.mix) or Path(plan.locustfile).name
