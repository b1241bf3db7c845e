"""The ``${name}`` in a file: each has to be one of its parameters or secrets. Pure.

chaostoolkit leaves a name that it does not know as it stands, and goes on with that text.

Source: chaoslib.substitute and string.Template.
"""

import re
from collections.abc import Mapping
from typing import Final

from pytest_sre.targets.errors import ConfigError, did_you_mean, quoted
from pytest_sre.targets.reading import Place

# ``$${name}`` stands for a text that begins with a dollar.
_PLACEHOLDER: Final = re.compile(r"(?<!\$)(?:\$\$)*(\$\{[^{}]*\})")
_NAME: Final = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_FILLED_IN: Final = ("title", "steady-state-hypothesis", "method", "rollbacks", "controls")


def check_placeholders(document: Mapping[str, object], place: Place) -> None:
    """Require that each name that is to be filled in is one of the file's.

    Names in the text of a command are left to the shell that may run it; one that is all of an
    argument is not.

    Args:
        document: a file whose configuration and secrets are tables.
        place: of it.

    Raises:
        ConfigError: a name is in neither.
    """
    names = _names(document)
    if names is None:
        return
    for key in _FILLED_IN:
        _check(document.get(key), place / key, names)


def _names(document: Mapping[str, object]) -> frozenset[str] | None:
    """Give the names that can be filled in; None where only a vault knows them."""
    found = set(_table(document.get("configuration")))
    # chaostoolkit has the names of secrets in groups.
    for group in map(_table, _table(document.get("secrets")).values()):
        if group.get("type") == "vault":
            return None
        found |= group.keys()
    return frozenset(filter(_NAME.fullmatch, found))


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _check(value: object, place: Place, names: frozenset[str]) -> None:
    match value:
        case str():
            for placeholder in _PLACEHOLDER.findall(value):
                _require(placeholder, place, names)
        case list():
            for index, each in enumerate(value):
                _check(each, place.item(index), names)
        case dict() if value.get("type") == "process":
            _check_command(value.get("arguments"), place / "arguments", names)
        case dict():
            for name, each in value.items():
                _check(each, place / name, names)


def _check_command(arguments: object, place: Place, names: frozenset[str]) -> None:
    if isinstance(arguments, list):
        placed = [(each, place.item(index)) for index, each in enumerate(arguments)]
    else:
        placed = [(each, place / name) for name, each in _table(arguments).items()]
    for each, where in placed:
        if isinstance(each, str) and _PLACEHOLDER.fullmatch(each):
            _check(each, where, names)


def _require(placeholder: str, place: Place, names: frozenset[str]) -> None:
    name = placeholder[2:-1]
    if name not in names:
        raise ConfigError(
            str(place),
            f"has {quoted(placeholder)}, which nothing fills in",
            f"a name of configuration or secrets: {', '.join(sorted(names)) or 'there is none'}",
            did_you_mean(name, names),
        )
