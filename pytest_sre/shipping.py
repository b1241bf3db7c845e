"""The files that come with the plugin: the suites and the demo shop, found and copied.

In a wheel they are inside the package; in a checkout they are at its top.
"""

import shutil
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*")


class SetupError(Exception):
    """What was to be written is in the way of something that is there."""


def suites_dir() -> Path:
    """Give the folder of the shipped suites."""
    return _shipped("suites")


def demo_dir() -> Path:
    """Give the folder of the demo shop."""
    return _shipped("examples/shop")


def shipped_suites() -> list[str]:
    """Name the shipped suites."""
    folders = sorted(suites_dir().iterdir())
    return [folder.name for folder in folders if any(folder.glob("test_*.py"))]


def copy_suites(to: Path) -> list[str]:
    """Copy the shipped suites, with their runbooks, to a folder.

    Returns:
        The names of the suites.

    Raises:
        SetupError: one of them is there already; nothing was copied.
    """
    folders = [*shipped_suites(), "runbooks"]
    for name in folders:
        if (to / name).exists():
            raise SetupError(
                f"{to / name} is there already; nothing was copied\n"
                "move it away, or copy to another folder"
            )
    for name in folders:
        shutil.copytree(suites_dir() / name, to / name, ignore=_NOT_COPIED)
    return shipped_suites()


def experiments_dir() -> Path:
    """Give the folder of the experiments with the demo shop."""
    return _shipped("examples/chaos", "chaos")


def runbooks_dir() -> Path:
    """Give the folder of their runbooks."""
    return _shipped("examples/runbooks", "docs/runbooks")


def set_up_demo(folder: Path) -> None:
    """Put the demo shop into an empty folder, with its experiments and their runbooks.

    Raises:
        SetupError: the folder is not empty; nothing was copied.
    """
    found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    if found:
        shown = ", ".join(found[:5]) + (", …" if len(found) > 5 else "")
        raise SetupError(
            f"expected an empty folder for the demo shop, found {shown}\n"
            f"in {folder}\nrun: mkdir demo && cd demo && pytest-sre demo"
        )
    shutil.copytree(demo_dir(), folder, ignore=_NOT_COPIED, dirs_exist_ok=True)
    shutil.copytree(experiments_dir(), folder / "chaos", ignore=_NOT_COPIED)
    shutil.copytree(runbooks_dir(), folder / "docs" / "runbooks", ignore=_NOT_COPIED)


def _shipped(name: str, in_checkout: str = "") -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / (in_checkout or name)
