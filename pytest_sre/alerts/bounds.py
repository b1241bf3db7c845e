"""Between which values an expression's results lie, whatever is measured. Pure.

Interval arithmetic: what is not known is unbounded, so that "can't" is only said of what can't.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sre.alerts.expressions import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expression,
    Number,
    Selector,
    Subquery,
)
from pytest_sre.alerts.shares import is_share


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest value there can be."""

    low: float = -math.inf
    high: float = math.inf

    def over(self, other: "Bounds", combine: Callable[[float, float], float]) -> "Bounds":
        """Combine each end with each end of another; what has no value, such as inf - inf, is 0."""
        ends = [combine(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        known = [0.0 if math.isnan(end) else end for end in ends]
        return Bounds(min(known), max(known))


ANY: Final = Bounds()
SHARE: Final = Bounds(0, 1)
POSITIVE: Final = Bounds(0)
_PERCENT: Final = Bounds(0, 100)
_IS_UP: Final = ("up", "probe_success", "fly_instance_up")
_COUNTS: Final = ("_total", "_count", "_bucket", "_bytes")
_RATES: Final = {
    "rate",
    "irate",
    "increase",
    "changes",
    "resets",
    "count_over_time",
    "abs",
    "sqrt",
    "stddev_over_time",
    "time",
}
_LIKE_THE_FIRST: Final = {
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "vector",
    "scalar",
    "sort",
    "sort_desc",
    "label_replace",
    "label_join",
}
_LIKE_EACH: Final = {"avg", "min", "max", "topk", "bottomk", "limitk", "quantile"}


def bounds(expression: Expression) -> Bounds:
    """Give the bounds of what an expression gives."""
    match expression:
        case Number(value=value) if not math.isnan(value):
            return Bounds(value, value)
        case Selector(metric=metric):
            return _of_metric(metric)
        case Subquery(of=inner):
            return bounds(inner)
        case Call():
            return _of_call(expression)
        case Aggregate(operator=operator, of=inner):
            return _of_aggregate(operator, bounds(inner))
        case Binary():
            return _of_binary(expression)
    return ANY


def _of_metric(metric: str) -> Bounds:
    if metric in _IS_UP:
        return SHARE
    if metric.endswith(("_pct", "_percent")):
        return _PERCENT
    return POSITIVE if metric.endswith(_COUNTS) else ANY


def _of_call(call: Call) -> Bounds:
    if call.function in ("absent", "absent_over_time", "present_over_time"):
        return Bounds(1, 1)
    if call.function in _RATES:
        return POSITIVE
    if call.function == "sum_over_time" and bounds(call.arguments[0]).low >= 0:
        return POSITIVE
    if call.function in _LIKE_THE_FIRST and call.arguments:
        return bounds(call.arguments[0])
    if call.function in ("clamp", "clamp_min", "clamp_max"):
        return _clamped(call)
    return ANY


def _clamped(call: Call) -> Bounds:
    inner, *limits = (bounds(each) for each in call.arguments)
    least = limits[0].low if call.function != "clamp_max" else -math.inf
    most = limits[-1].high if call.function != "clamp_min" else math.inf
    return Bounds(min(max(inner.low, least), most), max(min(inner.high, most), least))


def _of_aggregate(operator: str, inner: Bounds) -> Bounds:
    if operator in ("count", "group"):
        return Bounds(1)
    if operator in _LIKE_EACH:
        return inner
    if operator in ("stddev", "stdvar") or (operator == "sum" and inner.low >= 0):
        return POSITIVE
    return ANY


def _of_binary(binary: Binary) -> Bounds:
    left, right = bounds(binary.left), bounds(binary.right)
    if binary.operator in COMPARISONS:
        return SHARE if binary.is_bool else _filtered(binary.operator, left, right)
    if binary.operator == "or":
        return Bounds(min(left.low, right.low), max(left.high, right.high))
    if binary.operator in ("and", "unless"):
        return left
    if binary.operator == "/":
        return SHARE if is_share(binary.left, binary.right) else _divided(left, right)
    combine = _ARITHMETIC.get(binary.operator)
    return left.over(right, combine) if combine else ANY


def _filtered(operator: str, left: Bounds, right: Bounds) -> Bounds:
    if operator in (">", ">="):
        return Bounds(max(left.low, right.low), max(left.high, right.low))
    if operator in ("<", "<="):
        return Bounds(min(left.low, right.high), min(left.high, right.high))
    return left


def _divided(left: Bounds, right: Bounds) -> Bounds:
    if right.low > 0 or right.high < 0:
        return left.over(right, lambda a, b: a / b)
    return POSITIVE if left.low >= 0 and right.low >= 0 else ANY


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
