"""Is the new release worse than the old one? Differences with their intervals, and what they show.

Each comparison has a margin: how much worse is still accepted. "No worse" needs an interval that
ends within it, "worse" one that begins beyond it; all else, and no samples at all, cannot tell yet.

Sources: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures",
Statistics in Medicine 27 (2008), for the difference of two ratios out of the bounds of each;
L. Wasserman, A. Ramdas and S. Balakrishnan, "Universal inference", PNAS 117 (2020), for the same
at all times; E. Brunner and U. Munzel, "The nonparametric Behrens-Fisher problem", Biometrical
Journal 42 (2000), for the probability to be slower; W. Hoeffding, "Probability inequalities for
sums of bounded random variables", JASA 58 (1963), section 5b, for it in small samples.
"""

import enum
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from pytest_sre.slo import binomial
from pytest_sre.slo.counts import Counts
from pytest_sre.slo.percentiles import Ranked, bound_percentile
from pytest_sre.slo.placements import Placements, place
from pytest_sre.slo.proportion import ALPHA
from pytest_sre.slo.sequences import MeanSequence
from pytest_sre.verdict import Verdict

_FEW = 10
_BISECTIONS = 60


class Relation(enum.Enum):
    """How a new release relates to an old one, given a margin."""

    NO_WORSE = "no worse"
    WORSE = "worse"
    CANNOT_TELL = "can't tell yet"

    @property
    def of_release(self) -> Verdict:
        """What it means for the new release."""
        return _MEANING[self]


_MEANING = {
    Relation.NO_WORSE: Verdict.HEALTHY,
    Relation.WORSE: Verdict.UNHEALTHY,
    Relation.CANNOT_TELL: Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True)
class Comparison:
    """What samples of two releases say about one effect, of which more is worse.

    Attributes:
        measure: what the effect is, such as ``difference of bad ratios``.
        effect: as seen; None when a side has no samples.
        lower: the true effect is at least this, with risk ``alpha``.
        upper: the true effect is at most this, with risk ``alpha``.
        limit: the largest effect that is accepted.
        new_total: samples of the new release.
        old_total: samples of the old one.
        alpha: the risk of each bound.
    """

    measure: str
    effect: float | None
    lower: float
    upper: float
    limit: float
    new_total: int
    old_total: int
    alpha: float

    @property
    def relation(self) -> Relation:
        """Whether the new release is no worse, worse, or neither is shown."""
        if self.effect is None:
            return Relation.CANNOT_TELL
        if self.upper <= self.limit:
            return Relation.NO_WORSE
        return Relation.WORSE if self.lower > self.limit else Relation.CANNOT_TELL

    def __str__(self) -> str:
        sizes = f"{self.new_total:,} new and {self.old_total:,} old samples"
        head = f"{self.relation.value}: {self.measure}"
        if self.effect is None:
            return f"{head} unknown, accepted up to {self.limit:.4g}; {sizes}"
        return (
            f"{head} {self.effect:.4g}, at least {self.lower:.4g} and at most {self.upper:.4g} "
            f"with {100 * (1 - self.alpha):g} % confidence each, "
            f"accepted up to {self.limit:.4g}; {sizes}"
        )


def compare_ratios(
    new: Counts, old: Counts, margin: float, *, alpha: float = ALPHA, anytime: bool = False
) -> Comparison:
    """Compare the shares of bad events.

    Args:
        new: events of the new release.
        old: events of the old one.
        margin: by how much the ratio may be higher, from 0 and below 1.
        alpha: the risk of each bound, at most 0.25.
        anytime: whether the bounds are to hold at all times together, for who looks again and
            stops when it suits.

    Raises:
        ValueError: the margin or ``alpha`` is out of range.
    """
    _require_margin(margin)
    binomial.require_alpha(alpha)
    for counts in (new, old):
        binomial.require_counts(counts.bad, counts.total)
    measure = "difference of bad ratios"
    if not new.total or not old.total:
        return Comparison(measure, None, -1.0, 1.0, margin, new.total, old.total, alpha)
    effect = new.bad / new.total - old.bad / old.total
    rise = _least_rise_anytime if anytime else _least_rise
    # What is at most the rise from old to new is at least, with its sign turned, that back.
    lower, upper = rise(new, old, alpha), -rise(old, new, alpha)
    return Comparison(measure, effect, lower, upper, margin, new.total, old.total, alpha)


def compare_percentiles(
    new: Ranked,
    old: Ranked,
    percent: float,
    margin: float,
    *,
    alpha: float = ALPHA,
    anytime: bool = False,
) -> Comparison:
    """Compare a percentile of the latencies: the effect is new over old.

    Args:
        new: a histogram or samples of the new release.
        old: those of the old one.
        percent: which percentile, above 0 and below 100.
        margin: by how much it may be longer, as a share of the old one; 0.1 for a tenth.
        alpha: the risk of each bound, at most 0.25; half of it is each release's.
        anytime: whether the bounds are to hold at all times together.

    Raises:
        ValueError: ``percent``, the margin or ``alpha`` is out of range.
    """
    _require_margin(margin)
    binomial.require_alpha(alpha)
    ours = bound_percentile(new, percent, alpha=alpha / 2, anytime=anytime)
    theirs = bound_percentile(old, percent, alpha=alpha / 2, anytime=anytime)
    effect = None
    if ours.observed_s is not None and theirs.observed_s:
        effect = ours.observed_s / theirs.observed_s
    lower = ours.lower_s / theirs.upper_s if theirs.upper_s else 0.0
    upper = ours.upper_s / theirs.lower_s if theirs.lower_s else math.inf
    measure = f"ratio of p{percent:g}"
    return Comparison(measure, effect, lower, upper, 1 + margin, new.total, old.total, alpha)


def compare_latencies(
    new: Ranked, old: Ranked, margin: float, *, alpha: float = ALPHA
) -> Comparison:
    """Compare whole distributions: the effect is the probability that a new answer is slower.

    It is one half when neither is; answers of one bucket count as equal, half for each side. This
    is the Mann-Whitney statistic as a share, with an interval that also holds when one release
    varies more than the other.

    Args:
        new: a histogram or samples of the new release.
        old: those of the old one.
        margin: by how much it may exceed one half, from 0 and below 0.5.
        alpha: the risk of each bound, at most 0.25.

    Raises:
        ValueError: the margin or ``alpha`` is out of range.
    """
    _require_margin(2 * margin)
    binomial.require_alpha(alpha)
    measure, limit = "probability to be slower", 0.5 + margin
    if not new.total or not old.total:
        return Comparison(measure, None, 0.0, 1.0, limit, new.total, old.total, alpha)
    placed = place(new, old)
    is_small = min(new.total, old.total) < _FEW or not placed.variance
    lower, upper = _hoeffding(placed, alpha) if is_small else _brunner_munzel(placed, alpha)
    effect = placed.slower
    return Comparison(measure, effect, lower, upper, limit, new.total, old.total, alpha)


@dataclass(frozen=True)
class PairSequence:
    """The probability that a new answer is slower, looked at after every pair of answers.

    Attributes:
        margin: by how much it may exceed one half, from 0 and below 0.5.
        alpha: the risk of each bound, over all looks together.
        seen: 1 for each pair in which the new answer was slower, one half where they were equal.
    """

    margin: float = 0.0
    alpha: float = ALPHA
    seen: MeanSequence = field(default_factory=MeanSequence)

    @classmethod
    def begin(cls, margin: float, *, alpha: float = ALPHA) -> "PairSequence":
        """Begin with no pairs.

        Raises:
            ValueError: the margin or ``alpha`` is out of range.
        """
        _require_margin(2 * margin)
        return cls(margin, alpha, MeanSequence(alpha))

    def fold(self, pairs: Iterable[tuple[float, float]]) -> "PairSequence":
        """Look after each further pair, of a new answer's time and an old one's.

        Raises:
            ValueError: a time is infinite or not a number.
        """
        return replace(self, seen=self.seen.fold(_slower(*pair) for pair in pairs))

    @property
    def comparison(self) -> Comparison:
        """What all pairs so far say."""
        seen, count = self.seen, self.seen.count
        effect = seen.mean if count else None
        limit = 0.5 + self.margin
        measure = "probability to be slower"
        return Comparison(measure, effect, seen.lower, seen.upper, limit, count, count, self.alpha)


def _require_margin(margin: float) -> None:
    if not 0 <= margin < 1:
        raise ValueError(f"expected a margin from 0 and below its largest, found {margin:g}")


def _slower(new_s: float, old_s: float) -> float:
    if not (math.isfinite(new_s) and math.isfinite(old_s)):
        raise ValueError(f"expected two times, found {new_s:g} and {old_s:g}")
    return 0.5 if new_s == old_s else float(new_s > old_s)


def _least_rise(new: Counts, old: Counts, alpha: float) -> float:
    """Bound the rise from old to new from below, out of the exact bounds of each (Zou, Donner)."""
    seen_new, seen_old = new.bad / new.total, old.bad / old.total
    lower = binomial.lower_bound(new.bad, new.total, alpha)
    upper = binomial.upper_bound(old.bad, old.total, alpha)
    return seen_new - seen_old - math.hypot(seen_new - lower, upper - seen_old)


def _least_rise_anytime(new: Counts, old: Counts, alpha: float) -> float:
    """Find the smallest rise that is not refuted: a mixture's likelihood over the best of the rise.

    The mixture (Jeffreys') needs no knowledge of the data, so that the ratio of the two is at most
    a martingale of mean 1 under any pair of true ratios with at most this rise.
    """
    mixed = _log_mixture(new) + _log_mixture(old) + math.log(alpha)

    def is_refuted(rise: float) -> bool:
        return mixed >= _best_log_likelihood(new, old, rise)

    low, high = -1.0, new.bad / new.total - old.bad / old.total
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_refuted(middle) else (low, middle)
    return low


def _log_mixture(counts: Counts) -> float:
    """Give the log likelihood averaged over the ratio by the density of Beta(1/2, 1/2)."""
    good, bad = counts.good + 0.5, counts.bad + 0.5
    return math.lgamma(good) + math.lgamma(bad) - math.lgamma(good + bad) - math.log(math.pi)


def _best_log_likelihood(new: Counts, old: Counts, rise: float) -> float:
    """Give the highest log likelihood with exactly this rise from the old ratio to the new one.

    It is concave in the old ratio, so its slope is bisected.
    """
    low, high = max(0.0, -rise), min(1.0, 1.0 - rise)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_rising = _slope(old, middle) + _slope(new, middle + rise) > 0
        low, high = (middle, high) if is_rising else (low, middle)
    return _log_likelihood(old, high) + _log_likelihood(new, high + rise)


def _slope(counts: Counts, ratio: float) -> float:
    rising = counts.bad / ratio if counts.bad and ratio > 0 else 0.0
    falling = counts.good / (1 - ratio) if counts.good and ratio < 1 else 0.0
    return rising - falling


def _log_likelihood(counts: Counts, ratio: float) -> float:
    inside = min(max(ratio, 1e-300), 1 - 1e-16)
    return counts.bad * math.log(inside) + counts.good * math.log1p(-inside)


def _brunner_munzel(placed: Placements, alpha: float) -> tuple[float, float]:
    reach = _t_quantile(alpha, placed.freedom) * math.sqrt(placed.variance)
    return max(0.0, placed.slower - reach), min(1.0, placed.slower + reach)


def _hoeffding(placed: Placements, alpha: float) -> tuple[float, float]:
    """Bound as if only as many independent pairs had been seen as the smaller sample allows."""
    pairs, seen, risk = min(placed.new_total, placed.old_total), placed.slower, -math.log(alpha)

    def is_far(truth: float) -> bool:
        return pairs * _divergence(seen, truth) > risk

    return _edge(is_far, seen, 0.0), _edge(is_far, seen, 1.0)


def _edge(is_far: Callable[[float], bool], near: float, far: float) -> float:
    """Find where between two places something begins to be far."""
    for _ in range(_BISECTIONS):
        middle = (near + far) / 2
        near, far = (near, middle) if is_far(middle) else (middle, far)
    return far


def _divergence(seen: float, truth: float) -> float:
    """Give the Kullback-Leibler divergence of two coins."""
    parts = ((seen, truth), (1 - seen, 1 - truth))
    return sum(p * math.log(p / q) if q else math.inf for p, q in parts if p)


def _t_quantile(alpha: float, freedom: float) -> float:
    """Give Student's upper quantile by its expansion around the normal one (Fisher, Cornish)."""
    from statistics import NormalDist

    z = -NormalDist().inv_cdf(alpha)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
