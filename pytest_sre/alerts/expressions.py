"""PromQL expressions as values, as far as judging them needs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MatchOperator = Literal["=", "!=", "=~", "!~"]
COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!="})


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Text:
    """A string, as functions such as ``label_replace`` take them."""

    value: str


@dataclass(frozen=True)
class Matcher:
    """What a label of the selected series has to be."""

    label: str
    operator: MatchOperator
    value: str


@dataclass(frozen=True)
class Selector:
    """Series by name and labels; ``range_s`` is how far back, seconds, None for an instant.

    ``metric`` is empty when no single name is asked for.
    """

    metric: str
    matchers: frozenset[Matcher] = frozenset()
    range_s: float | None = None


@dataclass(frozen=True)
class Call:
    """A function and what it is given."""

    function: str
    arguments: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Aggregate:
    """``sum by (labels) (of)`` and its like; ``grouping`` is that clause, written out."""

    operator: str
    of: "Expression"
    grouping: str = ""


@dataclass(frozen=True)
class Binary:
    """Two expressions and an operator; ``is_bool`` gives 0 or 1 instead of filtering."""

    operator: str
    left: "Expression"
    right: "Expression"
    is_bool: bool = False


@dataclass(frozen=True)
class Subquery:
    """An expression evaluated again and again over the last ``range_s`` seconds."""

    of: "Expression"
    range_s: float


Expression = Number | Text | Selector | Call | Aggregate | Binary | Subquery


def parts(expression: Expression) -> tuple[Expression, ...]:
    """Give the expressions directly inside one."""
    match expression:
        case Call(arguments=arguments):
            return arguments
        case Aggregate(of=inner) | Subquery(of=inner):
            return (inner,)
        case Binary(left=left, right=right):
            return (left, right)
    return ()


def inside(expression: Expression) -> Iterator[Expression]:
    """Walk an expression and all that is inside it, outermost first."""
    waiting = [expression]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += reversed(parts(here))


def selectors(expression: Expression) -> list[Selector]:
    """Give the selectors inside an expression, in order."""
    return [each for each in inside(expression) if isinstance(each, Selector)]


def ranges_s(expression: Expression) -> list[float]:
    """Give the ranges of time that an expression looks back over, seconds."""
    found = [each.range_s for each in inside(expression) if isinstance(each, Selector | Subquery)]
    return [each for each in found if each is not None]
