"""What a game day consists of: the file that says so, read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pytest_sre.targets.errors import ConfigError
from pytest_sre.targets.files import existing_files, place_of, read_toml
from pytest_sre.targets.reading import (
    Place,
    duration_with_unit,
    key,
    list_of,
    mapping,
    table,
    text,
)

_PAUSE_S = 10.0
_MOST = 50
_PAUSE = duration_with_unit("a duration with its unit, such as 30s or 5m")


@dataclass(frozen=True)
class Step:
    """One experiment of a game day.

    Attributes:
        file: the experiment's.
        pause_s: how long nothing is done after it, seconds.
        told: values for its configuration, by name.
    """

    file: Path
    pause_s: float
    told: Mapping[str, str]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.file.stem


@dataclass(frozen=True)
class Plan:
    """A game day.

    Attributes:
        title: what it is called.
        target: the name of the target it is held on.
        steps: its experiments, in their order.
    """

    title: str
    target: str
    steps: tuple[Step, ...]


def _texts(value: object, place: Place) -> Mapping[str, str]:
    """Read values of a configuration, as the command line gives them."""
    found = {name: _text(each, place / name) for name, each in mapping(value, place).items()}
    return MappingProxyType(found)


def _text(value: object, place: Place) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() | int() | float():
            return str(value)
    raise place.wrong(value, "a text, a number, true or false")


@dataclass(frozen=True, kw_only=True)
class _StepKeys:
    file: str = key("file", text)
    pause_s: float | None = key("pause", _PAUSE, None)
    told: Mapping[str, str] = key("set", _texts, {})


@dataclass(frozen=True, kw_only=True)
class _PlanKeys:
    title: str = key("title", text)
    target: str = key("target", text, "local")
    pause_s: float = key("pause", _PAUSE, _PAUSE_S)
    steps: tuple[_StepKeys, ...] = key("experiment", list_of(table(_StepKeys, closed=True)))


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Args:
        path: a TOML file; the files that it names are relative to its folder.

    Raises:
        ConfigError: any mistake in it; the text says where.
    """
    place = place_of(path)
    keys = table(_PlanKeys, closed=True)(read_toml(path), place)
    listed = place / "experiment"
    if not 1 <= len(keys.steps) <= _MOST:
        found = f"has {len(keys.steps)} experiments"
        raise ConfigError(str(listed), found, f"from 1 to {_MOST}")
    files = existing_files([step.file for step in keys.steps], path.parent, listed)
    return Plan(
        title=keys.title,
        target=keys.target,
        steps=tuple(
            Step(file, keys.pause_s if step.pause_s is None else step.pause_s, step.told)
            for file, step in zip(files, keys.steps, strict=True)
        ),
    )
