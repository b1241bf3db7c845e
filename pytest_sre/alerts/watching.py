"""A Prometheus that evaluates alerts, and the Alertmanager behind it: asked until they agree."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pytest_sre.alerts.promql import NotPromQL, limits
from pytest_sre.fly.alert_states import AlertingRule, Alertmanager
from pytest_sre.fly.errors import Invalid
from pytest_sre.fly.metric_values import Scalar, Vector
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.targets.errors import did_you_mean
from pytest_sre.verdict import Inconclusive

T = TypeVar("T")
CAUSE: Final = "own alerting"
_LOOK_EVERY_S: Final = 0.25
_EVALUATED_WITHIN_S: Final = 90.0
_MOST_SHOWN: Final = 2


@dataclass(frozen=True)
class Watch:
    """Who is asked.

    Attributes:
        prometheus: it.
        alertmanager: None where none is known; then only Prometheus is asked.
    """

    prometheus: Prometheus
    alertmanager: Alertmanager | None = None

    def rules(self, *names: str) -> list[AlertingRule]:
        """Give the alerting rules of these names, or all, as they were last evaluated.

        Raises:
            Inconclusive: there is no such rule, or one cannot be evaluated.
            FlyError: there was no answer.
        """
        every = self.prometheus.rules()
        known = {rule.name for rule in every}
        for name in names:
            if name not in known:
                hint = did_you_mean(name, sorted(known))
                raise Inconclusive(f"no alert is named {name!r} here; {hint}", cause=CAUSE)
        if not every:
            raise Inconclusive("Prometheus has no alert to evaluate", cause=CAUSE)
        found = [rule for rule in every if not names or rule.name in names]
        for rule in found:
            if rule.error:
                why = f"Prometheus cannot evaluate {rule.name}: {rule.error}"
                raise Inconclusive(why, cause=CAUSE)
        return found

    def newly_evaluated(self, *names: str) -> list[AlertingRule]:
        """Wait until each of these rules was evaluated once more, and give them.

        Raises:
            Inconclusive: that did not happen in time, or see ``rules``.
            FlyError: there was no answer.
        """
        before = [rule.evaluated_at for rule in self.rules(*names)]

        def newer() -> list[AlertingRule] | None:
            now = self.rules(*names)
            at = [rule.evaluated_at for rule in now]
            is_newer = len(at) == len(before) and not any(
                new is None or new == old for old, new in zip(before, at, strict=True)
            )
            return now if is_newer else None

        found = until(newer, _EVALUATED_WITHIN_S)
        if found is None:
            why = f"Prometheus has not evaluated its rules for {_EVALUATED_WITHIN_S:g} s"
            raise Inconclusive(why, cause=CAUSE)
        return found

    def was_received(self, name: str, labels: Mapping[str, str]) -> bool:
        """Tell whether Alertmanager holds such an alert; True where none is known.

        Raises:
            FlyError: there was no answer.
        """
        if self.alertmanager is None:
            return True
        wanted = {"alertname": name, **labels}.items()
        return any(wanted <= alert.items() for alert in self.alertmanager.alerts())

    def seen(self, rule: AlertingRule) -> list[str]:
        """Say what each side of a rule's comparisons is now, in a line each."""
        try:
            compared = limits(rule.query)
        except NotPromQL:
            return []
        shown = [
            f"{left} is {self._value(left)}, and is to be {operator} {right}"
            for left, operator, right in compared
        ]
        return shown[:_MOST_SHOWN]

    def _value(self, promql: str) -> str:
        try:
            found = self.prometheus.query(promql)
        except Invalid as error:
            return f"unknown ({error.found})"
        if isinstance(found, Scalar):
            return f"{found.value:g}"
        samples: Sequence[float] = (
            [each.value for each in found.samples] if isinstance(found, Vector) else []
        )
        if not samples:
            return "without a value (nothing is measured)"
        return f"{max(samples):g}" + (f" at most, of {len(samples)}" if len(samples) > 1 else "")


def until(look: Callable[[], T], within_s: float) -> T:
    """Look again and again until what is seen is truthy, at least once; what was seen last."""
    deadline = time.monotonic() + within_s
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(min(_LOOK_EVERY_S, max(deadline - time.monotonic(), 0.0)))
    return found
