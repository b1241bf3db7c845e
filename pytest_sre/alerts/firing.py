"""Whether an alert's expression can have a result at all, or always has one. Pure."""

from typing import Final, Literal

from pytest_sre.alerts.bounds import Bounds, bounds
from pytest_sre.alerts.expressions import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expression,
    Selector,
    Subquery,
    parts,
)

Outcome = Literal["never", "sometimes", "always"]
_ABSENCE: Final = frozenset({"absent", "absent_over_time"})
_ALERTS: Final = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_OPPOSITE: Final = {"<": ">", "<=": ">="}


def outcome(expression: Expression) -> Outcome:
    """Say whether an alert on this fires never, sometimes, or always.

    Always means: whenever what it asks for is measured at all, whatever the values are.
    """
    match expression:
        case Selector(metric=metric):
            return "sometimes" if metric in _ALERTS else "always"
        case Call(function=function) if function in _ABSENCE:
            return "sometimes"
        case Binary(operator=operator) if operator in COMPARISONS:
            return _of_comparison(expression)
        case Binary(operator="and", left=left, right=right):
            return _all_of(outcome(left), outcome(right))
        case Binary(operator="or", left=left, right=right):
            return _any_of(outcome(left), outcome(right))
        case Binary(operator="unless", left=left):
            return "never" if outcome(left) == "never" else "sometimes"
        case Binary() | Call() | Aggregate() | Subquery():
            return _all_of(*map(outcome, parts(expression)))
    return "always"


def _of_comparison(binary: Binary) -> Outcome:
    given = _all_of(outcome(binary.left), outcome(binary.right))
    if binary.is_bool or given == "never":
        return given
    return _all_of(given, _compared(binary.operator, bounds(binary.left), bounds(binary.right)))


def _compared(operator: str, left: Bounds, right: Bounds) -> Outcome:
    if operator in _OPPOSITE:
        return _compared(_OPPOSITE[operator], right, left)
    if operator in ("==", "!="):
        return _equal(left, right, is_wanted=operator == "==")
    if operator == ">":
        never, always = left.high <= right.low, left.low > right.high
    else:
        never, always = left.high < right.low, left.low >= right.high
    return "never" if never else "always" if always else "sometimes"


def _equal(left: Bounds, right: Bounds, *, is_wanted: bool) -> Outcome:
    if left.high < right.low or right.high < left.low:
        return "never" if is_wanted else "always"
    if left.low == left.high == right.low == right.high:
        return "always" if is_wanted else "never"
    return "sometimes"


def _all_of(*outcomes: Outcome) -> Outcome:
    if "never" in outcomes:
        return "never"
    return "sometimes" if "sometimes" in outcomes else "always"


def _any_of(*outcomes: Outcome) -> Outcome:
    if "always" in outcomes:
        return "always"
    return "sometimes" if "sometimes" in outcomes else "never"
