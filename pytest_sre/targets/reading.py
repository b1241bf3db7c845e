"""Reading TOML into typed values by a declared schema.

A table's schema is a frozen dataclass whose fields are declared with `key`: the key's name in
the file and the reader of its value. A reader takes a raw value and its place, and gives the
typed value or raises `ConfigError`.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast, overload

from pytest_sre.targets.durations import parse_duration_s
from pytest_sre.targets.errors import ConfigError, quoted, unknown_name

T = TypeVar("T")
D = TypeVar("D")
N = TypeVar("N", bound=str)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_REQUIRED: Final = object()
_LARGE = 10**15


@dataclass(frozen=True)
class Place:
    """Where a value stands: a file as shown to people, and a key in it.

    ``place / "name"`` is the place of a key of the table that stands here.
    """

    file: str
    key: str = ""

    def __truediv__(self, name: str) -> "Place":
        shown = name if _BARE.fullmatch(name) else quoted(name)
        return Place(self.file, f"{self.key}.{shown}" if self.key else shown)

    def item(self, index: int) -> "Place":
        """Give the place of an item of the list that stands here."""
        return Place(self.file, f"{self.key}[{index}]")

    def __str__(self) -> str:
        return f"{self.file}: {self.key}" if self.key else self.file

    @property
    def section(self) -> str:
        """The place as a table's heading."""
        return f"{self.file}: [{self.key}]" if self.key else self.file

    def holding(self, name: str) -> str:  # noqa: ARG002 - for places with a line a key
        """Give the place of the table here, in which the key of this name stands."""
        return self.section

    def lacks(self, name: str) -> ConfigError:
        """Say that the table here has no such key."""
        return ConfigError(self.section, f"has no key {quoted(name)}", f"{name} = ...")

    def wrong(self, value: object, expected: str) -> ConfigError:
        """Say that the value here is not what was expected."""
        return ConfigError(str(self), f"is {_shown(value)}", expected)


Reader = Callable[[object, Place], T]


def _shown(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case int() | float():
            return _short_number(value)
        case Mapping():
            return "a table"
        case list():
            return "a list"
    return "a date or time"


def _short_number(value: float) -> str:
    # Python refuses to write a whole number of thousands of digits.
    return repr(value) if isinstance(value, float) or abs(value) < _LARGE else "beyond all bounds"


@overload
def key(name: str, read: Reader[T]) -> T: ...
@overload
def key(name: str, read: Reader[T], default: D) -> T | D: ...
def key(name: str, read: Reader[T], default: object = _REQUIRED) -> object:
    """Declare a field of a schema: its key in the file, its reader, and its default.

    Without a default the key is required.
    """
    metadata = {"key": name, "read": read}
    if default is _REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default_factory=lambda: default, metadata=metadata)


def table(schema: type[T], *, closed: bool) -> Reader[T]:
    """Make the reader of a table that a schema describes.

    Args:
        schema: a keyword-only dataclass whose fields are declared with `key`.
        closed: whether a key that the schema lacks is a mistake, or is passed over.
    """

    def read(value: object, place: Place) -> T:
        raw = mapping(value, place)
        fields = {str(f.metadata["key"]): f for f in dataclasses.fields(cast("Any", schema))}
        if closed:
            _refuse_unknown(raw, fields, place)
        for name, field in fields.items():
            if name not in raw and field.default_factory is dataclasses.MISSING:
                raise place.lacks(name)
        return schema(
            **{f.name: f.metadata["read"](raw[k], place / k) for k, f in fields.items() if k in raw}
        )

    return read


def _refuse_unknown(raw: Iterable[str], known: Iterable[str], place: Place) -> None:
    for name in raw:
        if name not in known:
            raise unknown_name(
                where=place.holding(name), what="has an unknown key", name=name, names=known
            )


def require_exactly(
    place: Place, given: Mapping[str, object], needs: Collection[str], found: str, expected: str
) -> None:
    """Have some keys of a table be there, and others not, as another key of it asks.

    Args:
        place: of the table.
        given: the keys' values; None for one that is not there.
        needs: the keys that have to be there.
        found: what is said of a key that may not.
        expected: what is asked for instead.

    Raises:
        ConfigError: one is missing, or is there and may not be.
    """
    for name, value in given.items():
        if value is None and name in needs:
            raise place.lacks(name)
        if value is not None and name not in needs:
            raise ConfigError(where=str(place / name), found=found, expected=expected)


def mapping(value: object, place: Place) -> Mapping[str, object]:
    """Read a table as it is."""
    if not isinstance(value, dict):
        raise place.wrong(value, "a table")
    return value


def text(value: object, place: Place) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise place.wrong(value, "a text")
    return value


def boolean(value: object, place: Place) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise place.wrong(value, "true or false")
    return value


def integer(low: int, high: int) -> Reader[int]:
    """Make the reader of a whole number from *low* to *high*."""

    def read(value: object, place: Place) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise place.wrong(value, f"a whole number from {low} to {high}")
        return value

    return read


def ratio(value: object, place: Place) -> float:
    """Read a share from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise place.wrong(value, "a number from 0 to 1")
    return float(value)


def duration_s(value: object, place: Place) -> float:
    """Read a duration above zero, as text or as a number of seconds."""
    try:
        seconds = parse_duration_s(cast("Any", value))
    except (TypeError, ValueError):
        seconds = 0.0
    if not seconds:
        raise place.wrong(value, "a duration above 0s, such as 500ms, 10s or 1m30s")
    return seconds


def duration_with_unit(expected: str) -> Reader[float]:
    """Make the reader of a duration above zero, in seconds, of which a number alone is refused."""

    def read(value: object, place: Place) -> float:
        try:
            seconds = parse_duration_s(value) if isinstance(value, str) else 0.0
        except ValueError:
            seconds = 0.0
        if not seconds:
            raise place.wrong(value, expected)
        return seconds

    return read


def one_of(choices: Collection[N]) -> Reader[N]:
    """Make the reader of one of a few names."""

    def read(value: object, place: Place) -> N:
        for choice in choices:
            if value == choice:
                return choice
        if not isinstance(value, str):
            raise place.wrong(value, f"one of: {', '.join(sorted(choices))}")
        raise unknown_name(where=str(place), what="is", name=value, names=choices)

    return read


def matching(pattern: str, expected: str) -> Reader[str]:
    """Make the reader of a text that a pattern describes in full."""
    compiled = re.compile(pattern)

    def read(value: object, place: Place) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise place.wrong(value, expected)
        return value

    return read


def list_of(read_item: Reader[T]) -> Reader[tuple[T, ...]]:
    """Make the reader of a list."""

    def read(value: object, place: Place) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise place.wrong(value, "a list")
        return tuple(read_item(item, place.item(index)) for index, item in enumerate(value))

    return read


def table_of(read_item: Reader[T], *, named: Reader[str] = text) -> Reader[Mapping[str, T]]:
    """Make the reader of a table whose keys are names, its values all of one kind."""

    def read(value: object, place: Place) -> Mapping[str, T]:
        return MappingProxyType(
            {
                named(name, place / name): read_item(item, place / name)
                for name, item in mapping(value, place).items()
            }
        )

    return read
