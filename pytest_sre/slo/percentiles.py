"""What a sample says about a percentile: bounds by order statistics, and a verdict on a limit.

How many of n values lie below the true percentile is binomial, whatever their distribution, so two
of the values, by rank, bound it. Source: H. A. David and H. N. Nagaraja, "Order Statistics" (2003),
section 7.1. Looked at again and again, the ranks are taken from a confidence sequence: S. R. Howard
and A. Ramdas, "Sequential estimation of quantiles", Bernoulli 28 (2022).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from pytest_sre.slo import binomial, sequences
from pytest_sre.slo.histogram import nearest_rank
from pytest_sre.slo.proportion import ALPHA, samples_to_settle
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict


class Ranked(Protocol):
    """Values in order; what is kept of each may be a span only."""

    @property
    def total(self) -> int:
        """How many there are."""

    def at_rank(self, rank: int) -> tuple[float, float]:
        """Give the bounds of the value of this rank; 1 is the lowest."""

    def above(self, limit_s: float) -> tuple[int, int]:
        """Count those surely above a limit, and those that may be."""

    def spans(self) -> Iterable[tuple[float, float, int]]:
        """Give each span, its lowest value and its end, with how many values it holds."""


@dataclass(frozen=True)
class Samples:
    """Values kept one by one, in rising order."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> "Samples":
        """Put values in order.

        Raises:
            ValueError: one is infinite or not a number.
        """
        ordered = tuple(sorted(values))
        for value in ordered:
            if not math.isfinite(value):
                raise ValueError(f"expected a finite value, found {value:g}")
        return cls(ordered)

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.values)

    def at_rank(self, rank: int) -> tuple[float, float]:
        """Give the value of this rank, twice: its bounds."""
        return self.values[rank - 1], self.values[rank - 1]

    def above(self, limit_s: float) -> tuple[int, int]:
        """Count those above a limit, twice: nothing is in doubt."""
        count = len(self.values) - bisect_right(self.values, limit_s)
        return count, count

    def spans(self) -> Iterable[tuple[float, float, int]]:
        """Give each value as a span of its own."""
        return ((value, value, 1) for value in self.values)


@dataclass(frozen=True)
class PercentileBounds:
    """A percentile of latencies, in seconds, as seen and as it may truly be.

    ``lower_s`` and ``upper_s`` are one-sided bounds, each with risk ``alpha``; 0 and infinite where
    the sample is too small to have any. ``observed_s`` is None when nothing was seen.
    """

    percent: float
    total: int
    observed_s: float | None
    lower_s: float
    upper_s: float
    alpha: float = ALPHA


@dataclass(frozen=True)
class PercentileJudgement:
    """What a sample says about "this percentile is at most the limit".

    Attributes:
        verdict: MET, BREACHED or INCONCLUSIVE.
        bounds: the percentile as seen, with its bounds.
        limit_s: the objective, seconds.
        slow: how many values are surely above the limit.
        unsure: how many more lie in the histogram's bucket around the limit.
        more: how many more good values would settle an inconclusive one.
    """

    verdict: ObjectiveVerdict
    bounds: PercentileBounds
    limit_s: float
    slow: int
    unsure: int
    more: int = 0

    def __str__(self) -> str:
        seen, sure = self.bounds, f"with {100 * (1 - self.bounds.alpha):g} % confidence"
        name = f"p{seen.percent:g}"
        head = (
            f"{self.verdict.value}: {self.slow:,} of {seen.total:,} slower than "
            f"{milliseconds(self.limit_s)} (objective {name})"
        )
        if self.verdict is ObjectiveVerdict.MET:
            return f"{head}: {name} is at most {milliseconds(seen.upper_s)} {sure}"
        if self.verdict is ObjectiveVerdict.BREACHED:
            return f"{head}: {name} is at least {milliseconds(seen.lower_s)} {sure}"
        could_be = "anything" if math.isinf(seen.upper_s) else milliseconds(seen.upper_s)
        doubt = f"; {self.unsure:,} too close to the limit to tell" if self.unsure else ""
        settle = f"{self.more:,} more good ones would settle it"
        return f"{head}{doubt}: {name} could be {could_be}; {settle}"

    def check(self, what: str) -> None:
        """Pass when the objective is met.

        Raises:
            AssertionError: it is breached.
            Inconclusive: the sample is too small, or too coarse, to tell.
        """
        if self.verdict is ObjectiveVerdict.INCONCLUSIVE:
            raise Inconclusive(f"{what}: {self}")
        if self.verdict is ObjectiveVerdict.BREACHED:
            raise AssertionError(f"{what}: {self}")


def bound_percentile(
    seen: Ranked, percent: float, *, alpha: float = ALPHA, anytime: bool = False
) -> PercentileBounds:
    """Bound the true percentile of what the values were drawn from.

    Args:
        seen: a histogram or samples, in seconds.
        percent: which percentile, above 0 and below 100.
        alpha: the risk of each bound, at most 0.25.
        anytime: whether the bounds are to hold at all times together, for who looks again and
            stops when it suits; they are wider then.

    Raises:
        ValueError: ``percent`` or ``alpha`` is out of range.
    """
    _require(percent, alpha)
    total = seen.total
    if not total:
        return PercentileBounds(percent, 0, None, 0.0, math.inf, alpha)
    allowed = (100 - percent) / 100
    # The number above the true percentile: so many that the rank is below it, or so few.
    most_above = _first(total, lambda above: _is_high(above, total, allowed, alpha, anytime))
    few_above = _first(total, lambda above: not _is_low(above, total, allowed, alpha, anytime))
    # With the value of rank r above the percentile, at least total - r + 1 values are.
    lower = total - most_above + 1
    upper = total - few_above + 1
    low_s, end_s = seen.at_rank(nearest_rank(percent, total))
    observed = end_s if math.isfinite(end_s) else low_s
    return PercentileBounds(
        percent,
        total,
        observed,
        seen.at_rank(lower)[0] if most_above <= total else 0.0,
        seen.at_rank(upper)[1] if few_above > 0 else math.inf,
        alpha,
    )


def judge_percentile(
    seen: Ranked, percent: float, limit_s: float, *, alpha: float = ALPHA, anytime: bool = False
) -> PercentileJudgement:
    """Judge whether a percentile is at most a limit, such as p99 within 0.3 seconds.

    A bucket in which the limit lies counts as slow for MET and as fast for BREACHED.

    Raises:
        ValueError: ``percent``, ``alpha`` or the limit is out of range.
    """
    if not 0 < limit_s < math.inf:
        raise ValueError(f"expected a limit above 0 seconds, found {limit_s:g}")
    bounds = bound_percentile(seen, percent, alpha=alpha, anytime=anytime)
    (surely, possibly), total, allowed = seen.above(limit_s), seen.total, (100 - percent) / 100
    verdict, more = ObjectiveVerdict.INCONCLUSIVE, 0
    if total and _is_low(possibly, total, allowed, alpha, anytime):
        verdict = ObjectiveVerdict.MET
    elif total and _is_high(surely, total, allowed, alpha, anytime):
        verdict = ObjectiveVerdict.BREACHED
    else:
        more = _more(possibly, total, allowed, alpha, anytime)
    return PercentileJudgement(verdict, bounds, limit_s, surely, possibly - surely, more)


def milliseconds(time_s: float) -> str:
    """Write a time for people: ``299.8 ms``."""
    return f"{1000 * time_s:,.4g} ms"


def _require(percent: float, alpha: float) -> None:
    if not 0 < percent < 100:
        raise ValueError(f"expected a percentile above 0 and below 100, found {percent:g}")
    binomial.require_alpha(alpha)


def _is_high(above: int, total: int, allowed: float, alpha: float, anytime: bool) -> bool:
    tell = sequences.is_ever_improbably_high if anytime else binomial.is_improbably_high
    return tell(above, total, allowed, alpha)


def _is_low(above: int, total: int, allowed: float, alpha: float, anytime: bool) -> bool:
    tell = sequences.is_ever_improbably_low if anytime else binomial.is_improbably_low
    return tell(above, total, allowed, alpha)


def _first(total: int, is_so: Callable[[int], bool]) -> int:
    """Give the first number from 0 from which on something is so; total + 1 if it never is."""
    return bisect_left(range(total + 1), True, key=is_so)


def _more(possibly: int, total: int, allowed: float, alpha: float, anytime: bool) -> int:
    if anytime:
        seen = sequences.watch_ratio(allowed, alpha=alpha)
        return seen.fold(total - possibly, possibly).judgement.more
    return max(1, samples_to_settle(allowed, possibly, alpha=alpha) - total)
