"""Verdicts that may be looked at after every event: confidence sequences, valid at any time.

A verdict on a sample of fixed size is wrong more often than it says when it is asked for again and
again until it suits. Here the risk holds for all looks together, however many there are and
whenever the watching stops, by Ville's inequality on a wealth that bets against the objective.

Sources: A. Wald, "Sequential tests of statistical hypotheses" (1945), and H. Robbins, "Statistical
methods related to the law of the iterated logarithm" (1970), for likelihood ratios mixed over
alternatives; I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by
betting", JRSS B 86 (2024): the same as betting (a likelihood ratio against a fixed ratio is the
wealth of a fixed bet), and the empirical Bernstein sequence of its theorem 2.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from pytest_sre.slo.binomial import require_alpha, require_counts
from pytest_sre.slo.proportion import ALPHA, Judgement, require_limit
from pytest_sre.verdict import ObjectiveVerdict

# The alternatives bet on, as multiples of the objective's odds, and their shares of the stake.
# Most of it is near twice and ten times, where alerts are wanted soon; what is near 1 decides
# when there is a lot of data.
_WORSE = (
    (1.02, 0.01),
    (1.1, 0.02),
    (1.4, 0.05),
    (2.0, 0.22),
    (2.8, 0.1),
    (5.0, 0.08),
    (11.0, 0.44),
    (25.0, 0.06),
    (100.0, 0.02),
)
_BETTER = ((0.0, 0.5), (0.2, 0.22), (0.5, 0.14), (0.75, 0.08), (0.9, 0.04), (0.97, 0.02))
_LOG_WORSE = tuple((times, math.log(times), math.log(stake)) for times, stake in _WORSE)
# With no bad event at all is the only bet that has no logarithm.
_LOG_BETTER = tuple((times, math.log(times), math.log(stake)) for times, stake in _BETTER[1:])
_LOG_NONE = math.log(_BETTER[0][1])
_BISECTIONS = 80
_LOG_ODDS = 45.0


@dataclass(frozen=True, slots=True)
class RatioSequence:
    """What good and bad events say about a limit on the bad share, while they still come in.

    Over all looks, the probability that it ever says BREACHED is at most ``alpha`` when the true
    ratio keeps the limit, and that it ever says MET at most ``alpha`` when it does not. Once
    breached it stays so; MET is what all events so far say together.

    Attributes:
        limit: the highest ratio that keeps the objective, in (0, 1).
        alpha: the risk of each kind of wrong verdict.
        good: good events so far.
        bad: bad events so far.
        breached: whether it was certain at some time that the limit is broken.
    """

    limit: float
    alpha: float = ALPHA
    good: int = 0
    bad: int = 0
    breached: bool = False

    def __post_init__(self) -> None:
        require_limit(self.limit)
        require_alpha(self.alpha)
        require_counts(self.bad, self.bad + self.good)

    def fold(self, good: int = 0, bad: int = 0) -> "RatioSequence":
        """Look at a block of further events, of which the order is not known or is no matter.

        A block of events that are all alike says the same as its events one by one.

        Raises:
            ValueError: a count is not a whole number, or is negative.
        """
        require_counts(bad, good + bad)
        seen = replace(self, good=self.good + good, bad=self.bad + bad)
        if self.breached or not bad:
            return seen
        total = seen.good + seen.bad
        breached = is_ever_improbably_high(seen.bad, total, self.limit, self.alpha)
        return replace(seen, breached=True) if breached else seen

    def fold_each(self, outcomes: Iterable[bool]) -> "RatioSequence":
        """Look after every one of these events; True is a good one."""
        good, bad, breached = self.good, self.bad, self.breached
        log_bets, wanted = _bets(self.limit), -math.log(self.alpha)
        most = max(log + each for _, log, each in log_bets)
        look_at = bad + 1
        for is_good in outcomes:
            if is_good:
                good += 1
                continue
            bad += 1
            if bad < look_at or breached:
                continue
            missing = wanted - _log_wealth(log_bets, good + bad, bad)
            breached = missing <= 0
            # Not even the best bet can win more than this by each bad event.
            look_at = bad + max(1, int(missing / most))
        return replace(self, good=good, bad=bad, breached=breached)

    @property
    def is_certain(self) -> bool:
        """Whether nothing more needs to be watched."""
        return self._verdict is not ObjectiveVerdict.INCONCLUSIVE

    @property
    def judgement(self) -> Judgement:
        """The verdict now, with the bounds that hold at all times together."""
        total, verdict = self.good + self.bad, self._verdict
        lower = _lower(total, self.bad, self.alpha)
        upper = _upper(total, self.bad, self.alpha)
        if verdict is ObjectiveVerdict.BREACHED:
            lower = max(lower, self.limit)
            upper = max(upper, lower)
        elif verdict is ObjectiveVerdict.MET:
            upper = min(upper, self.limit)
        is_open = verdict is ObjectiveVerdict.INCONCLUSIVE
        more = _more_to_settle(self) if is_open else 0
        return Judgement(verdict, self.bad, total, self.limit, lower, upper, more, self.alpha)

    @property
    def _verdict(self) -> ObjectiveVerdict:
        if self.breached:
            return ObjectiveVerdict.BREACHED
        return ObjectiveVerdict.MET if _is_met(self, self.good) else ObjectiveVerdict.INCONCLUSIVE


def watch_ratio(limit: float, *, alpha: float = ALPHA) -> RatioSequence:
    """Begin to watch the share of bad events against a limit.

    Raises:
        ValueError: the limit is not between 0 and 1, or ``alpha`` not above 0 and at most 0.25.
    """
    return RatioSequence(limit, alpha)


def _bets(limit: float) -> list[tuple[float, float, float]]:
    """Give, for each alternative, log stake, and what a bad and any event add to its log wealth.

    With the alternative's odds a multiple m of the limit's odds o, a bad event multiplies the
    likelihood ratio by m (1 + o) / (1 + m o), a good one by (1 + o) / (1 + m o).
    """
    odds = limit / (1 - limit)
    each = math.log1p(odds)
    return [(stake, log, each - math.log1p(times * odds)) for times, log, stake in _LOG_WORSE]


def _log_wealth(log_bets: list[tuple[float, float, float]], total: int, bad: int) -> float:
    return _log_sum([stake + bad * log + total * each for stake, log, each in log_bets])


def _log_worse(odds: float, total: int, bad: int) -> float:
    """Give the log wealth of who bets that the odds are higher; it falls as they rise."""
    each = math.log1p(odds)
    return _log_sum(
        [s + bad * log + total * (each - math.log1p(m * odds)) for m, log, s in _LOG_WORSE]
    )


def _log_better(odds: float, total: int, bad: int) -> float:
    """Give the log wealth of who bets that the odds are lower; it rises with them."""
    each = math.log1p(odds)
    logs = [s + bad * log + total * (each - math.log1p(m * odds)) for m, log, s in _LOG_BETTER]
    return _log_sum(logs if bad else [_LOG_NONE + total * each, *logs])


def _log_sum(logs: list[float]) -> float:
    highest = max(logs)
    return highest + math.log(sum([math.exp(log - highest) for log in logs]))


def is_ever_improbably_high(bad: int, total: int, ratio: float, alpha: float) -> bool:
    """Tell whether so many bad ones, at any time, have probability ``alpha`` at this ratio."""
    return _log_worse(ratio / (1 - ratio), total, bad) >= -math.log(alpha)


def is_ever_improbably_low(bad: int, total: int, ratio: float, alpha: float) -> bool:
    """Tell whether so few bad ones, at any time, have probability ``alpha`` at this ratio."""
    return _log_better(ratio / (1 - ratio), total, bad) >= -math.log(alpha)


def _is_met(seen: RatioSequence, good: int) -> bool:
    return is_ever_improbably_low(seen.bad, good + seen.bad, seen.limit, seen.alpha)


def _more_to_settle(seen: RatioSequence) -> int:
    """Count the good events that would make it MET."""
    low, step = seen.good, 1
    while not _is_met(seen, low + step):
        low, step = low + step, 2 * step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_met(seen, middle) else (middle, high)
    return high - seen.good


def _lower(total: int, bad: int, alpha: float) -> float:
    """Give the lowest ratio that bettors on a higher one have not grown rich against."""
    if not bad:
        return 0.0
    return _crossing(lambda odds: _log_worse(odds, total, bad) < -math.log(alpha), at_most=False)


def _upper(total: int, bad: int, alpha: float) -> float:
    """Give the highest ratio that bettors on a lower one have not grown rich against."""
    if bad == total:
        return 1.0
    return _crossing(lambda odds: _log_better(odds, total, bad) >= -math.log(alpha), at_most=True)


def _crossing(is_beyond: Callable[[float], bool], *, at_most: bool) -> float:
    """Find the ratio from which on something is so, on its outer side."""
    low, high = -_LOG_ODDS, _LOG_ODDS
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(math.exp(middle)) else (middle, high)
    return 1 / (1 + math.exp(-(high if at_most else low)))


@dataclass(frozen=True, slots=True)
class MeanSequence:
    """Bounds on the mean of values between 0 and 1, valid after each of them (empirical Bernstein).

    Each bound holds at all times together with probability 1 - ``alpha``.

    Attributes:
        alpha: the risk of each bound.
        count: how many values there were.
        lower: the mean is at least this.
        upper: the mean is at most this.
    """

    alpha: float = ALPHA
    count: int = 0
    lower: float = 0.0
    upper: float = 1.0
    _sum: float = 0.0
    _squares: float = 0.0
    _stakes: float = 0.0
    _staked: float = 0.0
    _spent: float = 0.0

    def __post_init__(self) -> None:
        require_alpha(self.alpha)

    @property
    def mean(self) -> float:
        """The mean that was seen; one half when nothing was."""
        return self._sum / self.count if self.count else 0.5

    def fold(self, values: Iterable[float]) -> "MeanSequence":
        """Look after each of these values.

        Raises:
            ValueError: one is not between 0 and 1.
        """
        risk = -math.log(self.alpha)
        count, lower, upper, total, squares = (
            self.count,
            self.lower,
            self.upper,
            self._sum,
            self._squares,
        )
        stakes, staked, spent = self._stakes, self._staked, self._spent
        for value in values:
            if not 0 <= value <= 1:
                raise ValueError(f"expected a value between 0 and 1, found {value:g}")
            # What is staked on a value depends on those before it only.
            guess = (0.5 + total) / (count + 1)
            variance = (0.25 + squares) / (count + 1)
            count += 1
            stake = math.sqrt(2 * risk / (variance * count * math.log1p(count)))
            stake = min(stake, _LARGEST_STAKE)
            spent += (value - guess) ** 2 * (-math.log1p(-stake) - stake)
            stakes += stake
            staked += stake * value
            total += value
            squares += (value - (0.5 + total) / (count + 1)) ** 2
            centre, reach = staked / stakes, (risk + spent) / stakes
            lower, upper = max(lower, centre - reach), min(upper, centre + reach)
        return MeanSequence(self.alpha, count, lower, upper, total, squares, stakes, staked, spent)

    def judge(self, limit: float) -> ObjectiveVerdict:
        """Judge the mean against the highest one that is acceptable, in (0, 1).

        Raises:
            ValueError: the limit is not between 0 and 1.
        """
        require_limit(limit)
        if self.lower > limit:
            return ObjectiveVerdict.BREACHED
        return ObjectiveVerdict.MET if self.upper <= limit else ObjectiveVerdict.INCONCLUSIVE


_LARGEST_STAKE = 0.5
