"""Reads PromQL, by the parser of the promql-parser project, into values of our own."""

import re
from typing import TYPE_CHECKING, Final

from pytest_sre.alerts.expressions import (
    COMPARISONS,
    Aggregate,
    Binary,
    Call,
    Expression,
    Matcher,
    MatchOperator,
    Number,
    Selector,
    Subquery,
    Text,
)

if TYPE_CHECKING:
    import promql_parser

_NAME: Final = "__name__"
_OPERATORS: Final[dict[str, MatchOperator]] = {
    "Equal": "=",
    "NotEqual": "!=",
    "Re": "=~",
    "NotRe": "!~",
}
# The parser's own stack is not bounded: some hundred levels in a thread's stack end the process.
_MOST_LEVELS: Final = 200
_LONGEST: Final = 20_000
_STRINGS: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#.*')
_LEVELS: Final = re.compile(r"[(+*/%^<>=!-]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)


class NotPromQL(ValueError):  # noqa: N818 - says what the text is
    """The text is no expression; the message says why."""


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        NotPromQL: it is none, or too long to be one that a person can judge.
    """
    return _read(_parsed(text))


def _parsed(text: str) -> "promql_parser.Expr":
    import promql_parser

    levels = len(_LEVELS.findall(_STRINGS.sub("", text)))
    if levels > _MOST_LEVELS or len(text) > _LONGEST:
        raise NotPromQL(f"more than {_MOST_LEVELS} operators, or {_LONGEST} characters")
    try:
        found: promql_parser.Expr = promql_parser.parse(text)
    except ValueError as error:
        raise NotPromQL(str(error)) from None
    return found


def _read(node: "promql_parser.Expr") -> Expression:
    import promql_parser as p

    match node:
        case p.NumberLiteral():
            return Number(node.val)
        case p.StringLiteral():
            return Text(node.val)
        case p.VectorSelector():
            return _selector(node)
        case p.MatrixSelector():
            return _selector(node.vector_selector, node.range.total_seconds())
    return _read_around(node)


def _read_around(node: "promql_parser.Expr") -> Expression:
    """Read an expression that has others inside it."""
    import promql_parser as p

    match node:
        case p.ParenExpr():
            return _read(node.expr)
        case p.UnaryExpr():
            return Binary("*", Number(-1.0), _read(node.expr))
        case p.SubqueryExpr():
            return Subquery(_read(node.expr), node.range.total_seconds() if node.range else 0.0)
        case p.Call():
            return Call(node.func.name, tuple(_read(each) for each in node.args))
        case p.AggregateExpr():
            return Aggregate(str(node.op), _read(node.expr), _grouping(node.modifier))
        case p.BinaryExpr():
            is_bool = node.modifier is not None and node.modifier.return_bool
            return Binary(str(node.op), _read(node.lhs), _read(node.rhs), is_bool)
    raise NotPromQL(f"an expression of the unknown kind {type(node).__name__}")


def _selector(node: "promql_parser.VectorSelector", range_s: float | None = None) -> Selector:
    stated = [
        Matcher(each.name, _OPERATORS[str(each.op).rpartition(".")[2]], each.value)
        for each in node.matchers.matchers
    ]
    named = [each.value for each in stated if each.label == _NAME and each.operator == "="]
    metric = node.name or (named[0] if named else "")
    return Selector(metric, frozenset(each for each in stated if each.label != _NAME), range_s)


def _grouping(modifier: "promql_parser.AggModifier | None") -> str:
    if modifier is None:
        return ""
    clause = str(modifier.type).rpartition(".")[2].lower()
    return f"{clause} ({', '.join(sorted(modifier.labels))})" if modifier.labels else ""


def limits(text: str) -> list[tuple[str, str, str]]:
    """Take an alert's expression apart into what is compared, how, and with what, as PromQL.

    Raises:
        NotPromQL: it is no expression.
    """
    import promql_parser as p

    found: list[tuple[str, str, str]] = []
    waiting = [_parsed(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, p.ParenExpr):
            waiting.append(node.expr)
        elif isinstance(node, p.BinaryExpr) and str(node.op) in COMPARISONS:
            found.append((_line(node.lhs), str(node.op), _line(node.rhs)))
        elif isinstance(node, p.BinaryExpr):
            waiting += [node.rhs, node.lhs]
    return found


def _line(node: "promql_parser.Expr") -> str:
    return " ".join(node.prettify().split())
