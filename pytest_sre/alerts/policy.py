"""The checks of alert policy: each looks at one rule and says what is wrong with it. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pytest_sre.alerts.conditions import Condition, causes, conditions
from pytest_sre.alerts.expressions import (
    Aggregate,
    Binary,
    Call,
    Expression,
    Selector,
    Subquery,
    inside,
    ranges_s,
    selectors,
)
from pytest_sre.alerts.firing import outcome
from pytest_sre.alerts.promql import NotPromQL, parse
from pytest_sre.alerts.rule_files import UNREADABLE
from pytest_sre.alerts.rules import Finding, Rule, RuleSet

Check = Literal[
    "unreadable",
    "no-severity",
    "no-owner",
    "no-runbook",
    "no-for",
    "page-on-cause",
    "never-fires",
    "always-fires",
    "short-window",
    "unknown-metric",
]
ACTIONABLE: Final[tuple[Check, ...]] = ("no-severity", "no-owner", "no-runbook", "no-for")
_OWNERS: Final = ("owner", "team", "squad")
_RUNBOOKS: Final = ("runbook_url", "runbook")
_TEMPLATE: Final = "{{"
_OF_PROMETHEUS: Final = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_MOST_LEVELS: Final = 8
_SCRAPES: Final = 2


@dataclass(frozen=True)
class Policy:
    """Rules, and what is asked of them.

    Attributes:
        rules: all of them.
        root: the project's folder, where runbooks may be.
        scrape_s: how often metrics are read, seconds.
    """

    rules: RuleSet
    root: Path
    scrape_s: float = 15.0

    def findings(self, *checks: Check) -> list[Finding]:
        """Give what these checks find, of all rules, in the order of files and lines."""
        found = [each for each in self.rules.unreadable if UNREADABLE in checks]
        for rule in self.rules.rules:
            found += [
                Finding(check=check, file=rule.file, line=rule.line, rule=rule.name, text=text)
                for check in checks
                for text in self._texts(check, rule)
            ]
        return sorted(found, key=lambda each: (each.file, each.line))

    def covering(self, condition: Condition) -> list[str]:
        """Name the alerts that are about a condition."""
        return [
            rule.name
            for rule in self.rules.alerts
            if condition in self.conditions(rule) and outcome(self.meaning(rule)) != "never"
        ]

    def conditions(self, rule: Rule) -> frozenset[Condition]:
        """Say which conditions a rule is about."""
        return conditions(self.meaning(rule), rule.labels)

    def unknown_metrics(self, known: Collection[str]) -> list[Finding]:
        """Find the rules that ask for a metric that nobody makes.

        Args:
            known: the names of the metrics that exist.
        """
        exist = {*known, *self._recorded, *_OF_PROMETHEUS}
        missing = (
            (rule, _metrics(self._parsed.get(rule.expression)) - exist) for rule in self.rules.rules
        )
        return [self._missing(rule, names) for rule, names in missing if names]

    def _missing(self, rule: Rule, names: Collection[str]) -> Finding:
        effect = _effect(self._parsed[rule.expression], names)
        text = (
            f"asks for {', '.join(sorted(names))}, which does not exist at the target,"
            f" so it {effect}"
        )
        return Finding(
            check="unknown-metric", file=rule.file, line=rule.line, rule=rule.name, text=text
        )

    def meaning(self, rule: Rule) -> Expression:
        """Give a rule's expression, with what is recorded put in for recorded metrics."""
        expression = self._parsed.get(rule.expression, Selector(""))
        return self._resolved(expression, _MOST_LEVELS)

    def _texts(self, check: Check, rule: Rule) -> Iterator[str]:
        if check == UNREADABLE:
            yield from self._broken.get(rule.expression, ())
        elif check == "short-window":
            yield from self._short_windows(rule)
        elif rule.is_alert and rule.expression in self._parsed:
            yield from _CHECKS.get(check, _nothing)(self, rule)

    def _short_windows(self, rule: Rule) -> Iterator[str]:
        least_s = _SCRAPES * self.scrape_s
        expression = self._parsed.get(rule.expression, Selector(""))
        for range_s in sorted({each for each in ranges_s(expression) if each < least_s}):
            yield (
                f"looks back {range_s:g} s, less than {_SCRAPES} scrapes of {self.scrape_s:g} s:"
                f" mostly it has no value; ask for at least {2 * least_s:g} s"
            )

    @cached_property
    def _read(self) -> tuple[Mapping[str, Expression], Mapping[str, tuple[str]]]:
        parsed: dict[str, Expression] = {}
        broken: dict[str, tuple[str]] = {}
        for text in {rule.expression for rule in self.rules.rules}:
            try:
                parsed[text] = parse(text)
            except NotPromQL as error:
                broken[text] = (f"its expr is not PromQL: {error}",)
        return parsed, broken

    @property
    def _parsed(self) -> Mapping[str, Expression]:
        return self._read[0]

    @property
    def _broken(self) -> Mapping[str, tuple[str]]:
        return self._read[1]

    @cached_property
    def _recorded(self) -> Mapping[str, list[Rule]]:
        recorded: dict[str, list[Rule]] = {}
        for rule in self.rules.rules:
            if not rule.is_alert and rule.expression in self._parsed:
                recorded.setdefault(rule.name, []).append(rule)
        return recorded

    def _recording(self, selector: Selector) -> Expression:
        """What is recorded under a name: by the rule that sets the labels that are asked for."""
        stated = {each.label: each.value for each in selector.matchers if each.operator == "="}
        rules = self._recorded[selector.metric]
        fitting = (rule for rule in rules if stated.items() >= dict(rule.labels).items())
        return self._parsed[next(fitting, rules[0]).expression]

    def _resolved(self, expression: Expression, levels: int) -> Expression:
        match expression:
            case Selector(metric=metric) if metric in self._recorded and levels:
                return self._resolved(self._recording(expression), levels - 1)
            case Call(arguments=arguments):
                resolved = tuple(self._resolved(each, levels) for each in arguments)
                return replace(expression, arguments=resolved)
            case Aggregate(of=inner) | Subquery(of=inner):
                return replace(expression, of=self._resolved(inner, levels))
            case Binary(left=left, right=right):
                sides = (self._resolved(each, levels) for each in (left, right))
                return replace(expression, left=next(sides), right=next(sides))
        return expression


def _nothing(_policy: Policy, _rule: Rule) -> Iterator[str]:
    return iter(())


def _severity(_policy: Policy, rule: Rule) -> Iterator[str]:
    if not rule.severity:
        yield "has no label severity, so nobody knows whether to get up; add page or ticket"


def _owner(_policy: Policy, rule: Rule) -> Iterator[str]:
    stated = {**rule.annotations, **rule.labels}
    if not any(stated.get(name, "").strip() for name in _OWNERS):
        yield "names no owner; add a label owner or team"


def _runbook(policy: Policy, rule: Rule) -> Iterator[str]:
    stated = {**rule.labels, **rule.annotations}
    runbook = next((stated[name].strip() for name in _RUNBOOKS if stated.get(name)), "")
    if not runbook:
        yield "names no runbook; add an annotation runbook_url"
    elif not _exists(runbook, rule, policy.root):
        yield f"names the runbook {runbook!r}, which is neither an address nor a file here"


def _exists(runbook: str, rule: Rule, root: Path) -> bool:
    if urlsplit(runbook).scheme in ("http", "https"):
        return bool(urlsplit(runbook).netloc)
    if _TEMPLATE in runbook:
        return True
    folders = [root, *(rule.path.parents if rule.path else ())]
    name = runbook.partition("#")[0]
    return any((each / name).is_file() or (each / "runbooks" / name).is_file() for each in folders)


def _hold(policy: Policy, rule: Rule) -> Iterator[str]:
    if not rule.hold_s and not _needs_no_hold(policy.meaning(rule)):
        yield (
            "fires at the first evaluation that it holds; add for, or compare over a long"
            " and a short range"
        )


def _needs_no_hold(expression: Expression) -> bool:
    """Whether two ranges have to agree, of which the short one ends the alert by itself."""
    return any(
        isinstance(each, Binary)
        and each.operator == "and"
        and set(ranges_s(each.left)) != set(ranges_s(each.right))
        for each in inside(expression)
    )


def _cause(policy: Policy, rule: Rule) -> Iterator[str]:
    expression = policy.meaning(rule)
    found = causes(expression)
    if rule.is_page and found and not policy.conditions(rule):
        yield (
            f"pages on {', '.join(found)}, a cause that users may never feel; page on errors or"
            " latency, and make this a ticket"
        )


def _never(policy: Policy, rule: Rule) -> Iterator[str]:
    if outcome(policy.meaning(rule)) == "never":
        yield (
            "can't fire, whatever is measured: its comparison is never true (a share is at most 1;"
            " a burn rate is at most 1 / (1 - objective))"
        )


def _always(policy: Policy, rule: Rule) -> Iterator[str]:
    if outcome(policy.meaning(rule)) == "always":
        yield "fires whenever its metrics exist, whatever their values are; compare with a limit"


_CHECKS: Final[Mapping[Check, Callable[[Policy, Rule], Iterator[str]]]] = {
    "no-severity": _severity,
    "no-owner": _owner,
    "no-runbook": _runbook,
    "no-for": _hold,
    "page-on-cause": _cause,
    "never-fires": _never,
    "always-fires": _always,
}


def _metrics(expression: Expression | None) -> frozenset[str]:
    found = selectors(expression) if expression else []
    return frozenset(each.metric for each in found if each.metric)


def _effect(expression: Expression, missing: Collection[str]) -> str:
    watched = [
        each.metric
        for call in inside(expression)
        if isinstance(call, Call) and call.function in ("absent", "absent_over_time")
        for each in selectors(call)
    ]
    return "always fires" if set(missing) & set(watched) else "can't fire"
