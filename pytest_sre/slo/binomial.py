"""Tails of the binomial distribution, exact at any size, and the bounds found by inverting them.

The tail is the regularised incomplete beta function. Sources: the continued fraction is the one of
A. R. DiDonato and A. H. Morris, "Algorithm 708: significant digit computation of the incomplete
beta function ratios", ACM TOMS 18 (1992); the factor before it is taken in the form of C. Loader,
"Fast and accurate computation of binomial probabilities" (2000), in which no large numbers cancel.
A fraction ends after at most ``_LONGEST`` terms whatever the sample size; the farther from the
mean, the fewer are needed.
"""

import math
from collections.abc import Callable

_LONGEST = 10_000
_NEGLIGIBLE = 1e-16
_NEWTON_STEPS = 100
_SETTLED = 1e-8
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LARGEST_ALPHA = 0.25
"""Bounds at a confidence below 75 % are of no use to anybody."""


def require_alpha(alpha: float) -> None:
    """Pass when it is a risk that can be asked for.

    Raises:
        ValueError: it is not above 0 and at most ``LARGEST_ALPHA``.
    """
    if not 0 < alpha <= LARGEST_ALPHA:
        raise ValueError(f"expected alpha above 0 and at most {LARGEST_ALPHA:g}, found {alpha:g}")


def require_counts(bad: int, total: int) -> None:
    """Pass when they can be counts of events, ``bad`` of ``total`` bad.

    Raises:
        ValueError: one is not a whole number, is negative, or more are bad than there are.
    """
    for name, count in (("bad", bad), ("total", total)):
        is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 0
        if not is_count:
            raise ValueError(f"expected {name} to be a whole number, 0 or more, found {count!r}")
    if bad > total:
        raise ValueError(f"expected at most {total:,} bad of {total:,}, found {bad:,}")


def is_improbably_low(bad: int, total: int, ratio: float, alpha: float) -> bool:
    """Tell whether P(X <= bad) is at most ``alpha``, for X ~ Binomial(total, ratio)."""
    # At or above the mean, an integer is at or above the median too.
    if bad >= total * ratio:
        return False
    return _log_low_tail(bad, total, ratio)[0] <= math.log(alpha)


def is_improbably_high(bad: int, total: int, ratio: float, alpha: float) -> bool:
    """Tell whether P(X >= bad) is at most ``alpha``, for X ~ Binomial(total, ratio)."""
    if bad <= total * ratio:
        return False
    return _log_high_tail(bad, total, ratio)[0] <= math.log(alpha)


def upper_bound(bad: int, total: int, alpha: float) -> float:
    """Give the ratio at which so few bad events, or fewer, have probability ``alpha``.

    1 when nothing speaks against it: no event was good.
    """
    if bad >= total:
        return 1.0
    if bad == 0:
        return -math.expm1(math.log(alpha) / total)
    if 2 * bad > total:  # The ratio of the rarer ones is the one a float can hold.
        return 1 - lower_bound(total - bad, total, alpha)
    ratio = _chernoff_start(bad, total, alpha, side=1)
    found = _newton(ratio, lambda at: _log_low_tail(bad, total, at), math.log(alpha), falling=True)
    return max(found, bad / total)


def lower_bound(bad: int, total: int, alpha: float) -> float:
    """Give the ratio at which so many bad events, or more, have probability ``alpha``.

    0 when nothing speaks against it: no event was bad.
    """
    if bad <= 0:
        return 0.0
    if bad == total:
        return math.exp(math.log(alpha) / total)
    if 2 * bad > total:
        return 1 - upper_bound(total - bad, total, alpha)
    ratio = _chernoff_start(bad, total, alpha, side=-1)
    found = _newton(
        ratio, lambda at: _log_high_tail(bad, total, at), math.log(alpha), falling=False
    )
    return min(found, bad / total)


def _newton(
    ratio: float, tail: Callable[[float], tuple[float, float]], goal: float, *, falling: bool
) -> float:
    """Find the ratio at which the logarithm of a tail, given with its slope's size, is ``goal``.

    It is concave, so that Newton's steps overshoot at most once and then come from one side. The
    search ends where steps no longer shrink: what is left of them is rounding.
    """
    last = math.inf
    for _ in range(_NEWTON_STEPS):
        log_tail, slope = tail(ratio)
        step = (log_tail - goal) / slope if falling else (goal - log_tail) / slope
        if abs(step) <= _SETTLED * ratio and abs(step) >= last / 2:
            break
        new = ratio + step
        if not 0 < new < 1:
            new = (ratio + (new >= 1)) / 2
        ratio, last = new, abs(step)
    return ratio


def _chernoff_start(bad: int, total: int, alpha: float, *, side: int) -> float:
    """Give Wilson's bound at the z of Chernoff's inequality: near the exact one, and outside it."""
    z2 = -2 * math.log(alpha)
    middle = bad + z2 / 2
    spread = math.sqrt(z2 * (bad * (total - bad) / total + z2 / 4))
    return max((middle + side * spread) / (total + z2), 0.1 * bad / total**2)


def _log_low_tail(bad: int, total: int, ratio: float) -> tuple[float, float]:
    """Give log P(X <= bad) for ``bad`` below the mean, and minus its derivative by the ratio."""
    excess = (total + 1) * ratio - (bad + 1)
    return _log_incomplete_beta(total - bad, bad + 1, 1 - ratio, ratio, excess)


def _log_high_tail(bad: int, total: int, ratio: float) -> tuple[float, float]:
    """Give log P(X >= bad) for ``bad`` above the mean, and its derivative by the ratio."""
    excess = bad - (total + 1) * ratio
    return _log_incomplete_beta(bad, total - bad + 1, ratio, 1 - ratio, excess)


def _log_incomplete_beta(a: int, b: int, x: float, y: float, excess: float) -> tuple[float, float]:
    """Give log I_x(a, b) and its derivative by x, where y = 1 - x, excess = a - (a + b) x > -1."""
    fraction = _fraction(a, b, x, y, excess)
    return _log_factor(a, b, x, y) + math.log(fraction), 1 / (x * y * fraction)


def _fraction(a: int, b: int, x: float, y: float, excess: float) -> float:
    """Evaluate the continued fraction of I_x(a, b) from the front (Lentz); all terms are > 0."""
    denominator = a / (a + 1) * (excess + 1)
    value = c = denominator
    d = 0.0
    for n in range(1, min(b, _LONGEST)):
        odd = a + 2 * n - 1
        shared = n * (b - n) * x / odd
        numerator = (a + n - 1) / odd * (a + b + n - 1) * shared * x
        denominator = n + shared + (a + n) / (odd + 2) * (excess + 1 + n * (1 + y))
        d = 1 / (denominator + numerator * d)
        c = denominator + numerator / c
        value *= c * d
        if abs(c * d - 1) < _NEGLIGIBLE:
            break
    return 1 / value


def _log_factor(a: int, b: int, x: float, y: float) -> float:
    """Give log(x^a y^b / B(a, b))."""
    n = a + b
    away = _deviance(a, n * x) + _deviance(b, n * y)
    stirling = _stirling_rest(n) - _stirling_rest(a) - _stirling_rest(b)
    return stirling - away - _HALF_LOG_TWO_PI + 0.5 * (math.log(a) + math.log(b) - math.log(n))


def _deviance(seen: int, mean: float) -> float:
    """Give seen log(seen / mean) - seen + mean, of which the large parts cancel near the mean."""
    away = (seen - mean) / mean
    return mean * ((1 + away) * math.log1p(away) - away)


def _stirling_rest(n: int) -> float:
    """Give log n! less Stirling's approximation of it."""
    if n < 16:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - _HALF_LOG_TWO_PI
    square = n * n
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / n
