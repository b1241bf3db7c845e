"""Which files are made of a project's objectives, with which texts. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sre.slo.generated.alertmanager import alertmanager_config
from pytest_sre.slo.generated.dashboard import dashboard
from pytest_sre.slo.generated.rule_tests import rule_tests
from pytest_sre.slo.generated.rules import rule_file
from pytest_sre.slo.generated.watched import Watched
from pytest_sre.slo.generated.writing import json_text, rules_yaml, with_origin, yaml_text
from pytest_sre.targets.objectives import Objective

Kind = Literal["rules", "rule-tests", "dashboard", "alertmanager", "openslo"]
ALERTMANAGER_FILE: Final = "alertmanager.yaml"


@dataclass(frozen=True)
class Source:
    """What the files are made of.

    Attributes:
        services: the apps of the target.
        watched: the objectives that a Prometheus knows the events of.
        remarks: why others have no rules.
        receivers: those of the Alertmanager that somebody filled in, by name.
        objectives: all of the target.
    """

    services: Sequence[str]
    watched: Sequence[Watched]
    remarks: Sequence[str]
    receivers: Mapping[str, Mapping[str, object]]
    objectives: Sequence[Objective] = ()

    def of(self, service: str) -> list[Watched]:
        """The objectives of one app."""
        return [each for each in self.watched if each.service == service]


def files_of(kind: Kind, source: Source) -> dict[str, str]:
    """Give the texts of the files of a kind, by name; each app has its own.

    Raises:
        ValueError: an objective cannot be written so.
    """
    return _MAKERS[kind](source)


def _rules(source: Source) -> dict[str, str]:
    return {
        _rules_name(each): rules_yaml(rule_file(source.of(each)), source.remarks)
        for each in _watched_services(source)
    }


def _rule_tests(source: Source) -> dict[str, str]:
    return {
        f"{each}-rules.test.yaml": yaml_text(
            "rule-tests", rule_tests(source.of(each), _rules_name(each))
        )
        for each in _watched_services(source)
    }


def _dashboards(source: Source) -> dict[str, str]:
    return {
        f"{each}-dashboard.json": json_text(dashboard(each, source.of(each)))
        for each in source.services
    }


def _alertmanager(source: Source) -> dict[str, str]:
    if not source.watched:
        return {}
    document = alertmanager_config(source.watched, source.receivers)
    remark = (
        "Receivers are yours: what you fill in stays. Keep secrets in files (api_url_file, ...)."
    )
    return {ALERTMANAGER_FILE: yaml_text("alertmanager", document, [remark])}


def _openslo(source: Source) -> dict[str, str]:
    from pytest_sre.targets.openslo.writing import documents_of
    from pytest_sre.targets.yaml_files import write_yaml

    if not source.objectives:
        return {}
    documents = documents_of(source.objectives, source.services[0])
    return {"openslo.yaml": with_origin("openslo", write_yaml(documents))}


def _watched_services(source: Source) -> list[str]:
    return [each for each in source.services if source.of(each)]


def _rules_name(service: str) -> str:
    return f"{service}-rules.yaml"


_MAKERS: Final[Mapping[Kind, Callable[[Source], dict[str, str]]]] = {
    "rules": _rules,
    "rule-tests": _rule_tests,
    "dashboard": _dashboards,
    "alertmanager": _alertmanager,
    "openslo": _openslo,
}
KINDS: Final[tuple[Kind, ...]] = tuple(_MAKERS)
