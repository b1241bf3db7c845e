"""The objectives of a run's target: measured, judged, budgeted, and kept for later runs."""

import math
from collections.abc import Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.fly.organization import organization_of
from pytest_sre.logs.recorded import recorded_lines
from pytest_sre.recording import RecordingError
from pytest_sre.recording.ledger import DayCounts
from pytest_sre.recording.notes import LIFTED
from pytest_sre.recording.rows import MachineSeen, ObjectiveSeen
from pytest_sre.run.evidence import Evidence
from pytest_sre.slo.budget import Budget
from pytest_sre.slo.describing import told_budget
from pytest_sre.slo.facade import Slo
from pytest_sre.slo.freezing import check_freeze
from pytest_sre.slo.judging import check_objective, judge_objective, weighty_findings
from pytest_sre.slo.measuring.events import measure_rows
from pytest_sre.slo.measuring.lines import measure_lines
from pytest_sre.slo.measuring.values import Measured, adjustments_of
from pytest_sre.slo.measuring.windows import METRICS_KEPT_S, Windows
from pytest_sre.slo.proportion import Judgement
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.objectives import Logged, Objective
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

if TYPE_CHECKING:
    from pytest_sre.run.run import Run


class Objectives:
    """The objectives of a run.

    Args:
        run: the run.
    """

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._settings = run.settings
        self._windows = Windows(run.settings, self._prometheus)

    @property
    def slo(self) -> Slo:
        """What a test does with objectives."""
        seen = partial(self._run.recording.rows, MachineSeen)
        return Slo(self._settings.objectives, self.measure, self.budget, self._labels, seen)

    def named(self, name: str) -> Objective:
        """Give an objective by its name.

        Raises:
            ConfigError: the target has none of that name.
        """
        known = {each.name: each for each in self._settings.objectives}
        if name not in known:
            raise unknown_name(where="slo", what="has no objective", name=name, names=known)
        return known[name]

    def check(self, name: str, evidence: Evidence) -> None:
        """Pass when an objective is met; requests that were bad become evidence.

        Raises:
            AssertionError: it is breached.
            Inconclusive: its events cannot carry a verdict, or cannot be had.
            FlyError: the metrics did not answer.
        """
        objective = self.named(name)
        measured = self.measure(objective)
        evidence.rows.extend(measured.failed)
        evidence.record(self._seen(objective, measured))
        check_objective(objective, measured, self._labels)

    def check_freeze(self, name: str, override: str) -> None:
        """Pass unless the objective's budget freezes releases; see ``freezing.check_freeze``."""
        objective = self.named(name)
        lifted = check_freeze(objective, self.budget(objective), override)
        if lifted:
            self._run.recorder.note(f"{LIFTED}{name}", lifted)

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective.

        One that metrics know is counted over its window; one that runs observe, or the log tells
        of, over the bake of this run, since only that is of this release. Waits for its end.

        Raises:
            Inconclusive: they cannot be had.
            FlyError: the metrics did not answer.
        """
        if not is_asked(objective):
            return self._of_this_run(objective)
        # What the bake asked is in the metrics, too.
        self._run.wait_for_bake()
        try:
            return self._windows.measure(objective)
        except RecordingError as error:
            raise Inconclusive(str(error), cause="own ledger") from error

    def budget(self, objective: Objective) -> Budget:
        """Tell the error budget of an objective, over its window and with this run.

        Raises:
            Inconclusive: it is not known.
            FlyError: the metrics did not answer.
        """
        self._run.wait_for_bake()
        this_run = None if is_asked(objective) else self._day(objective)
        try:
            return self._windows.budget(
                objective, since_at=self._since_at(objective), this_run=this_run
            )
        except RecordingError as error:
            raise Inconclusive(str(error), cause="own ledger") from error

    def keep(self) -> Iterator[str]:
        """Keep what this run observed, and what metrics will forget; say what could not be.

        A ledger that cannot be written changes nothing about the verdict.
        """
        for objective in self._settings.objectives:
            try:
                self._windows.keep(self._days(objective))
            except (Inconclusive, FlyError, RecordingError) as error:
                first = str(error).partition("\n")[0]
                yield f"{objective.name} is not kept in the ledger: {first}"

    def told(self) -> Iterator[str]:
        """Say what was concluded of each objective that was tested, and what it cannot do."""
        seen = {row.objective: row for row in self._run.recording.rows(ObjectiveSeen)}
        for objective in self._settings.objectives:
            row = seen.get(objective.name)
            if row is None or row.verdict == ObjectiveVerdict.INCONCLUSIVE.value:
                continue
            yield f"{row.objective} {row.verdict}{self._told_budget(objective, row)}"
            span_s = objective.window_s if is_asked(objective) else 0.0
            yield from weighty_findings(objective, row.total, span_s)

    def _told_budget(self, objective: Objective, row: ObjectiveSeen) -> str:
        if is_asked(objective):
            left = row.remaining_ratio
            return "" if math.isnan(left) else f", {100 * left:.1f} % of its error budget left"
        try:
            return f", {told_budget(self.budget(objective))}"
        except (Inconclusive, FlyError):
            return ""

    def _seen(self, objective: Objective, measured: Measured) -> ObjectiveSeen:
        """Give what is recorded of an objective."""
        try:
            judgement = judge_objective(objective, measured)
        except Inconclusive as error:
            return objective_row(objective, measured, None, detail=error.reason)
        try:
            # Where metrics tell, what was measured is all of the window.
            remaining = (
                Budget(
                    objective=objective.name,
                    allowed_ratio=objective.allowed_ratio,
                    counts=measured.counts,
                    window_s=objective.window_s,
                )
                if is_asked(objective)
                else self.budget(objective)
            ).remaining
        except (Inconclusive, FlyError):
            remaining = math.nan
        return objective_row(objective, measured, judgement, remaining_ratio=remaining)

    def _days(self, objective: Objective) -> list[DayCounts]:
        if not is_asked(objective):
            day = self._day(objective)
            return [day] if day.total else []
        kept_s = METRICS_KEPT_S[self._settings.target.platform]
        return self._windows.snapshot(objective) if objective.window_s > kept_s else []

    def _day(self, objective: Objective) -> DayCounts:
        measured = self._of_this_run(objective)
        run = self._run.recorder.path.stem
        return self._windows.day_counts(objective, measured.counts, run, measured.until_at)

    def _of_this_run(self, objective: Objective) -> Measured:
        adjustments = adjustments_of(objective, self._settings.adjustments)
        app = objective.app or self._settings.target.apps[0].name
        bake = self._run.bake()
        if isinstance(objective.source, Logged):
            self._run.read_log(app)
            self._run.recorder.flush()
            lines = recorded_lines(self._run.recording, app, bake.started_at, bake.ended_at)
            return measure_lines(
                objective,
                objective.source,
                lines,
                bake.started_at,
                bake.ended_at,
                adjustments=adjustments,
            )
        return measure_rows(
            objective,
            bake.traffic.exchanges,
            bake.journey_runs,
            bake.started_at,
            bake.ended_at,
            app=app,
            adjustments=adjustments,
        )

    def _since_at(self, objective: Objective) -> float | None:
        name = objective.app or self._settings.target.apps[0].name
        try:
            return self._run.apps[name].since_at
        except (Inconclusive, FlyError):
            return None

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {machine.id: machine.label for machine in self._run.machines}

    def _prometheus(self) -> Prometheus:
        fly = self._run.platform.fly
        return fly.metrics(organization_of(fly, self._settings.target))


def objective_row(
    objective: Objective,
    measured: Measured,
    judgement: Judgement | None,
    *,
    remaining_ratio: float = math.nan,
    detail: str = "",
) -> ObjectiveSeen:
    """Give what is recorded of an objective.

    Args:
        objective: it.
        measured: its events.
        judgement: what they say; None when they carry no verdict.
        remaining_ratio: the share of its error budget that is left; not a number when not known.
        detail: why there is no verdict.
    """
    return ObjectiveSeen(
        at=measured.until_at,
        objective=objective.name,
        verdict=(judgement.verdict if judgement else ObjectiveVerdict.INCONCLUSIVE).value,
        bad=measured.counts.bad,
        total=measured.counts.total,
        allowed_ratio=objective.allowed_ratio,
        window_s=objective.window_s,
        told_by=measured.told_by,
        lower_ratio=judgement.lower if judgement else math.nan,
        upper_ratio=judgement.upper if judgement else math.nan,
        confidence=judgement.confidence if judgement else math.nan,
        remaining_ratio=remaining_ratio,
        detail="\n".join((detail, *measured.notes)).strip(),
    )
