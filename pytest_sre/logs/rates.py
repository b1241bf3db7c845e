"""Did the rate of events rise? Answered exactly, for one count or many at once.

Sources: J. Przyborowski and H. Wilenski, "Homogeneity of results in testing samples from Poisson
series", Biometrika 31 (1940): given both counts together, the later one is binomial. S. Holm, "A
simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
(1979), for many counts.
"""

import math
from collections.abc import Sequence

FALSE_ALARMS = 0.01
"""How often, at most, many comparisons of rates that did not rise have any that says so."""

_NEGLIGIBLE = 1e-17


def rise_p_value(before: int, now: int, *, before_s: float, now_s: float) -> float:
    """The probability of a rise like this one, or a greater, when the rate did not rise.

    Args:
        before: events counted first.
        now: events counted then.
        before_s: for how long the first were counted.
        now_s: for how long the others were.

    Raises:
        ValueError: a count is negative, or a time not above 0.
    """
    if min(before, now) < 0 or not (before_s > 0 and now_s > 0):
        raise ValueError(
            f"expected counts and times of counting, found {before} in {before_s:g} s "
            f"and {now} in {now_s:g} s"
        )
    return _at_least(now, before + now, now_s / (before_s + now_s))


def beyond_chance(p_values: Sequence[float]) -> list[bool]:
    """Which of many rises are not chance, all of them taken together.

    The probability that any of those that did not rise is named is at most `FALSE_ALARMS`.
    """
    found = [False] * len(p_values)
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > FALSE_ALARMS / (len(p_values) - rank):
            break
        found[index] = True
    return found


def _at_least(least: int, total: int, ratio: float) -> float:
    """P(X >= least) for X ~ Binomial(total, ratio), 0 < ratio < 1."""
    if least <= 0:
        return 1.0
    if least <= total * ratio:
        return 1.0 - _tail(total - least + 1, total, 1 - ratio)
    return _tail(least, total, ratio)


def _tail(least: int, total: int, ratio: float) -> float:
    """Sum P(X = k) from ``least``, which is not below the mean, up to where no more counts."""
    if least > total:
        return 0.0
    ways = math.lgamma(total + 1) - math.lgamma(least + 1) - math.lgamma(total - least + 1)
    term = math.exp(ways + least * math.log(ratio) + (total - least) * math.log1p(-ratio))
    odds, found = ratio / (1 - ratio), 0.0
    for k in range(least, total + 1):
        found += term
        if term <= found * _NEGLIGIBLE:
            break
        term *= odds * (total - k) / (k + 1)
    return min(found, 1.0)
