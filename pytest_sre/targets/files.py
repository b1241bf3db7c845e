"""Reading a TOML file from disk."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from pytest_sre.targets.errors import ConfigError, did_you_mean, quoted
from pytest_sre.targets.reading import Place


def place_of(path: Path) -> Place:
    """Name a file as people do: from the working directory where it is below it."""
    try:
        return Place(str(path.relative_to(Path.cwd())))
    except (OSError, ValueError):
        return Place(str(path))


def read_toml(path: Path) -> dict[str, object]:
    """Read a TOML file.

    Raises:
        ConfigError: it is not there, cannot be read, or is not TOML; the text has the line.
    """
    where = str(place_of(path))
    try:
        return tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        found = f"has a byte that is not UTF-8 at position {error.start}"
        raise ConfigError(where=where, found=found, expected="a TOML file in UTF-8") from None
    except OSError as error:
        found = f"cannot be read: {error.strerror}"
        raise ConfigError(where, found, "a TOML file", _nearest_file(path)) from None
    except ValueError as error:
        raise ConfigError(where=where, found=f"is not TOML: {error}", expected="TOML") from None
    except RecursionError:
        raise ConfigError(where=where, found="is nested too deeply", expected="TOML") from None


def existing_files(names: Sequence[str], folder: Path, place: Place) -> tuple[Path, ...]:
    """Find the files that a list names, relative to a folder.

    Args:
        names: as written.
        folder: where they are looked for.
        place: of the list.

    Raises:
        ConfigError: one is not there.
    """
    paths = tuple(folder / name for name in names)
    for index, path in enumerate(paths):
        if not is_file(path):
            raise ConfigError(
                where=str(place.item(index)),
                found=f"names {quoted(names[index])}, which is not a file",
                expected=f"a path relative to {place_of(folder)}",
                hint=_nearest_file(path),
            )
    return paths


def matching_files(patterns: Sequence[str], folder: Path, place: Place) -> tuple[Path, ...]:
    """Find the files that a list of patterns such as ``slo/*.yaml`` matches, each once.

    Args:
        patterns: as written.
        folder: where they are looked for.
        place: of the list.

    Raises:
        ConfigError: one matches nothing, which would silently leave out all that it stands for.
    """
    found: dict[Path, None] = {}
    for index, pattern in enumerate(patterns):
        try:
            paths = sorted(path for path in folder.glob(pattern) if is_file(path))
        except (OSError, ValueError, NotImplementedError):
            paths = []
        if not paths:
            raise ConfigError(
                where=str(place.item(index)),
                found=f"is {quoted(pattern)}, which matches no file",
                expected=f'a pattern relative to {place_of(folder)}, such as "slo/*.yaml"',
                hint=_nearest_file(folder / pattern),
            )
        found |= dict.fromkeys(paths)
    return tuple(found)


def _nearest_file(path: Path) -> str:
    try:
        return did_you_mean(path.name, [file.name for file in path.parent.glob(f"*{path.suffix}")])
    except (OSError, ValueError):
        return ""


def is_file(path: Path) -> bool:
    """Tell whether a file is there; one that cannot be looked at is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
