"""What the benchmarks of a whole run share: pytest in a process of its own, the demo shop."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"


def pytest_command(*arguments: str) -> list[str]:
    """Give the command that runs pytest with our plugin and none of the others installed here.

    They take time of their own: hypothesis, for one, is imported at the end of each run.
    """
    others = {point.name for point in metadata.entry_points(group="pytest11")} - {"sre"}
    blocked = [word for name in sorted(others) for word in ("-p", f"no:{name}")]
    return [sys.executable, "-m", "pytest", *blocked, *arguments]


def clean_environment() -> dict[str, str]:
    """Give an environment in which Python keeps compiled modules, as it does for a user."""
    unwanted = ("PYTEST_", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}


@contextmanager
def copy_of_shop() -> Iterator[Path]:
    """Make a copy of the shop, and remove it in the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        shutil.copytree(SHOP, root, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        yield root


def start_verification(root: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start ``pytest --sre-target=local`` in a folder; what it prints is dropped."""
    return subprocess.Popen(
        pytest_command("--sre-target=local", "-q", *arguments),
        cwd=root,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
