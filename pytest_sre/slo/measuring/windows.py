"""What is known of objectives over their whole windows: from metrics, and from the ledger."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_sre.fly.metrics import Prometheus
from pytest_sre.recording.ledger import DayCounts, Ledger, ledger_path
from pytest_sre.slo.budget import Budget
from pytest_sre.slo.burn import Burning, burn_windows, burning
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.measuring.days import DAY_S, day_at, definition_of, of_runs
from pytest_sre.slo.measuring.metrics import MetricReader, measure_metrics
from pytest_sre.slo.measuring.values import Measured, adjustments_of
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets import Settings
from pytest_sre.targets.objectives import Objective

METRICS_KEPT_S: Final = {"fly": 15 * DAY_S, "local": DAY_S}
"""For how long the metrics of a platform are kept, seconds; Fly says about 15 days."""


@dataclass(frozen=True)
class Windows:
    """The windows of a target's objectives.

    Attributes:
        settings: the target's.
        prometheus: opens its metrics; raises Inconclusive or FlyError where it has none.
    """

    settings: Settings
    prometheus: Callable[[], Prometheus]

    def measure(self, objective: Objective, *, this_run: DayCounts | None = None) -> Measured:
        """Count the events of an objective's window, which ends now.

        Args:
            objective: it; what runs observe is counted over the runs of the window.
            this_run: what a run that goes on has observed, which the ledger may not have yet.

        Raises:
            Inconclusive: the metrics know nothing of it, or what they say cannot be.
            FlyError: the metrics did not answer.
            RecordingError: the ledger cannot be read.
        """
        now = time.time()
        since = day_at(now - objective.window_s)
        adjustments = adjustments_of(objective, self.settings.adjustments)
        if is_asked(objective):
            kept_s = METRICS_KEPT_S[self.settings.target.platform]
            kept = self._kept(objective, since) if objective.window_s > kept_s else []
            reader = self._reader(objective)
            return measure_metrics(reader, objective.window_s, now, kept_s, kept, adjustments)
        return of_runs(self._runs(objective, since, this_run), since, now, adjustments=adjustments)

    def budget(
        self,
        objective: Objective,
        *,
        since_at: float | None = None,
        this_run: DayCounts | None = None,
    ) -> Budget:
        """Tell the error budget of an objective; raises as ``measure`` does.

        Args:
            objective: it.
            since_at: when the release was deployed, Unix seconds; None when not known.
            this_run: see ``measure``.
        """
        measured = self.measure(objective, this_run=this_run)
        release, recent = (
            self._of_metrics(objective, since_at)
            if is_asked(objective)
            else self._of_runs(objective, since_at, this_run)
        )
        missing = measured.missing_days
        told = (f"nothing is known of {len(missing)} days",) if missing else ()
        return Budget(
            objective=objective.name,
            allowed_ratio=objective.allowed_ratio,
            counts=measured.counts,
            window_s=objective.window_s,
            release=release,
            recent=recent,
            notes=(*measured.notes, *told),
        )

    def burning(self, objective: Objective) -> tuple[Burning, ...]:
        """Tell how fast the budget was spent over each range of the Workbook's table.

        Nothing of what runs observe: between two runs nobody looks. Raises as ``measure`` does.
        """
        if not is_asked(objective):
            return ()
        now, reader = time.time(), self._reader(objective)
        windows = burn_windows(objective.window_s)
        return burning(
            windows,
            objective.allowed_ratio,
            lambda length_s: reader.known_over(max(1.0, length_s), now) or Counts(),
        )

    def spent(self, objective: Objective, from_at: float, until_at: float) -> float | None:
        """Tell which share of its window's budget a stretch of time spent, by the ledger alone.

        Args:
            objective: it.
            from_at: when the stretch began, Unix seconds.
            until_at: when it ended; the window ends there, too.

        Returns:
            None where the ledger has no event of it. Of metrics whole days are counted.

        Raises:
            RecordingError: the ledger cannot be read.
        """
        source = "metrics" if is_asked(objective) else "runs"
        kept = self._kept(objective, day_at(until_at - objective.window_s))
        known = [day for day in kept if day.source == source and day.day <= str(day_at(until_at))]
        allowed = objective.allowed_ratio * sum(day.total for day in known)
        inside = [
            day
            for day in known
            if (from_at <= day.at <= until_at if day.run else day.day >= str(day_at(from_at)))
        ]
        if not allowed or not sum(day.total for day in inside):
            return None
        return sum(day.bad for day in inside) / allowed

    def snapshot(self, objective: Objective) -> list[DayCounts]:
        """Count the whole days that metrics know of an objective, as the ledger keeps them.

        Raises:
            Inconclusive: what they say cannot be.
            FlyError: they did not answer.
        """
        now = time.time()
        kept_s = METRICS_KEPT_S[self.settings.target.platform]
        # The first day is known in part, the last one has not ended.
        first, last = day_at(now - kept_s) + _A_DAY, day_at(now) - _A_DAY
        if last < first:
            return []
        days = self._reader(objective).whole_days(first, last)
        return [
            self.day_counts(objective, counts, "", now, str(day))
            for day, counts in sorted(days.items())
        ]

    def day_counts(
        self, objective: Objective, counts: Counts, run: str, at: float, day: str = ""
    ) -> DayCounts:
        """Put counts as the ledger keeps them: of a run, or with no run's name of metrics."""
        return DayCounts(
            self.settings.target.name,
            objective.name,
            definition_of(objective),
            "runs" if run else "metrics",
            day or str(day_at(at)),
            run,
            at,
            counts.bad,
            counts.total,
        )

    def keep(self, days: Sequence[DayCounts]) -> None:
        """Write counts into the ledger.

        Raises:
            RecordingError: it cannot be written.
        """
        if days:
            with Ledger(ledger_path(self.settings.root)) as ledger:
                ledger.put(days)

    def _kept(self, objective: Objective, since: dt.date) -> list[DayCounts]:
        path = ledger_path(self.settings.root)
        if not path.is_file():
            return []
        with Ledger(path) as ledger:
            name, definition = objective.name, definition_of(objective)
            return ledger.days(self.settings.target.name, name, definition, since)

    def _runs(
        self, objective: Objective, since: dt.date, this_run: DayCounts | None
    ) -> list[DayCounts]:
        kept = [day for day in self._kept(objective, since) if day.source == "runs"]
        if this_run is None:
            return kept
        return [*(day for day in kept if day.run != this_run.run), this_run]

    def _of_metrics(
        self, objective: Objective, since_at: float | None
    ) -> tuple[Counts | None, Counts | None]:
        now, reader = time.time(), self._reader(objective)
        recent_s = burn_windows(objective.window_s)[0].long_s
        kept_s = METRICS_KEPT_S[self.settings.target.platform]
        longest_s = min(objective.window_s, kept_s)
        age_s = None if since_at is None else min(longest_s, now - since_at)
        release = reader.known_over(age_s, now) if age_s and age_s >= 1 else None
        return release, reader.known_over(max(1.0, recent_s), now)

    def _of_runs(
        self, objective: Objective, since_at: float | None, this_run: DayCounts | None
    ) -> tuple[Counts | None, Counts | None]:
        since = day_at(time.time() - objective.window_s)
        runs = self._runs(objective, since, this_run)
        recent = max(runs, key=lambda day: day.at, default=None)
        if since_at is None:
            return None, _counts(recent)
        ours = [day for day in runs if day.at >= since_at]
        release = Counts(sum(day.bad for day in ours), sum(day.total for day in ours))
        return release, _counts(recent)

    def _reader(self, objective: Objective) -> MetricReader:
        app = objective.app or self.settings.target.apps[0].name
        return MetricReader(self.prometheus(), objective, app)


_A_DAY: Final = dt.timedelta(days=1)


def _counts(day: DayCounts | None) -> Counts | None:
    return Counts(day.bad, day.total) if day else None
