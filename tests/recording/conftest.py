import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_script() -> Iterator[Start]:
    """Starts Python scripts in processes of their own, which end with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *args: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        with process:
            process.wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run ?%23.sqlite"
