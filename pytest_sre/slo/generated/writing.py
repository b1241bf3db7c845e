"""The text of generated files: YAML that says where it comes from and reads well."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from pytest_sre.slo.generated.alerting import AlertingRule
from pytest_sre.slo.generated.rules import Rule, RuleFile, RuleGroup
from pytest_sre.slo.queries import duration

if TYPE_CHECKING:
    import yaml

# Lines are not broken: a change of one expression is then a change of one line.
_WIDTH: Final = 1_000_000
_ORIGIN: Final = "Made by `pytest-sre generate {what}` from the project's objectives: edit those."


def rules_yaml(file: RuleFile, remarks: Iterable[str] = ()) -> str:
    """Write a rule file of Prometheus, with its own remarks and further ones at its top."""
    groups = [_group(each) for each in file.groups]
    return yaml_text("rules", {"groups": groups}, [*file.remarks, *remarks])


def json_text(document: Mapping[str, object]) -> str:
    """Write a document as JSON that reads well."""
    return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n"


def read_mapping(text: str) -> dict[str, object]:
    """Read a YAML document that is a mapping.

    Raises:
        ValueError: it is something else. The text says what, and where.
    """
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"expected a mapping of names to values, found {type(found).__name__}")
    return found


def yaml_text(what: str, document: Mapping[str, object], remarks: Iterable[str] = ()) -> str:
    """Write a document as YAML below its remarks.

    Args:
        what: what ``pytest-sre generate`` calls it.
        document: it.
        remarks: a line each.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as such, and nothing by reference."""

        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
            return True

    Dumper.add_representer(str, _represent_text)
    body: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
    return with_origin(what, body, remarks)


def with_origin(what: str, body: str, remarks: Iterable[str] = ()) -> str:
    """Put above a text where it comes from, and its remarks, each a comment of one line."""
    lines = [_ORIGIN.format(what=what), *remarks]
    head = "".join(f"# {' '.join(line.split())}\n" for line in lines)
    return f"{head}{body}"


def _represent_text(dumper: "yaml.SafeDumper", text: str) -> "yaml.ScalarNode":
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _group(group: RuleGroup) -> dict[str, object]:
    every = {} if group.every_s is None else {"interval": duration(group.every_s)}
    return {"name": group.name, **every, "rules": [_rule(each) for each in group.rules]}


def _rule(rule: Rule) -> dict[str, object]:
    if not isinstance(rule, AlertingRule):
        return {"record": rule.record, "expr": rule.expression, "labels": dict(rule.labels)}
    hold: dict[str, object] = {"for": duration(rule.hold_s)} if rule.hold_s else {}
    return {
        "alert": rule.alert,
        "expr": rule.expression,
        **hold,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }
