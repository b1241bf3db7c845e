"""Alerting and recording rules as they are written, and what is found wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a Prometheus rule file.

    Attributes:
        path: the file; None when it is generated and in no file.
        file: how the file is called in messages.
        line: where the rule begins, from 1.
        name: of the alert, or of what is recorded.
        is_alert: whether it alerts; otherwise it records.
        expression: PromQL.
        hold_s: its ``for``, seconds; how long the expression must hold.
    """

    path: Path | None
    file: str
    line: int
    name: str
    is_alert: bool
    expression: str
    hold_s: float = 0.0
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @property
    def severity(self) -> str:
        """Its label ``severity``, in lower case; empty when it has none."""
        return self.labels.get("severity", "").strip().lower()

    @property
    def is_page(self) -> bool:
        """Whether it wakes a person."""
        return self.severity in {"page", "critical", "emergency", "disaster", "p1", "sev1"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong with a rule, or with a file of rules.

    Attributes:
        check: the check that found it, such as ``never-fires``.
        file: the file's name.
        line: where, from 1.
        rule: the alert's name; empty when it is about the file.
        text: what is wrong and what to do, in one sentence or two.
    """

    check: str
    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}".replace(": : ", ": ")

    __repr__ = __str__


@dataclass(frozen=True)
class RuleSet:
    """The rules of all files, and the files that cannot be read as such."""

    rules: tuple[Rule, ...]
    unreadable: tuple[Finding, ...] = ()

    @property
    def alerts(self) -> tuple[Rule, ...]:
        """The rules that alert."""
        return tuple(rule for rule in self.rules if rule.is_alert)
