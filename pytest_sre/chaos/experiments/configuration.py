"""The parameters of an experiment: what they are, and what the command line makes of them."""

import os
from collections.abc import Callable, Mapping
from typing import Final

from pytest_sre.targets.errors import ConfigError, quoted, unknown_name
from pytest_sre.targets.reading import Place

_LATER: Final = frozenset({"bool", "json", "bytes"})
_READERS: Final[Mapping[str, Callable[[str], str | int | float]]] = {
    "str": str,
    "string": str,
    "int": int,
    "integer": int,
    "float": float,
    "number": float,
}


def known_values(configuration: Mapping[str, object], place: Place) -> dict[str, object]:
    """Give the parameters whose value is known before the experiment runs.

    Args:
        configuration: as the file states them; one may be a variable of the environment.
        place: of them.

    Raises:
        ConfigError: one is a variable that is not set, or is not what it is to be read as.
    """
    known = {}
    for name, value in configuration.items():
        if not isinstance(value, dict) or "type" not in value:
            known[name] = value
        elif value["type"] == "env":
            found = _from_environment(value, place / name)
            if found is not None:
                known[name] = found
    return known


def _from_environment(stated: dict[str, object], place: Place) -> str | int | float | None:
    name = stated.get("key")
    if not isinstance(name, str):
        raise place.lacks("key")
    kind = str(stated.get("env_var_type") or "str")
    if kind not in _LATER and kind not in _READERS:
        where, names = str(place / "env_var_type"), (*_LATER, *_READERS)
        raise unknown_name(where=where, what="is", name=kind, names=names)
    given = os.environ.get(name, stated.get("default"))
    if given is None and "default" not in stated:
        found = f"is {quoted(name)} of the environment, which is not set"
        raise ConfigError(str(place), found, f"{name} to be set, or a default beside key")
    if kind in _LATER or given is None:
        return None
    try:
        return _READERS[kind](str(given)) if kind != "str" else _plain(given)
    except ValueError:
        raise place.wrong(given, f"what can be read as {kind}") from None


def _plain(given: object) -> str | int | float:
    return given if isinstance(given, str | int | float) else str(given)


def read_settings(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` of the command line.

    Raises:
        ConfigError: one is not of that form.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigError(option, f"is {quoted(text)}", "NAME=VALUE, such as region=ams")
        found[name.strip()] = value
    return found


def set_values(
    known: Mapping[str, object], given: Mapping[str, str], option: str
) -> dict[str, object]:
    """Give what the command line says of the parameters of one file, in the types it has there.

    Args:
        known: the parameters of the file.
        given: what was said; names that the file does not have are for others.
        option: how it was said, for messages.

    Raises:
        ConfigError: a value is not of the type that the file has.
    """
    return {
        name: _as(known[name], text, f"{option} {name}")
        for name, text in given.items()
        if name in known
    }


def _as(now: object, text: str, where: str) -> object:
    if isinstance(now, bool):
        if text.lower() not in ("true", "false"):
            raise ConfigError(where, f"is {quoted(text)}", "true or false")
        return text.lower() == "true"
    kinds: dict[type, str] = {int: "a whole number", float: "a number"}
    for kind, expected in kinds.items():
        if isinstance(now, kind):
            try:
                return kind(text)
            except ValueError:
                raise ConfigError(where, f"is {quoted(text)}", expected) from None
    return text
