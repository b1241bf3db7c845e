"""Reads Prometheus rule files, whoever wrote them, and remembers the line of each rule.

Source: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/. A Kubernetes
``PrometheusRule``, which has the same groups below ``spec``, is read alike.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_sre.alerts.rules import Finding, Rule, RuleSet

if TYPE_CHECKING:
    import yaml

UNREADABLE: Final = "unreadable"
_LARGEST_BYTES: Final = 4_000_000
_MOST_RULES: Final = 10_000
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_UNITS_S: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_FIELDS: Final = {
    "alert",
    "record",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
}


class _Wrong(Exception):  # noqa: N818 - becomes a finding
    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read_rule_files(paths: Iterable[Path], root: Path) -> RuleSet:
    """Read rule files.

    Args:
        paths: of the files.
        root: the folder that messages name files from.

    Returns:
        The rules; for each file that is no rule file, a finding that says why.
    """
    rules: list[Rule] = []
    unreadable: list[Finding] = []
    for path in paths:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
        try:
            rules += rules_in(_content(path), path, name)
        except _Wrong as wrong:
            unreadable.append(_finding(name, wrong))
    return RuleSet(tuple(rules), tuple(unreadable))


def read_rule_text(text: str, name: str) -> RuleSet:
    """Read rules that are in no file, such as generated ones; *name* stands for the file."""
    try:
        return RuleSet(tuple(rules_in(text, None, name)))
    except _Wrong as wrong:
        return RuleSet((), (_finding(name, wrong),))


def _finding(name: str, wrong: _Wrong) -> Finding:
    return Finding(check=UNREADABLE, file=name, line=wrong.line, rule="", text=str(wrong))


def _content(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _Wrong(1, f"cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise _Wrong(1, f"expected at most {_LARGEST_BYTES} bytes, found {len(content)}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _Wrong(content[: error.start].count(b"\n") + 1, "expected UTF-8") from None


def rules_in(text: str, path: Path | None, name: str) -> list[Rule]:
    """Read the rules of one file's text."""
    import yaml

    try:
        found = [each for each in yaml.compose_all(text, Loader=yaml.SafeLoader) if each]
        rules = [rule for document in found for rule in _rules(document, path, name)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Wrong(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise _Wrong(1, f"is not YAML: {error}") from None
    except RecursionError:
        raise _Wrong(1, "is nested too deeply") from None
    return rules


def _rules(document: "yaml.Node", path: Path | None, name: str) -> Iterator[Rule]:
    top = _table(document, "groups")
    if "groups" not in top and "spec" in top:
        top = _table(top["spec"], "groups")
    if "groups" not in top:
        raise _Wrong(_line(document), "has no groups, so it is no file of Prometheus rules")
    read = 0
    for group in _list(top["groups"], "groups"):
        for node in _list(_table(group, "a group").get("rules"), "rules"):
            read += 1
            if read > _MOST_RULES:
                raise _Wrong(_line(node), f"expected at most {_MOST_RULES} rules")
            yield _rule(node, path, name)


def _rule(node: "yaml.Node", path: Path | None, name: str) -> Rule:
    stated = _table(node, "a rule")
    for key in stated:
        if key not in _FIELDS:
            known = ", ".join(sorted(_FIELDS))
            raise _Wrong(_line(stated[key]), f"a rule has an unknown key {key!r}; known: {known}")
    if ("alert" in stated) == ("record" in stated):
        raise _Wrong(_line(node), "a rule has to have either alert or record")
    if "expr" not in stated:
        raise _Wrong(_line(node), "a rule has no expr")
    is_alert = "alert" in stated
    return Rule(
        path=path,
        file=name,
        line=_line(node),
        name=_text(stated["alert" if is_alert else "record"]),
        is_alert=is_alert,
        expression=_text(stated["expr"]),
        hold_s=_duration_s(stated["for"]) if "for" in stated else 0.0,
        labels=_texts(stated.get("labels")),
        annotations=_texts(stated.get("annotations")),
    )


def _line(node: "yaml.Node") -> int:
    line: int = node.start_mark.line
    return line + 1


def _table(node: "yaml.Node", what: str) -> "Mapping[str, yaml.Node]":
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise _Wrong(_line(node), f"expected a table for {what}")
    return {_text(key): value for key, value in node.value}


def _list(node: "yaml.Node | None", what: str) -> "list[yaml.Node]":
    import yaml

    if node is None or (isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~")):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise _Wrong(_line(node), f"expected a list for {what}")
    return list(node.value)


def _text(node: "yaml.Node") -> str:
    import yaml

    if not isinstance(node, yaml.ScalarNode):
        raise _Wrong(_line(node), "expected a text")
    return str(node.value)


def _texts(node: "yaml.Node | None") -> Mapping[str, str]:
    if node is None:
        return {}
    return {key: _text(value) for key, value in _table(node, "labels or annotations").items()}


def _duration_s(node: "yaml.Node") -> float:
    text = _text(node).strip()
    found = _DURATION.findall(text)
    if text != "0" and "".join(count + unit for count, unit in found) != text:
        raise _Wrong(_line(node), f"expected a duration such as 5m for for, found {text!r}")
    return sum(int(count) * _UNITS_S[unit] for count, unit in found)
