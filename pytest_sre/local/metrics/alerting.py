"""Rules and where their alerts go: the platform's Prometheus and Alertmanager as one."""

import asyncio
from collections.abc import Mapping

from pytest_sre.local.metrics.alertmanager import Alertmanager
from pytest_sre.local.metrics.prometheus import Prometheus


class Alerting:
    """Has both evaluate what is loaded. Without the one, alerts are still evaluated by the other.

    Args:
        prometheus: evaluates.
        alertmanager: receives what fires; started when rules are first loaded.
    """

    def __init__(self, prometheus: Prometheus, alertmanager: Alertmanager) -> None:
        self.prometheus = prometheus
        self.alertmanager = alertmanager
        self._one_at_a_time = asyncio.Lock()
        self._loaded = False

    async def load(self, rules: Mapping[str, str]) -> tuple[str, str]:
        """Evaluate these rules, in place of those before.

        Args:
            rules: the texts of rule files, by a name for each.

        Returns:
            Why Prometheus and why Alertmanager do not serve; each empty when it does.

        Raises:
            RulesRefused: Prometheus does not take them.
        """
        async with self._one_at_a_time:
            if not rules and not self._loaded:
                return "", ""
            failure = await self.prometheus.wait()
            if failure:
                return failure, ""
            missing = await self.alertmanager.start() if rules else ""
            await self.prometheus.load(rules, self.alertmanager.address)
            self._loaded = bool(rules)
            return "", missing
