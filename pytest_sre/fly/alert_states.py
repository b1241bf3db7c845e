"""Alerts as a Prometheus evaluates them, and as an Alertmanager received them.

Sources: https://prometheus.io/docs/prometheus/latest/querying/api/#rules, and the OpenAPI
description of Alertmanager's API v2. VictoriaMetrics' vmalert answers the first alike.
"""

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

import msgspec

from pytest_sre.fly.answers import Answer
from pytest_sre.fly.metric_answers import read_data
from pytest_sre.fly.tokens import NO_TOKEN, Token
from pytest_sre.fly.transport import Transport

AlertState = Literal["inactive", "pending", "firing"]
_TIMEOUT_S: Final = 30.0
# Go writes nanoseconds, of which Python reads six digits.
_FRACTION: Final = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True)
class ActiveAlert:
    """One alert that is pending or firing.

    Attributes:
        labels: its own.
        state: which of the two.
        active_at: since when its expression holds, Unix seconds; None when that is not told.
        value: of its expression, when it was last evaluated.
    """

    labels: Mapping[str, str]
    state: AlertState
    active_at: float | None
    value: float


@dataclass(frozen=True)
class AlertingRule:
    """An alerting rule as it was last evaluated.

    Attributes:
        name: of the alert.
        query: its expression, as the server writes it.
        state: of all its alerts together.
        hold_s: its ``for``, seconds.
        error: why it cannot be evaluated; empty when it can.
        evaluated_at: when it last was, Unix seconds; None when it never was.
        active: its alerts that are pending or firing.
    """

    name: str
    query: str
    state: AlertState
    hold_s: float
    error: str
    evaluated_at: float | None
    active: tuple[ActiveAlert, ...]


class Alertmanager:
    """One Alertmanager.

    Args:
        transport: reaches the server.
        path: where it begins at that server.
    """

    def __init__(self, transport: Transport, path: str = "") -> None:
        self._transport = transport
        self._path = path

    @classmethod
    def at(cls, base_url: str, token: Token = NO_TOKEN, path: str = "") -> Self:
        """Talk to the Alertmanager of that address, such as ``http://127.0.0.1:9093``; close it.

        Raises:
            Unreachable: that is not an address.
        """
        return cls(Transport(base_url, token, timeout_s=_TIMEOUT_S), path)

    def alerts(self) -> list[Mapping[str, str]]:
        """Give the labels of each alert that it holds for active, silenced ones included.

        Raises:
            FlyError: there was no answer.
        """
        answer = self._transport.answer("GET", f"{self._path}/api/v2/alerts")
        return [each.labels for each in self._transport.read(answer, list[_Received])]

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class _Received(msgspec.Struct, frozen=True):
    labels: dict[str, str]


class _Alert(msgspec.Struct, frozen=True, rename="camel"):
    labels: dict[str, str] = {}
    state: AlertState = "inactive"
    active_at: str | None = None
    value: str | float = "NaN"


class _Rule(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    query: str = ""
    type: str = "alerting"
    state: AlertState = "inactive"
    duration: float = 0.0
    last_error: str = ""
    last_evaluation: str | None = None
    alerts: list[_Alert] | None = None


class _Group(msgspec.Struct, frozen=True):
    rules: list[_Rule] = []


class _Groups(msgspec.Struct, frozen=True):
    groups: list[_Group] = []


def read_rules(answer: Answer, token: Token) -> list[AlertingRule]:
    """Read the alerting rules of ``/api/v1/rules``.

    Raises:
        FlyError: it is an error, or nothing that Prometheus would answer.
    """
    groups = read_data(answer, token, _Groups).groups
    return [_rule(each) for group in groups for each in group.rules if each.type == "alerting"]


def _rule(rule: _Rule) -> AlertingRule:
    return AlertingRule(
        rule.name,
        rule.query,
        rule.state,
        rule.duration,
        rule.last_error,
        _at(rule.last_evaluation),
        tuple(
            ActiveAlert(each.labels, each.state, _at(each.active_at), _value(each.value))
            for each in rule.alerts or ()
            if each.state != "inactive"
        ),
    )


def _at(text: str | None) -> float | None:
    """Unix seconds; Go's zero time, of the year 1, stands for never."""
    try:
        found = dt.datetime.fromisoformat(_FRACTION.sub(r"\1", text or ""))
    except ValueError:
        return None
    return found.timestamp() if found.year > 1 and found.tzinfo else None


def _value(text: str | float) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
