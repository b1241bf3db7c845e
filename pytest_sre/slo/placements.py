"""Where the values of two samples lie among each other: the counts behind Mann and Whitney's test.

Ties count half. Values may be in buckets, so that millions of them cost no more than the buckets.
"""

from collections import Counter
from dataclasses import dataclass

from pytest_sre.slo.percentiles import Ranked


@dataclass(frozen=True)
class Placements:
    """How the values of a new sample lie among those of an old one.

    Attributes:
        slower: the share of pairs in which the new value is higher; ties count half.
        new_total: values of the new sample.
        old_total: values of the old one.
        new_variance: the variance of the placements of new values, each the share of old ones
            below it.
        old_variance: that of old values among new ones.
    """

    slower: float
    new_total: int
    old_total: int
    new_variance: float
    old_variance: float

    @property
    def variance(self) -> float:
        """The estimated variance of ``slower``; 0 when the samples do not overlap at all."""
        return self.new_variance / self.new_total + self.old_variance / self.old_total

    @property
    def freedom(self) -> float:
        """The degrees of freedom of that estimate (Welch and Satterthwaite)."""
        new, old = self.new_variance / self.new_total, self.old_variance / self.old_total
        parts = new**2 / (self.new_total - 1) + old**2 / (self.old_total - 1)
        return (new + old) ** 2 / parts


def place(new: Ranked, old: Ranked) -> Placements:
    """Place the values of two samples, neither of them empty, among each other."""
    ours, theirs = _counts(new), _counts(old)
    below_new = below_old = 0
    placed_new: list[tuple[float, int]] = []
    placed_old: list[tuple[float, int]] = []
    for value in sorted({*ours, *theirs}):
        placed_new.append(((below_old + theirs[value] / 2) / old.total, ours[value]))
        placed_old.append(((below_new + ours[value] / 2) / new.total, theirs[value]))
        below_new, below_old = below_new + ours[value], below_old + theirs[value]
    slower, new_variance = _moments(placed_new, new.total)
    _, old_variance = _moments(placed_old, old.total)
    return Placements(slower, new.total, old.total, new_variance, old_variance)


def _counts(seen: Ranked) -> Counter[float]:
    counts: Counter[float] = Counter()
    for low, _, count in seen.spans():
        counts[low] += count
    return counts


def _moments(placed: list[tuple[float, int]], total: int) -> tuple[float, float]:
    mean = sum(share * count for share, count in placed) / total
    away = sum(count * (share - mean) ** 2 for share, count in placed)
    return mean, away / (total - 1) if total > 1 else 0.0
