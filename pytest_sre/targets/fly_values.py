"""Readers of single values of a fly.toml, with the leniency of Fly's own reading of it."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pytest_sre.targets.durations import parse_duration_s
from pytest_sre.targets.errors import unknown_name
from pytest_sre.targets.go_text import go_text
from pytest_sre.targets.reading import Place, Reader, T, list_of, mapping, table_of, text

_SIZE = re.compile(r"([0-9]{1,9}) *([a-z]*)", re.IGNORECASE)
_MEGABYTES = {"mb": 1, "mib": 1, "m": 1, "gb": 1024, "gib": 1024, "g": 1024}
_SHARED_CPUS = (1, 2, 4, 6, 8)
_PERFORMANCE_CPUS = (1, 2, 4, 6, 8, 10, 12, 14, 16)
_VM_SIZES = {f"shared-cpu-{n}x": ("shared", n, 256 * n) for n in _SHARED_CPUS} | {
    f"performance-{n}x": ("performance", n, 2048 * n) for n in _PERFORMANCE_CPUS
}


def string(value: object, place: Place) -> str:
    """Read a text that may be empty."""
    if not isinstance(value, str):
        raise place.wrong(value, "a text")
    return value


def stated(value: object, place: Place) -> str | None:
    """Read a text; an empty one counts as not stated."""
    return string(value, place) or None


def strings(value: object, place: Place) -> tuple[str, ...]:
    """Read a list of texts, or one text."""
    return (value,) if isinstance(value, str) else list_of(string)(value, place)


def as_text(value: object, place: Place) -> str:  # noqa: ARG001 - any value will do
    """Read a value of any type as the text that Fly makes of it."""
    return go_text(value)


def number(low: int, high: int) -> Reader[int]:
    """Make the reader of a whole number, which may stand in a text or be written as a float."""

    def read(value: object, place: Place) -> int:
        whole = _whole(value)
        if whole is None or not low <= whole <= high:
            raise place.wrong(value, f"a whole number from {low} to {high}")
        return whole

    return read


def _whole(value: object) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return int(value) if value.is_integer() else None
        case str():
            return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None
    return None


def duration_in(unit_s: float) -> Reader[float | None]:
    """Make the reader of a duration whose bare numbers are of a unit; empty is not stated."""

    def read(value: object, place: Place) -> float | None:
        if value == "":
            return None
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return parse_duration_s(value * unit_s)
            return parse_duration_s(string(value, place))
        except (OverflowError, ValueError):
            raise place.wrong(value, "a duration such as 500ms, 10s or 1m30s") from None

    return read


def size_in(unit: Literal["mb", "gb"]) -> Reader[int]:
    """Make the reader of a size such as ``"512mb"`` or ``"1gb"``, bare numbers being of *unit*."""

    def read(value: object, place: Place) -> int:
        match = _SIZE.fullmatch(go_text(value))
        scale = _MEGABYTES.get(match[2].lower() or unit) if match else None
        if match is None or scale is None:
            raise place.wrong(value, 'a size such as "512mb" or "1gb"')
        return int(match[1]) * scale // _MEGABYTES[unit]

    return read


def vm_size(value: object, place: Place) -> tuple[str, int, int]:
    """Read the name of a Machine's size: its kind of CPU, CPUs and megabytes."""
    name = text(value, place)
    if name not in _VM_SIZES:
        raise unknown_name(where=str(place), what="is", name=name, names=_VM_SIZES)
    return _VM_SIZES[name]


def tables_of(read_item: Reader[T]) -> Reader[tuple[T, ...]]:
    """Make the reader of an array of tables, which may also be a single table."""

    def read(value: object, place: Place) -> tuple[T, ...]:
        if isinstance(value, dict):
            return (read_item(value, place),)
        return list_of(read_item)(value, place)

    return read


def texts_by_name(value: object, place: Place) -> Mapping[str, str]:
    """Read a table of values of any type, or several tables, of which the last one wins."""
    tables = tables_of(mapping)(value, place)
    return MappingProxyType(
        {name: go_text(item) for table in tables for name, item in table.items()}
    )


def pairs(name_key: str, value_key: str, read_value: Reader[str]) -> Reader[Mapping[str, str]]:
    """Make the reader of a table of texts, or of a list of tables with a name and a value."""

    def read_item(value: object, place: Place) -> tuple[str, str]:
        item = mapping(value, place)
        name = text(item.get(name_key, ""), place / name_key)
        return name, read_value(item.get(value_key, ""), place / value_key)

    def read(value: object, place: Place) -> Mapping[str, str]:
        if isinstance(value, dict):
            return table_of(read_value)(value, place)
        return MappingProxyType(dict(list_of(read_item)(value, place)))

    return read
