"""Is the share of bad events within a limit? Answered for a sample of a size fixed beforehand.

Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
in the case of the binomial", Biometrika 26 (1934). One-sided bounds, each with the whole risk.
Who looks again and again while events come in, and stops when the answer suits, needs
`pytest_sre.slo.sequences` instead.
"""

from dataclasses import dataclass

from pytest_sre.slo import binomial
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

ALPHA = 0.05


@dataclass(frozen=True)
class Judgement:
    """What ``total`` events, ``bad`` of them bad, say about a limit on the bad share.

    Attributes:
        verdict: MET, BREACHED or INCONCLUSIVE.
        bad: how many were bad.
        total: how many there were.
        limit: the highest ratio that keeps the objective.
        lower: the true ratio is at least this, with the confidence.
        upper: the true ratio is at most this, with the confidence.
        more: how many more good events would settle an inconclusive one.
        alpha: the risk that a bound is wrong.
    """

    verdict: ObjectiveVerdict
    bad: int
    total: int
    limit: float
    lower: float
    upper: float
    more: int = 0
    alpha: float = ALPHA

    @property
    def observed(self) -> float:
        """The bad share that was seen; 0 when nothing was."""
        return self.bad / self.total if self.total else 0.0

    @property
    def confidence(self) -> float:
        """How sure each bound is, such as 0.95."""
        return 1 - self.alpha

    def __str__(self) -> str:
        share = f"{percent(self.observed)}, objective {percent(self.limit)}"
        seen = f"{self.verdict.value}: {self.bad:,} of {self.total:,} bad ({share})"
        sure = f"with {100 * self.confidence:g} % confidence"
        if self.verdict is ObjectiveVerdict.BREACHED:
            return f"{seen}: at least {percent(self.lower)} {sure}"
        if self.verdict is ObjectiveVerdict.MET:
            return f"{seen}: at most {percent(self.upper)} {sure}"
        return (
            f"{seen}: could be {percent(self.upper)}; {self.more:,} more good ones would settle it"
        )

    def check(self, what: str) -> None:
        """Pass when the objective is met.

        Args:
            what: what the bad events are, such as "requests that failed".

        Raises:
            AssertionError: it is breached.
            Inconclusive: the sample is too small to tell.
        """
        if self.verdict is ObjectiveVerdict.INCONCLUSIVE:
            raise Inconclusive(f"{what}: {self}")
        if self.verdict is ObjectiveVerdict.BREACHED:
            raise AssertionError(f"{what}: {self}")


def judge_ratio(bad: int, total: int, limit: float, *, alpha: float = ALPHA) -> Judgement:
    """Judge the share of bad events against a limit.

    Args:
        bad: events that were bad.
        total: all events.
        limit: the highest acceptable ratio, in (0, 1).
        alpha: the risk of a wrong verdict, at most 0.25.

    Returns:
        MET when the upper bound keeps the limit, BREACHED when the lower bound breaks it,
        INCONCLUSIVE in between and with no events at all.

    Raises:
        ValueError: the limit is not between 0 and 1, so that no sample could show that it is
            kept; a count is negative, not whole, or there are more bad events than events.
    """
    require_limit(limit)
    binomial.require_counts(bad, total)
    binomial.require_alpha(alpha)
    lower = binomial.lower_bound(bad, total, alpha)
    upper = binomial.upper_bound(bad, total, alpha)
    verdict, more = ObjectiveVerdict.INCONCLUSIVE, 0
    if binomial.is_improbably_low(bad, total, limit, alpha):
        verdict, upper = ObjectiveVerdict.MET, min(upper, limit)
    elif lower > limit:
        verdict = ObjectiveVerdict.BREACHED
    else:
        more = max(1, samples_to_settle(limit, bad, alpha=alpha) - total)
    return Judgement(verdict, bad, total, limit, lower, upper, more, alpha)


def samples_to_settle(limit: float, bad: int = 0, *, alpha: float = ALPHA) -> int:
    """Count the events of which ``bad`` may be bad and the limit is still shown to be kept.

    Raises:
        ValueError: the limit is not between 0 and 1, or ``bad`` is negative.
    """
    require_limit(limit)
    binomial.require_counts(bad, max(bad, 0))
    binomial.require_alpha(alpha)
    low, high = bad, max(bad + 1, int(bad / limit))
    while not binomial.is_improbably_low(bad, high, limit, alpha):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        shown = binomial.is_improbably_low(bad, middle, limit, alpha)
        low, high = (low, middle) if shown else (middle, high)
    return high


def require_limit(limit: float) -> None:
    """Pass when a sample could show that the limit is kept.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    if not 0 < limit < 1:
        raise ValueError(f"expected a limit between 0 and 1, found {limit:g}")


def percent(ratio: float) -> str:
    """Write a ratio for people: ``0.10 %``; small ones with two significant digits."""
    share = 100 * ratio
    if share == 0 or abs(share) >= 0.1:
        return f"{share:.2f} %"
    return f"{share:#.2g} %"
