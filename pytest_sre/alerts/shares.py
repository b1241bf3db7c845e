"""Whether one expression counts a part of what another counts, so that it is at most as much."""

from typing import Final

from pytest_sre.alerts.expressions import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expression,
    Matcher,
    Number,
    Selector,
)

_COUNTING: Final = ("rate", "irate", "increase", "sum_over_time", "count_over_time")


def is_share(part: Expression, whole: Expression) -> bool:
    """Tell whether *part* is plainly between 0 and *whole*: a stricter selection, counted alike."""
    match part, _unfiltered(whole):
        case Binary(operator="or", left=left, right=right), of:
            return is_share(left, of) and (_is_zero(right) or is_share(right, of))
        case Binary(operator="-", left=all_of_it, right=taken), of:
            return all_of_it == of and is_share(taken, of)
        case Aggregate("sum", one, grouping), Aggregate("sum", other, same):
            return grouping == same and is_share(one, other)
        case Call(function, (Selector() as one,)), Call(other_function, (Selector() as other,)):
            return function == other_function and function in _COUNTING and _selects(one, other)
    return False


def _unfiltered(expression: Expression) -> Expression:
    """What is left of ``total > 0``: its values are the same."""
    match expression:
        case Binary(operator=operator, left=left, right=Number(), is_bool=False):
            return _unfiltered(left) if operator in COMPARISONS else expression
    return expression


def _is_zero(expression: Expression) -> bool:
    match expression:
        case Call("vector", (Number(0),)):
            return True
        case Binary("*", left, right):
            return Number(0) in (left, right)
    return False


def _selects(one: Selector, other: Selector) -> bool:
    if one.range_s != other.range_s or not one.metric:
        return False
    if one.metric == other.metric:
        return _without_le(one) >= _without_le(other)
    is_bucket = one.metric.endswith("_bucket")
    count = f"{one.metric.removesuffix('_bucket')}_count"
    return is_bucket and other.metric == count and _without_le(one) >= _without_le(other)


def _without_le(selector: Selector) -> frozenset[Matcher]:
    return frozenset(each for each in selector.matchers if each.label != "le")
