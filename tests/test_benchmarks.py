"""Every benchmark can be begun: what it measures is still there."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "benchmarks").rglob("*.py")
    if '\nif __name__ == "__main__":' in path.read_text("utf-8")
)


def test_there_are_some():
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_how_it_is_used(command):
    asked = [sys.executable, command, "--help"]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("usage: ")
