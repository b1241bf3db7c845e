"""Which files a run collects: without a path, and which experiments whatever it is given."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_sre.targets.errors import unknown_name

if TYPE_CHECKING:
    from pytest_sre.targets import Settings

EXPERIMENTS: Final = frozenset({".yaml", ".yml", ".json"})
"""How the names of the files of experiments end; they are tests, too."""

_TESTS = ("test_*.py", *(f"*{suffix}" for suffix in EXPERIMENTS))


def chosen_suites(stated: Iterable[str], settings: "Settings") -> list[str]:
    """Name the shipped suites of a run: those stated, and that of load where load is asked for."""
    asked = ["load"] if settings.load.rate_per_s is not None else []
    return [*dict.fromkeys([*stated, *asked])]


def suite_paths(root: Path, shipped: Path, chosen: Iterable[str]) -> list[Path]:
    """List the suites of a run: the user's own, and the shipped ones that were chosen.

    A folder in the user's ``suites/`` replaces the shipped suite of the same name, so that
    copying a suite to edit it does not run it twice.

    Args:
        root: the user's project.
        shipped: the folder of the shipped suites.
        chosen: names of shipped suites.

    Raises:
        ConfigError: there is no shipped suite of a name.
    """
    own = root / "suites"
    names = {path.name for path in shipped.iterdir() if any(path.glob("test_*.py"))}
    for name in chosen:
        if name not in names:
            where = "pytest's configuration: sre_suites"
            raise unknown_name(where=where, what="has an unknown suite", name=name, names=names)
    paths = [shipped / name for name in chosen if not (own / name).is_dir()]
    return [*paths, *(folder for folder in (own, root / "chaos") if _has_tests(folder))]


def experiment_files(config: pytest.Config) -> Iterator[Path]:
    """Find the experiments that a run will collect: those it names, and those in ``chaos/``."""
    chaos = config.rootpath / "chaos"
    for argument in config.args:
        named = config.invocation_params.dir / argument.partition("::")[0]
        # As pytest takes it: links are not followed.
        path = Path(os.path.abspath(named))  # noqa: PTH100
        if path.is_file():
            yield from _experiments(path, config)
        elif chaos.is_relative_to(path):
            yield from _experiments(chaos, config)
        elif path.is_relative_to(chaos):
            yield from _experiments(path, config)


def suite_of(path: Path) -> str:
    """Name the suite that a test file belongs to: its folder, or itself at the top of one."""
    folder = path.parent.name
    return path.stem.removeprefix("test_") if folder in {"suites", "tests", ""} else folder


def _experiments(path: Path, config: pytest.Config) -> Iterator[Path]:
    if path.is_file() and path.suffix in EXPERIMENTS:
        yield path
    for each in sorted(path.iterdir()) if path.is_dir() else ():
        if not config.hook.pytest_ignore_collect(collection_path=each, config=config):
            yield from _experiments(each, config)


def _has_tests(folder: Path) -> bool:
    return folder.is_dir() and any(found for each in _TESTS for found in folder.rglob(each))
