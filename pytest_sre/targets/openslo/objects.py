"""The objects of OpenSLO files: of which kind and name they are, and how they refer to others."""

# ruff: noqa: RUF009 - key() declares a field, as dataclasses.field does

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar

from pytest_sre.targets.errors import ConfigError, quoted, unknown_name
from pytest_sre.targets.reading import Place, key, mapping, one_of, table, text
from pytest_sre.targets.yaml_files import Part, part

T = TypeVar("T")
Version = Literal["openslo/v1", "openslo.com/v2alpha"]
Kind = Literal[
    "SLO",
    "SLI",
    "Service",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
    "DataSource",
]
V1: Version = "openslo/v1"
V2: Version = "openslo.com/v2alpha"
KINDS: tuple[Kind, ...] = (
    "SLO",
    "SLI",
    "Service",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
    "DataSource",
)


def optional(read: Callable[[object, Place], T]) -> Callable[[object, Place], T | None]:
    """Make a reader that takes an empty value for an absent one."""

    def read_unless_empty(value: object, place: Place) -> T | None:
        return None if value is None else read(value, place)

    return read_unless_empty


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The ``metadata`` of an object."""

    name: str = key("name", text)
    display_name: str = key("displayName", text, "")
    labels: Mapping[str, object] | None = key("labels", optional(mapping), None)
    annotations: Part | None = key("annotations", optional(part), None)


read_metadata = table(Metadata, closed=True)


@dataclass(frozen=True, kw_only=True)
class Object:
    """One object; its ``spec`` is read by whoever knows its kind."""

    version: Version = key("apiVersion", one_of((V1, V2)))
    kind: Kind = key("kind", one_of(KINDS))
    metadata: Metadata = key("metadata", read_metadata)
    spec: Part = key("spec", part)


@dataclass(frozen=True)
class Objects:
    """All objects of some files, by kind and name."""

    by_name: Mapping[tuple[Kind, str], Object]

    def of_kind(self, kind: Kind) -> list[Object]:
        """Give those of a kind, in the order of the files."""
        return [one for one in self.by_name.values() if one.kind == kind]

    def named(self, kind: Kind, name: str, place: Place) -> Object:
        """Follow a reference.

        Raises:
            ConfigError: there is no such object.
        """
        found = self.by_name.get((kind, name))
        if found is None:
            names = [one.metadata.name for one in self.of_kind(kind)]
            raise unknown_name(where=str(place), what=f"names the {kind}", name=name, names=names)
        return found


def index(documents: Iterable[Part]) -> Objects:
    """Sort documents into objects; a document may be a list of them.

    Raises:
        ConfigError: one is no object, or two of a kind have one name.
    """
    found: dict[tuple[Kind, str], Object] = {}
    for one in _each(documents):
        read = table(Object, closed=True)(one.value, one.place)
        name = (read.kind, read.metadata.name)
        if name in found:
            raise ConfigError(
                where=str(one.place / "metadata" / "name"),
                found=f"is {quoted(read.metadata.name)}, as in {found[name].spec.place}",
                expected=f"a name for each {read.kind}",
            )
        found[name] = read
    return Objects(MappingProxyType(found))


def _each(documents: Iterable[Part]) -> Iterator[Part]:
    for one in documents:
        if isinstance(one.value, list):
            yield from (
                Part(value, one.place.item(number)) for number, value in enumerate(one.value)
            )
        else:
            yield one
