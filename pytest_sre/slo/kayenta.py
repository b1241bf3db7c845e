"""Kayenta's classification of a metric, for teams that come from it: Pass, High, Low or Nodata.

The rules of Spinnaker's canary judge (`MannWhitneyClassifier` and `WeightedSumScorer` of Kayenta),
told anew: a two-sided Mann-Whitney interval of the location shift at 98 % confidence, by the normal
approximation with corrections for ties and continuity; High when all of it lies beyond a quarter of
the shift. It says Pass where nothing is known, so it is an option and decides nothing by itself:
`pytest_sre.slo.comparing` is what verdicts are made of.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

Classification = Literal["Pass", "High", "Low", "Nodata"]
Direction = Literal["increase", "decrease", "either"]
NanStrategy = Literal["remove", "replace"]
TOLERANCE = 0.25
CONFIDENCE = 0.98
_BISECTIONS = 200


@dataclass(frozen=True)
class Classified:
    """Kayenta's answer for one metric, with the numbers it is made of.

    Attributes:
        label: ``Pass``, ``High``, ``Low`` or ``Nodata``.
        reason: why, in a few words.
        shift: the Hodges-Lehmann estimate of how much higher the experiment is; None when no test
            was made.
        lower: the lower end of its interval.
        upper: the upper end of its interval.
        effect: the ratio of the means, experiment over control; None when either is 0.
    """

    label: Classification
    reason: str
    shift: float | None = None
    lower: float | None = None
    upper: float | None = None
    effect: float | None = None


def classify(
    experiment: Sequence[float],
    control: Sequence[float],
    *,
    direction: Direction = "either",
    nan_strategy: NanStrategy = "remove",
    allowed_increase: float = 1.0,
    allowed_decrease: float = 1.0,
) -> Classified:
    """Classify one metric as Kayenta does.

    Args:
        experiment: values of the new release; NaN where there was none.
        control: values of the old one.
        direction: which change counts: ``increase``, ``decrease`` or ``either``.
        nan_strategy: ``remove`` leaves NaN out, ``replace`` reads it as 0.
        allowed_increase: the ratio of means up to which nothing is High.
        allowed_decrease: the ratio of means down to which nothing is Low.

    Raises:
        ValueError: a value is infinite.
    """
    ours, theirs = _cleaned(experiment, nan_strategy), _cleaned(control, nan_strategy)
    if not ours or not theirs:
        label: Classification = "Nodata" if nan_strategy == "remove" else "Pass"
        return Classified(label, "a side has no values")
    if sorted(ours) == sorted(theirs):
        return Classified("Pass", "the samples are identical")
    shift, lower, upper = location_shift(ours, theirs)
    effect = _effect(ours, theirs)
    beyond = TOLERANCE * abs(shift)
    numbers = (shift, lower, upper, effect)
    is_high = lower > beyond and (effect is None or effect >= allowed_increase)
    if direction in {"increase", "either"} and is_high:
        return Classified("High", "the whole interval is above the tolerance", *numbers)
    is_low = upper < -beyond and (effect is None or effect <= allowed_decrease)
    if direction in {"decrease", "either"} and is_low:
        return Classified("Low", "the whole interval is below the tolerance", *numbers)
    return Classified("Pass", "the interval reaches into the tolerance", *numbers)


def group_score(labels: Iterable[Classification]) -> float:
    """Score a group of metrics from 0 to 100: the share that is Pass of those that have data.

    A group in which no metric has data scores 100, as in Kayenta.
    """
    known = [label for label in labels if label != "Nodata"]
    return 100 * known.count("Pass") / len(known) if known else 100.0


def location_shift(
    ours: Sequence[float], theirs: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """Estimate by how much ours is higher, with its two-sided interval: shift, lower, upper.

    The shift at which the Mann-Whitney statistic is 0, and those at which it is just significant.
    """
    quantile = NormalDist().inv_cdf((1 + confidence) / 2)
    return (
        _shift_at(0.0, ours, theirs, continuity=0.0),
        _shift_at(quantile, ours, theirs, continuity=0.5),
        _shift_at(-quantile, ours, theirs, continuity=0.5),
    )


def _cleaned(values: Sequence[float], nan_strategy: NanStrategy) -> list[float]:
    for value in values:
        if math.isinf(value):
            raise ValueError(f"expected finite values, or NaN for none, found {value:g}")
    if nan_strategy == "replace":
        return [0.0 if math.isnan(value) else value for value in values]
    return [value for value in values if not math.isnan(value)]


def _effect(ours: list[float], theirs: list[float]) -> float | None:
    new, old = math.fsum(ours) / len(ours), math.fsum(theirs) / len(theirs)
    return new / old if new and old else None


def _shift_at(
    wanted: float, ours: Sequence[float], theirs: Sequence[float], *, continuity: float
) -> float:
    """Find the shift at which the statistic, which falls as it grows, goes through ``wanted``."""
    low, high = min(ours) - max(theirs), max(ours) - min(theirs)
    if _statistic(low, ours, theirs, continuity) <= wanted:
        return low
    if _statistic(high, ours, theirs, continuity) >= wanted:
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        above = _statistic(middle, ours, theirs, continuity) > wanted
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2


def _statistic(
    shift: float, ours: Sequence[float], theirs: Sequence[float], continuity: float
) -> float:
    """Give the standardised Mann-Whitney statistic of ours, less the shift, against theirs."""
    moved = [value - shift for value in ours]
    ties = Counter([*moved, *theirs])
    mine = Counter(moved)
    rank_sum, before = 0.0, 0
    for value in sorted(ties):
        rank_sum += mine[value] * (before + (ties[value] + 1) / 2)
        before += ties[value]
    n, m, both = len(ours), len(theirs), len(ours) + len(theirs)
    away = rank_sum - n * (n + 1) / 2 - n * m / 2
    tied = sum(count**3 - count for count in ties.values()) / (both * (both - 1))
    spread = math.sqrt(max(0.0, n * m / 12 * (both + 1 - tied)))
    if not spread:
        return 0.0
    return (away - math.copysign(continuity, away) * (away != 0)) / spread
