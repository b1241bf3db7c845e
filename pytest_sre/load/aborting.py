"""Ends a load early when an objective is certainly broken. Pure.

It looks every second, so the verdict is one that holds at all times (`slo.sequences`).
"""

from collections.abc import Sequence

from pytest_sre.load.frames import Frame
from pytest_sre.load.measuring import count_events, require_told
from pytest_sre.load.plan import LoadPlan
from pytest_sre.load.result import LATE_RATIO
from pytest_sre.slo.sequences import watch_ratio
from pytest_sre.targets.objectives import Objective


class Abort:
    """Watches objectives while a load is made.

    Args:
        objectives: those that end the load when they are broken.
        plan: the load; what it does not judge is not looked at.

    Raises:
        ValueError: one counts slices of time, which are too few to watch.
        Inconclusive: a load does not tell of one.
    """

    def __init__(self, objectives: Sequence[Objective], plan: LoadPlan) -> None:
        for objective in objectives:
            require_told(objective)
            if objective.slices:
                raise ValueError(
                    f"expected an objective of events to watch, found {objective.name}, "
                    f"which counts slices of {objective.slices.slice_s:g} s"
                )
        self._plan = plan
        self._seen = [(each, watch_ratio(each.allowed_ratio)) for each in objectives]
        self._started = self._late = 0
        self.breached = ""

    def __call__(self, frame: Frame) -> str | None:
        """Look at a frame; give the reason to end the load."""
        judged = [one for one in frame.tallies if self._plan.is_judged(one.second)]
        self._started += sum(one.started for one in judged if not one.request)
        self._late += sum(one.late for one in judged if not one.request)
        for place, (objective, seen) in enumerate(self._seen):
            counts = count_events(objective, judged)
            now = seen.fold(counts.total - counts.bad, counts.bad)
            self._seen[place] = objective, now
            if now.breached and not (objective.kind == "latency" and self._is_ours):
                self.breached = self.breached or f"{objective.name}: {now.judgement}"
        return self.breached or None

    @property
    def _is_ours(self) -> bool:
        """Whether answers may only look slow, since the generator began late."""
        return self._late > LATE_RATIO * self._started
