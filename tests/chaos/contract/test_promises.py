"""The promises of chaos, sampled: each command that measures one holds it in a short run, too."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMANDS = [
    "undone.py",
    "all_dead.py",
    "in_flight.py",
    "proven.py",
    "journals.py",
    "stopped.py",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_promise_is_held(command):
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "contract" / command), "--quick"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["targets"]
    assert [each for each in told["targets"] if not each["held"]] == [], done.stdout + done.stderr
