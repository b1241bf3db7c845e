"""Which files a run without a path collects."""

from collections.abc import Iterable
from pathlib import Path

from pytest_sre.targets import Settings
from pytest_sre.targets.errors import unknown_name

# Experiments are tests, too.
_TESTS = ("test_*.py", "*.yaml", "*.yml", "*.json")


def chosen_suites(stated: Iterable[str], settings: Settings) -> list[str]:
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


def suite_of(path: Path) -> str:
    """Name the suite that a test file belongs to: its folder, or itself at the top of one."""
    folder = path.parent.name
    return path.stem.removeprefix("test_") if folder in {"suites", "tests", ""} else folder


def _has_tests(folder: Path) -> bool:
    return folder.is_dir() and any(found for each in _TESTS for found in folder.rglob(each))
