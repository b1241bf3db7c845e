"""The alerts of a target, as the ``alerts`` fixture gives them to one test."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pytest_sre.alerts.conditions import CONDITIONS, Condition
from pytest_sre.alerts.policy import Check, Policy
from pytest_sre.alerts.rules import Finding
from pytest_sre.alerts.watching import Watch, until
from pytest_sre.fly.alert_states import ActiveAlert, AlertingRule
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.errors import unknown_name
from pytest_sre.verdict import NotAsked

_MOST_SHOWN: Final = 4
_NEARNESS: Final = ("inactive", "pending", "firing")


@dataclass(frozen=True)
class Fired:
    """An alert that fired.

    Attributes:
        name: of the alert.
        labels: its own, ``severity`` among them.
        value: of its expression.
        after_s: how long it was waited for, seconds.
    """

    name: str
    labels: Mapping[str, str]
    value: float
    after_s: float


class Alerts:
    """A project's alert rules, and whether they fire.

    Args:
        policy: the rules, to be judged as they are written; None when there are none.
        inapplicable: conditions that the target does not have, and why.
        metrics: gives the Prometheus that knows which metrics exist.
        watch: has the rules evaluated, and gives who is asked for alerts; called when needed.
    """

    def __init__(
        self,
        policy: Policy | None,
        inapplicable: Mapping[Condition, str],
        metrics: Callable[[], Prometheus],
        watch: Callable[[], Watch],
    ) -> None:
        self._policy = policy
        self._inapplicable = inapplicable
        self._metrics = metrics
        self._begin = watch

    @property
    def policy(self) -> Policy:
        """The rules, and the checks of alert policy.

        Raises:
            NotAsked: the project has no rules.
        """
        if self._policy is None:
            raise NotAsked("no rule files in [alerts] rules, and no objective that metrics measure")
        return self._policy

    def findings(self, *checks: Check) -> list[Finding]:
        """Give what these checks of alert policy find.

        Raises:
            NotAsked: the project has no rules.
        """
        return self.policy.findings(*checks)

    def covering(self, condition: Condition) -> list[str]:
        """Name the alerts that are about a condition, such as ``error-rate``.

        Raises:
            ConfigError: there is no such condition.
            NotAsked: the target does not have it, or the project has no rules.
        """
        if condition not in CONDITIONS:
            raise unknown_name(where="alerts", what="has no", name=condition, names=CONDITIONS)
        policy = self.policy
        if condition in self._inapplicable:
            raise NotAsked(self._inapplicable[condition])
        return policy.covering(condition)

    def unknown_metrics(self) -> list[Finding]:
        """Find the rules that ask for metrics which do not exist at the target.

        Raises:
            NotAsked: the project has no rules.
            FlyError: the Prometheus gave no answer.
        """
        policy = self.policy
        return policy.unknown_metrics(self._metrics().label_values("__name__"))

    def expect(self, name: str, *, within: Duration = "2m", **labels: str) -> Fired:
        """Wait until an alert fires, and Alertmanager has received it where there is one.

        Args:
            name: of the alert.
            within: how long that may take.
            labels: what its labels have to be.

        Raises:
            AssertionError: it did not; the text has what Prometheus evaluated instead.
            Inconclusive: it could not be evaluated.
            FlyError: there was no answer.
        """
        within_s, began = parse_duration_s(within), time.monotonic()
        watch = self._watch

        def firing() -> ActiveAlert | None:
            found = (each for rule in watch.rules(name) for each in _fitting(rule, labels))
            return next((each for each in found if each.state == "firing"), None)

        alert = until(firing, within_s)
        if alert is None:
            raise AssertionError(_unfired(name, within, watch))
        rest_s = within_s - (time.monotonic() - began)
        if not until(lambda: watch.was_received(name, labels), rest_s):
            raise AssertionError(
                f"{name} fires in Prometheus, and Alertmanager has not received it within {within}"
            )
        return Fired(name, alert.labels, alert.value, time.monotonic() - began)

    def quiet(self, *names: str, within: Duration | None = None, **labels: str) -> None:
        """Check that no alert fires or is about to, by an evaluation made after this call.

        Args:
            names: of the alerts; all when none is given.
            within: how long they may take to become quiet; None for not at all.
            labels: only alerts whose labels are these.

        Raises:
            AssertionError: one is not quiet; the text has its value, and since when.
            Inconclusive: they could not be evaluated.
            FlyError: there was no answer.
        """
        within_s = 0.0 if within is None else parse_duration_s(within)
        watch = self._watch

        deadline = time.monotonic() + within_s
        while loud := [
            _loud(rule, alert)
            for rule in watch.newly_evaluated(*names)
            for alert in _fitting(rule, labels)
        ]:
            if time.monotonic() >= deadline:
                raise AssertionError("\n".join(loud[:_MOST_SHOWN]))

    @cached_property
    def _watch(self) -> Watch:
        return self._begin()


def _fitting(rule: AlertingRule, labels: Mapping[str, str]) -> list[ActiveAlert]:
    return [each for each in rule.active if labels.items() <= each.labels.items()]


def _unfired(name: str, within: Duration, watch: Watch) -> str:
    """What was evaluated instead, of the rule that came nearest."""
    nearest = max(watch.rules(name), key=lambda rule: _NEARNESS.index(rule.state))
    lines = [f"{name} did not fire within {within}: it is {nearest.state}", *watch.seen(nearest)]
    if nearest.active:
        lines.append(_since(nearest, nearest.active[0]))
    return "\n".join(lines)


def _loud(rule: AlertingRule, alert: ActiveAlert) -> str:
    labels = {name: text for name, text in alert.labels.items() if name != "alertname"}
    return f"{rule.name} {labels} is {alert.state}: {_since(rule, alert)}"


def _since(rule: AlertingRule, alert: ActiveAlert) -> str:
    held = "" if alert.active_at is None else f" for {time.time() - alert.active_at:.0f} s"
    return f"its expression holds{held} with the value {alert.value:g}; for is {rule.hold_s:g} s"
