"""A file of an experiment as plain values that know their lines, as chaostoolkit reads it."""

import json
import math
from pathlib import Path

import yaml

from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.files import place_of
from pytest_sre.targets.reading import Place
from pytest_sre.targets.yaml_files import Part, parts_of, read_text

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_LARGEST = 10**15


def read_document(path: Path) -> Part:
    """Read a file; its values are those that chaostoolkit finds in it.

    Raises:
        ConfigError: it cannot be read, is neither YAML nor JSON, or holds what is neither text
            nor number.
    """
    place = place_of(path)
    if path.suffix not in SUFFIXES:
        raise ConfigError(
            place.file, "is no experiment", "a file that ends in .yaml, .yml or .json"
        )
    text = read_text(path)
    found = _json(text, place.file) if path.suffix == ".json" else _yaml(text, place.file)
    _require_plain(found.value, found.place)
    return found


def _yaml(text: str, file: str) -> Part:
    parts = parts_of(text, file)
    if len(parts) != 1:
        found = f"has {len(parts)} documents" if parts else "is empty"
        raise ConfigError(file, found, "one experiment")
    try:
        # Its values, as chaoslib.loader has them: with aliases and merged keys.
        return Part(yaml.safe_load(text), parts[0].place)
    except Exception as error:  # noqa: BLE001 - PyYAML raises what its constructors meet
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(file, f"cannot be read: {problem}", "plain YAML") from None


def _json(text: str, file: str) -> Part:
    try:
        value: object = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where, found = f"{file}:{error.lineno}", f"is not JSON: {error.msg}"
        raise ConfigError(where, found, "JSON") from None
    except (ValueError, RecursionError) as error:
        shown = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ConfigError(file, f"cannot be read: {shown}", "plain JSON") from None
    try:
        # All JSON that people write is YAML, but for tabs, which can only stand between values.
        parts = parts_of(text.replace("\t", " "), file)
    except ConfigError:
        return Part(value, Place(file))
    return Part(value, parts[0].place if parts else Place(file))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def _require_plain(value: object, place: Place) -> None:
    match value:
        case None | bool() | str():
            return
        case int() | float():
            if abs(value) > _LARGEST or math.isnan(value):
                raise place.wrong(value, "a number within bounds")
        case list():
            for index, each in enumerate(value):
                _require_plain(each, place.item(index))
        case dict():
            for name, each in value.items():
                if not isinstance(name, str):
                    raise place.wrong(value, "a table whose keys are texts; put them into quotes")
                _require_plain(each, place / name)
        case _:
            raise place.wrong(value, "a text; put it into quotes")
