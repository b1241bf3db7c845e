"""Is the share of bad events within a limit? Answered with the exact binomial bounds.

Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
in the case of the binomial", Biometrika 26 (1934). One-sided bounds, found by bisection on the
binomial distribution function, so that no numerical library is needed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pytest_sre.verdict import Inconclusive, Verdict

CONFIDENCE = 0.95
_BISECTIONS = 60
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class Judgement:
    """What ``total`` events, ``bad`` of them bad, say about a limit on the bad share.

    ``lower`` and ``upper`` are one-sided bounds on the true ratio, each at ``CONFIDENCE``.
    ``more`` is how many more good events would settle an inconclusive one.
    """

    verdict: Verdict
    bad: int
    total: int
    limit: float
    lower: float
    upper: float
    more: int = 0

    @property
    def observed(self) -> float:
        """The bad share that was seen; 0 when nothing was."""
        return self.bad / self.total if self.total else 0.0

    def __str__(self) -> str:
        seen = f"{self.bad} of {self.total} ({self.observed:.2%}, limit {self.limit:.2%})"
        if self.verdict is Verdict.UNHEALTHY:
            return f"{seen}: at least {self.lower:.2%} with 95 % confidence"
        if self.verdict is Verdict.HEALTHY:
            return f"{seen}: at most {self.upper:.2%} with 95 % confidence"
        return f"{seen}: could be {self.upper:.2%}; {self.more} more good ones would settle it"

    def check(self, what: str) -> None:
        """Pass when the limit is kept.

        Args:
            what: what the bad events are, such as "requests failed".

        Raises:
            AssertionError: the limit is broken.
            Inconclusive: the sample is too small to tell.
        """
        if self.verdict is Verdict.INCONCLUSIVE:
            raise Inconclusive(f"{what}: {self}")
        if self.verdict is Verdict.UNHEALTHY:
            raise AssertionError(f"{what}: {self}")


def judge_ratio(bad: int, total: int, limit: float) -> Judgement:
    """Judge the share of bad events against a limit.

    Args:
        bad: events that were bad.
        total: all events.
        limit: the highest acceptable ratio, in (0, 1).

    Returns:
        HEALTHY when the upper bound keeps the limit, UNHEALTHY when the lower bound breaks it,
        INCONCLUSIVE in between and with no events at all.

    Raises:
        ValueError: the limit is not between 0 and 1; no sample could show that it is kept.
    """
    _require_ratio(limit)
    lower, upper = lower_bound(bad, total), upper_bound(bad, total)
    if total and upper <= limit:
        return Judgement(Verdict.HEALTHY, bad, total, limit, lower, upper)
    if lower > limit:
        return Judgement(Verdict.UNHEALTHY, bad, total, limit, lower, upper)
    more = samples_to_settle(limit, bad) - total
    return Judgement(Verdict.INCONCLUSIVE, bad, total, limit, lower, upper, max(1, more))


def samples_to_settle(limit: float, bad: int = 0) -> int:
    """Count the events of which ``bad`` may be bad and the limit is still shown to be kept.

    Raises:
        ValueError: the limit is not between 0 and 1.
    """
    _require_ratio(limit)
    low, high = bad, bad + 1
    while upper_bound(bad, high) > limit:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if upper_bound(bad, middle) > limit else (low, middle)
    return high


def upper_bound(bad: int, total: int) -> float:
    """Bound the true ratio from above with ``CONFIDENCE``; 1 when nothing speaks against it."""
    if bad >= total:
        return 1.0
    return _root(lambda ratio: _at_most(bad, total, ratio) - (1 - CONFIDENCE))


def lower_bound(bad: int, total: int) -> float:
    """Bound the true ratio from below with ``CONFIDENCE``; 0 when nothing bad was seen."""
    if bad <= 0:
        return 0.0
    return _root(lambda ratio: CONFIDENCE - _at_most(bad - 1, total, ratio), rising=True)


def _require_ratio(limit: float) -> None:
    if not 0 < limit < 1:
        raise ValueError(f"expected a limit between 0 and 1, found {limit:g}")


def _at_most(bad: int, total: int, ratio: float) -> float:
    """Give P(X <= bad) for X ~ Binomial(total, ratio), 0 < ratio < 1."""
    log_p, log_q = math.log(ratio), math.log1p(-ratio)
    if bad > total * ratio:
        return 1.0 - _tail(total - bad - 1, total, log_q, log_p)
    return _tail(bad, total, log_p, log_q)


def _tail(last: int, total: int, log_p: float, log_q: float) -> float:
    """Sum P(X = k) from ``last``, which is not above the mean, down to where no more counts."""
    ways = math.lgamma(total + 1) - math.lgamma(last + 1) - math.lgamma(total - last + 1)
    term = math.exp(ways + last * log_p + (total - last) * log_q)
    odds = math.exp(log_q - log_p)
    found = 0.0
    for k in range(last, -1, -1):
        found += term
        if term <= found * _NEGLIGIBLE:
            break
        term *= odds * k / (total - k + 1)
    return found


def _root(function: Callable[[float], float], *, rising: bool = False) -> float:
    """Find where a monotonic function of a ratio crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = function(middle) > 0
        low, high = (low, middle) if above == rising else (middle, high)
    return high
