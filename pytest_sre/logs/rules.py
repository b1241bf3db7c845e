"""Rules: patterns of log lines that tell of a fault, those shipped and a project's own."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import msgspec

from pytest_sre.logs.patterns import PatternError, factors, parse, written
from pytest_sre.targets.document import read_log_rules
from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.reading import Place, mapping
from pytest_sre.targets.settings import LogRule

SECRET = "secret"  # noqa: S105 - a kind of rule
_FILE = "rules.toml"


class RuleError(ConfigError):
    """A rule that cannot be used; its text says what was expected and found, and where."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was tried on its samples.

    Attributes:
        stated: what it is about, as its author wrote it.
        expression: its pattern in the form that all engines read alike.
        compiled: the same, for the samples and for single lines.
        factors: texts in lower case of which each match holds at least one, if there are any.
    """

    stated: LogRule
    expression: str
    compiled: re.Pattern[bytes]
    factors: tuple[bytes, ...]

    @property
    def id(self) -> str:
        """Its name, unique among all rules."""
        return self.stated.id

    @property
    def is_secret(self) -> bool:
        """Whether what it matches may not be shown."""
        return self.stated.kind == SECRET


def usable_rule(stated: LogRule) -> Rule:
    """Compile a rule and try it on its samples, as plain lines and inside JSON.

    Raises:
        RuleError: its pattern is not one that all engines know, it has no samples to match or
            to miss, or one of them does not do so.
    """
    try:
        node = parse(stated.pattern, ignore_case=stated.ignore_case)
    except PatternError as error:
        raise RuleError(
            where=f"{stated.where}.pattern",
            found=f"of the rule {quoted(stated.id)} is {quoted(stated.pattern)}: {error}",
            expected="ASCII text with . [...] \\d \\w \\s \\b ( | ) * + ? {m,n}, no more",
            hint="see docs/logs.md for what a pattern may hold",
        ) from None
    expression = written(node)
    rule = Rule(stated, expression, re.compile(expression.encode()), factors(node))
    for key, samples, is_match in (
        ("matches", stated.matches, True),
        ("misses", stated.misses, False),
    ):
        _try(rule, key, samples, is_match=is_match)
    return rule


def usable_rules(own: Iterable[LogRule] = ()) -> tuple[Rule, ...]:
    """The shipped rules and a project's own, ready for use.

    An own rule that has the id of a shipped one takes its place.

    Raises:
        RuleError: one of them cannot be used, or two own rules have the same id.
    """
    rules = {rule.id: rule for rule in shipped_rules()}
    seen: set[str] = set()
    for stated in own:
        if stated.id in seen:
            raise RuleError(
                where=f"{stated.where}.id",
                found=f"is {quoted(stated.id)}, as that of another rule is",
                expected="an id of its own for each rule",
            )
        seen.add(stated.id)
        rules[stated.id] = usable_rule(stated)
    return tuple(rules.values())


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rules that come with the package."""
    return tuple(map(usable_rule, _shipped()))


@cache
def shipped_secrets() -> tuple[re.Pattern[bytes], ...]:
    """What secrets look like, by the rules that come with the package."""
    return tuple(usable_rule(stated).compiled for stated in _shipped() if stated.kind == SECRET)


@cache
def _shipped() -> tuple[LogRule, ...]:
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    place = Place(_FILE)
    return tuple(read_log_rules(mapping(tomllib.loads(text), place)["rule"], place / "rule"))


def _try(rule: Rule, key: str, samples: Sequence[str], *, is_match: bool) -> None:
    what = "that it must match" if is_match else "that it must not match"
    where = f"{rule.stated.where}.{key}"
    if not samples:
        raise RuleError(
            where=where,
            found=f"of the rule {quoted(rule.id)} is empty",
            expected=f"at least one line {what}",
        )
    for index, sample in enumerate(samples):
        for form, line in (("", sample.encode()), (" inside JSON", _in_json(sample))):
            if bool(rule.compiled.search(line)) != is_match:
                raise RuleError(
                    where=f"{where}[{index}]",
                    found=f"{'does not match' if is_match else 'matches'}{form}: {quoted(sample)}",
                    expected=f"of the rule {quoted(rule.id)} a line {what}",
                    hint="correct the pattern or the sample",
                )


def _in_json(message: str) -> bytes:
    return msgspec.json.encode({"fly": {"region": "iad"}, "message": message, "timestamp": ""})
