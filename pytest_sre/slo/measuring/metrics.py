"""Asks a Prometheus for the events of an objective, and takes no odd answer for a good one.

The queries are those of `pytest_sre.slo.queries`, from which alert rules are made, too.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

from pytest_sre.fly.errors import Invalid
from pytest_sre.fly.metric_values import Matrix, Result, Scalar, Text, Vector
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.recording.ledger import DayCounts
from pytest_sre.slo.counts import Counts, added
from pytest_sre.slo.measuring.days import DAY_S, completed, day_at, days_of, start_of
from pytest_sre.slo.measuring.events import told_adjustment
from pytest_sre.slo.measuring.values import Measured
from pytest_sre.slo.queries import duration, event_queries
from pytest_sre.targets.objectives import BudgetAdjustment, Objective, RatioQuery
from pytest_sre.verdict import Inconclusive

_NAME: Final = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
# Two counters that are read at slightly different times differ by so much at most.
_SKEW_RATIO: Final = 0.01
# An answer is about the moment that was asked for; clocks of two machines differ.
_APART_S: Final = 300.0
_PARTIAL: Final = "the answer is partial"


class MetricReader:
    """Reads one objective's events from a Prometheus.

    Args:
        prometheus: it.
        objective: whose source is a query, or Fly's edge.
        app: the app that it is about.
    """

    def __init__(self, prometheus: Prometheus, objective: Objective, app: str) -> None:
        self._prometheus, self._objective = prometheus, objective
        try:
            self._queries = event_queries(objective, app)
        except ValueError as error:
            raise Inconclusive(str(error), cause=f"objective {objective.name}") from None

    def over(self, window_s: float, until_at: float) -> Counts:
        """Count the events of a stretch of time.

        Args:
            window_s: how long it is, seconds.
            until_at: when it ends, Unix seconds.

        Raises:
            Inconclusive: the metrics know nothing of it, or what they say cannot be.
            FlyError: there was no answer.
        """
        found = self.known_over(window_s, until_at)
        if found is None:
            query = self._queries.over(window_s).total
            raise self._unsure(
                f"the metrics know nothing of the last {duration(window_s)}: no value for {query}"
                f"{self._unknown_metrics(query)}"
            )
        return found

    def known_over(self, window_s: float, until_at: float) -> Counts | None:
        """Count the events of a stretch of time; None where the metrics know nothing of it."""
        asked = self._queries.over(window_s)
        total = self._one(asked.total, until_at)
        if total is None:
            return None
        bad = self._one(asked.bad, until_at)
        if bad is None:
            raise self._unsure(
                f"the metrics tell of events, but not which are bad: no value for {asked.bad}"
                f"{self._unknown_metrics(asked.bad)}"
            )
        if bad == 0:
            self._require_bad_metric()
        return self._counts(bad, total)

    def whole_days(self, first: dt.date, last: dt.date) -> Mapping[dt.date, Counts]:
        """Count the events of whole days in UTC; days of which nothing is known are left out.

        Args:
            first: the first day.
            last: the last day; it has to be over.

        Raises:
            Inconclusive: what they say cannot be.
            FlyError: there was no answer.
        """
        asked = self._queries.over(DAY_S)
        totals, bads = (self._daily(query, first, last) for query in (asked.total, asked.bad))
        if totals and not any(bads.values()):
            self._require_bad_metric()
        return {day: self._counts(bads[day], totals[day]) for day in totals if day in bads}

    def _one(self, promql: str, at: float) -> float | None:
        """Evaluate a query that has one value; None where it has none."""
        result = self._asked(lambda: self._prometheus.query(promql, at=at))
        match result:
            case Scalar(at=seen_at, value=value):
                found = [(seen_at, value)]
            case Vector(samples=samples):
                found = [(sample.at, sample.value) for sample in samples]
            case Matrix() | Text():
                raise self._unsure(f"expected one value, found a {_kind(result)} for {promql}")
        if len(found) > 1:
            raise self._unsure(f"expected one value, found {len(found)} for {promql}")
        for seen_at, _ in found:
            if not abs(seen_at - at) <= _APART_S:
                raise self._unsure(f"asked about {at:.0f}, the metrics answered about {seen_at:g}")
        return self._usable(found[0][1], promql) if found else None

    def _daily(self, promql: str, first: dt.date, last: dt.date) -> dict[dt.date, float]:
        start_at, end_at = start_of(first) + DAY_S, start_of(last) + DAY_S
        matrix = self._asked(
            lambda: self._prometheus.query_range(
                promql, start_at=start_at, end_at=end_at, step_s=DAY_S
            )
        )
        if not isinstance(matrix, Matrix) or len(matrix) > 1:
            raise self._unsure(f"expected one series, found {_kind(matrix)} for {promql}")
        points = [point for series in matrix for point in series.points]
        # The value at midnight is about the day that ends then.
        return {day_at(at - DAY_S / 2): self._usable(value, promql) for at, value in points}

    def _asked(self, ask: Callable[[], Result]) -> Result:
        try:
            result = ask()
        except Invalid as error:
            raise self._unsure(f"{error.found}\nin {error.hint}") from None
        if any(warning.startswith(_PARTIAL) for warning in result.warnings):
            raise self._unsure("the metrics answered in part: some of their storage is missing")
        return result

    def _usable(self, value: float, promql: str) -> float:
        if not math.isfinite(value) or value < 0:
            raise self._unsure(f"expected a number of events, found {value:g} for {promql}")
        return value

    def _counts(self, bad: float, total: float) -> Counts:
        if bad > total * (1 + _SKEW_RATIO) + 1:
            raise self._unsure(f"the metrics tell of {bad:g} bad events among {total:g}")
        # What is extrapolated to the window's ends is no whole number; a part of a failure is one.
        whole_bad = math.ceil(bad - 1e-6)
        whole = max(round(total), 1 if total > 0 else 0)
        return Counts(min(whole_bad, whole), whole)

    def _require_bad_metric(self) -> None:
        """Refuse to take a misspelt metric of bad events for none of them.

        Raises:
            Inconclusive: no metric that the query of bad events names is there.
        """
        source = self._objective.source
        if not isinstance(source, RatioQuery) or source.bad is None:
            return
        if not self._names & set(_NAME.findall(source.bad)):
            raise self._unsure(
                "there are no bad events, but neither is there any metric that "
                f"{source.bad} names: is it spelt as the app spells it?"
            )

    def _unknown_metrics(self, promql: str) -> str:
        words = {word for word in _NAME.findall(promql) if "_" in word}
        unknown = sorted(words - self._names - {"sum_over_time", "count_over_time", "clamp_min"})
        return f"; there is no metric {', '.join(unknown)}" if unknown else ""

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._prometheus.label_values("__name__"))

    def _unsure(self, why: str) -> Inconclusive:
        name = self._objective.name
        return Inconclusive(f"{name}: {why}", cause=f"metrics of {name}")


def measure_metrics(
    reader: MetricReader,
    window_s: float,
    now: float,
    known_s: float,
    kept: Sequence[DayCounts],
    adjustments: Sequence[BudgetAdjustment] = (),
) -> Measured:
    """Count the events of a window that ends now.

    Args:
        reader: what asks.
        window_s: the window, seconds.
        now: when it ends, Unix seconds.
        known_s: for how long metrics are kept; a longer window is counted in days, those before
            from the ledger.
        kept: what the ledger has.
        adjustments: times that do not count.

    Raises:
        Inconclusive: nothing is known of it, or what is cannot be.
        FlyError: there was no answer.
    """
    if window_s <= known_s:
        from_at = now - window_s
        counts, found = reader.over(window_s, now), _adjusted(reader, adjustments, from_at, now)
        return Measured(
            counts=counts.without(found),
            from_at=from_at,
            until_at=now,
            told_by=f"metrics of the last {duration(window_s)}",
            notes=tuple(
                told_adjustment(each, "events")
                for each in adjustments
                if each.start_at < now and each.end_at > from_at
            ),
        )
    days = days_of(window_s, now)
    known = known_days(reader, now, known_s)
    parts = {
        day: _adjusted(reader, adjustments, start_of(day), min(start_of(day) + DAY_S, now))
        for day in known
    }
    return completed(days, known, kept, now, adjustments=adjustments, left_out=parts)


def known_days(reader: MetricReader, now: float, known_s: float) -> Mapping[dt.date, Counts]:
    """Count the events of each day that metrics still know, today as far as it has come.

    The first may be known in part. Raises as `measure_metrics` does.
    """
    first, today = day_at(now - known_s), day_at(now)
    known = dict(reader.whole_days(first, today - dt.timedelta(days=1))) if first < today else {}
    so_far = reader.known_over(max(1.0, now - start_of(today)), now)
    if so_far is not None:
        known[today] = so_far
    if not known:
        reader.over(known_s, now)
    return known


def _adjusted(
    reader: MetricReader, adjustments: Sequence[BudgetAdjustment], from_at: float, until_at: float
) -> Counts:
    """Count the events of the times that do not count, each moment once."""
    found, done_at = [], from_at
    for each in adjustments:
        begin_at, end_at = max(each.start_at, done_at), min(each.end_at, until_at)
        if end_at - begin_at >= 1:
            found.append(reader.known_over(end_at - begin_at, end_at) or Counts())
            done_at = end_at
    return added(found)


def _kind(result: Result) -> str:
    return type(result).__name__.lower()
