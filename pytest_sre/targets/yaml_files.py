"""YAML as plain values that know their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pytest_sre.targets.errors import ConfigError, quoted
from pytest_sre.targets.files import place_of
from pytest_sre.targets.reading import Place

_MOST_BYTES = 1_000_000
_MOST_NODES = 50_000


@dataclass(frozen=True)
class YamlPlace(Place):
    """Where a value of a YAML document stands, with its line."""

    lines: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    def __truediv__(self, name: str) -> "YamlPlace":
        return YamlPlace(self.file, super().__truediv__(name).key, self.lines)

    def item(self, index: int) -> "YamlPlace":
        """Give the place of an item of the list that stands here."""
        return YamlPlace(self.file, super().item(index).key, self.lines)

    def __str__(self) -> str:
        return f"{self._at(self.key)}: {self.key}" if self.key else self._at("")

    @property
    def section(self) -> str:
        """The place of a table is that of a value."""
        return str(self)

    def holding(self, name: str) -> str:
        """Give the place of the table here, with the line of one of its keys."""
        at = self._at((self / name).key)
        return f"{at}: {self.key}" if self.key else at

    def lacks(self, name: str) -> ConfigError:
        """Say that the table here has no such key."""
        return ConfigError(str(self), f"has no key {quoted(name)}", f"{name}: ...")

    def _at(self, key: str) -> str:
        line = self.lines.get(key)
        return f"{self.file}:{line}" if line else self.file


@dataclass(frozen=True)
class Part:
    """A value of a document, not read yet, and its place."""

    value: object
    place: Place


def part(value: object, place: Place) -> Part:
    """Leave a value for later."""
    return Part(value, place)


def read_yaml(path: Path) -> list[Part]:
    """Read the documents of a YAML file, empty ones left out.

    Raises:
        ConfigError: it cannot be read, is not YAML, or is beyond all measure.
    """
    return parts_of(read_text(path), place_of(path).file)


def read_text(path: Path) -> str:
    """Read the text of a YAML file.

    Raises:
        ConfigError: it cannot be read, or is beyond all measure.
    """
    file = place_of(path).file
    try:
        content = path.read_bytes()
        if len(content) > _MOST_BYTES:
            raise ConfigError(file, f"has {len(content):,} bytes", "at most 1 MB")
        return content.decode()
    except UnicodeDecodeError as error:
        found = f"has a byte that is not UTF-8 at position {error.start}"
        raise ConfigError(file, found, "YAML in UTF-8") from None
    except OSError as error:
        raise ConfigError(file, f"cannot be read: {error.strerror}", "a YAML file") from None


def parts_of(text: str, file: str) -> list[Part]:
    """Read the documents of a YAML text, empty ones left out.

    Args:
        text: the text.
        file: its file, as shown to people.

    Raises:
        ConfigError: it is not YAML, or is beyond all measure.
    """
    try:
        return _documents(text, file)
    except RecursionError:
        raise ConfigError(file, "is nested too deeply", "YAML") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{file}:{mark.line + 1}" if mark else file
        raise ConfigError(at, f"is not YAML: {error.problem}", "YAML") from None
    except yaml.YAMLError:
        raise ConfigError(file, "has a character that YAML does not allow", "YAML") from None


def write_yaml(documents: Sequence[Mapping[str, object]]) -> str:
    """Write documents as one YAML text, keys in their order."""
    return yaml.safe_dump_all(
        documents, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


def _documents(text: str, file: str) -> list[Part]:
    loader = yaml.SafeLoader(text)
    try:
        found = []
        while loader.check_node():
            node = loader.get_node()
            found += [_Plain(loader, file).document(node)] if node else []
        return [one for one in found if one.value is not None]
    finally:
        loader.dispose()


class _Plain:
    """Makes the plain value of one document, and notes the line of each of its keys."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._nodes = 0
        self._lines: dict[str, int] = {}
        self._root = YamlPlace(file, "", self._lines)

    def document(self, node: yaml.Node) -> Part:
        return Part(self._value(node, self._root), self._root)

    def _value(self, node: yaml.Node, place: YamlPlace) -> object:
        # Aliases make few bytes many nodes.
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ConfigError(place.file, f"has more than {_MOST_NODES:,} values", "fewer")
        self._lines.setdefault(place.key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(one, place.item(index)) for index, one in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: YamlPlace) -> dict[str, object]:
        found: dict[str, object] = {}
        for name_node, value_node in node.value:
            name = name_node.value
            line = name_node.start_mark.line + 1
            if not isinstance(name, str):
                raise ConfigError(f"{place.file}:{line}", "has a key that is no text", "a text")
            inner = place / name
            if name in found:
                where = f"{place.file}:{line}: {inner.key}"
                raise ConfigError(where, "is there twice", "each key once")
            self._lines[inner.key] = line
            found[name] = self._value(value_node, inner)
        return found

    def _scalar(self, node: yaml.Node, place: YamlPlace) -> object:
        try:
            found: object = self._loader.construct_object(node)
        except yaml.YAMLError:
            raise
        except Exception as error:  # noqa: BLE001 - what PyYAML meets in a value of a stated tag
            raise ConfigError(str(place), f"cannot be read: {error}", "a YAML scalar") from None
        return found
