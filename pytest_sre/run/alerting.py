"""The alerts of a run: the project's rules, and the servers that evaluate them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pytest_sre.alerts.conditions import Condition
from pytest_sre.alerts.facade import Alerts
from pytest_sre.alerts.policy import Policy
from pytest_sre.alerts.rule_files import read_rule_files, read_rule_text
from pytest_sre.alerts.rules import RuleSet
from pytest_sre.alerts.watching import CAUSE, Watch
from pytest_sre.fly.alert_states import Alertmanager
from pytest_sre.fly.metrics import Prometheus
from pytest_sre.fly.organization import PERSONAL, organization_of
from pytest_sre.fly.tokens import Token
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.run.platforms import Platform
from pytest_sre.slo.generated import Timing, Watched, rule_file
from pytest_sre.slo.generated.writing import rules_yaml
from pytest_sre.slo.queries import is_asked
from pytest_sre.targets import Settings
from pytest_sre.verdict import Inconclusive, NotAsked

DRILL: Final = Timing(scale=1 / 60, scrape_s=1.0)
"""In a drill on the local platform an hour of an objective's alerts lasts a minute."""
_GENERATED: Final = "rules of the objectives"
_LOCAL_ALERTMANAGER: Final = "/_local/alertmanager"


class Alerting:
    """What tests of a run share of its alerts; nothing is contacted before it is asked for.

    Args:
        settings: the run's.
        platform: the target's.
    """

    def __init__(self, settings: Settings, platform: Platform) -> None:
        self._settings, self._platform = settings, platform
        self._closing: list[Callable[[], None]] = []
        rules = rules_of(settings)
        self.alerts = Alerts(
            Policy(rules, settings.root, settings.alerts.scrape_s) if rules else None,
            inapplicable(settings),
            self._metrics,
            self._watch,
        )

    def close(self) -> None:
        """Close the connections."""
        while self._closing:
            self._closing.pop()()

    @property
    def _is_local(self) -> bool:
        return self._settings.target.platform == "local"

    def _metrics(self) -> Prometheus:
        if self._is_local:
            raise NotAsked("which metrics production has cannot be seen on the local platform")
        stated = self._settings.alerts.prometheus
        if stated:
            return self._opened(stated)
        fly = self._platform.fly
        return fly.metrics(organization_of(fly, self._settings.target))

    def _opened(self, url: str) -> Prometheus:
        prometheus = Prometheus.at(url)
        self._closing.append(prometheus.close)
        return prometheus

    def _watch(self) -> Watch:
        return self._local_watch() if self._is_local else self._stated_watch()

    def _stated_watch(self) -> Watch:
        stated = self._settings.alerts
        if stated.prometheus is None:
            why = "Fly evaluates no alerts, and [alerts] prometheus names nobody who does"
            raise Inconclusive(why, cause=CAUSE)
        if stated.alertmanager is None:
            return Watch(self._opened(stated.prometheus))
        alertmanager = Alertmanager.at(stated.alertmanager)
        self._closing.append(alertmanager.close)
        return Watch(self._opened(stated.prometheus), alertmanager)

    def _local_watch(self) -> Watch:
        platform = LocalPlatform.attach(Path(self._platform.handle))
        if platform is None:
            raise Inconclusive("the local platform is gone", cause=CAUSE)
        self._closing.append(platform.close)
        try:
            missing = platform.load_rules(drill_rules(self._settings))
        except LocalPlatformError as error:
            raise Inconclusive(str(error), cause=CAUSE) from error
        if missing:
            raise Inconclusive(missing, cause=CAUSE)
        token = Token.parse(platform.token)
        alertmanager = Alertmanager.at(platform.api_url, token, _LOCAL_ALERTMANAGER)
        self._closing.append(alertmanager.close)
        return Watch(self._platform.fly.metrics(PERSONAL), alertmanager)


def rules_of(settings: Settings) -> RuleSet | None:
    """Read the rules of the project's files, and those made of its objectives.

    Returns:
        None when there are neither.
    """
    written = read_rule_files(settings.alerts.rules, settings.root)
    made = generated(settings, Timing(scrape_s=settings.alerts.scrape_s))
    read = read_rule_text(made, _GENERATED) if made else RuleSet(())
    if not made and not settings.alerts.rules:
        return None
    return RuleSet(written.rules + read.rules, written.unreadable + read.unreadable)


def drill_rules(settings: Settings) -> dict[str, str]:
    """Give the texts of all rules, those of the objectives in short form, by a file name each.

    Raises:
        Inconclusive: there are none, or a file cannot be read.
    """
    try:
        files = {
            f"{number}-{path.name}": path.read_text("utf-8")
            for number, path in enumerate(settings.alerts.rules)
        }
    except (OSError, UnicodeDecodeError) as error:
        raise Inconclusive(f"a rule file cannot be read: {error}", cause=CAUSE) from None
    made = generated(settings, DRILL)
    found = {**files, "objectives.yaml": made} if made else files
    if not found:
        raise Inconclusive("there are no alert rules to drill", cause=CAUSE)
    return found


def generated(settings: Settings, timing: Timing) -> str:
    """Make the rules of the objectives that metrics measure; empty when there are none."""
    first = settings.target.apps[0].name
    watched = [
        Watched(objective=each, service=each.app or first, runbook=each.runbook or "")
        for each in settings.objectives
        if is_asked(each)
    ]
    return rules_yaml(rule_file(watched, timing)) if watched else ""


def inapplicable(settings: Settings) -> Mapping[Condition, str]:
    """Say which conditions no alert is owed for, and why."""
    found: dict[Condition, str] = {}
    if not settings.alerts.rules:
        why = "no objective tells of it, and [alerts] rules names no rule file that could"
        found |= dict.fromkeys(("restarts", "disk", "certificate"), why)
    if not any(app.toml.all_mounts for app in settings.target.apps):
        found["disk"] = "no app has a volume"
    url = settings.target.url or ""
    if not url.startswith("https://") or url.endswith(".fly.dev"):
        found["certificate"] = "no address of its own that is served over TLS"
    return found
