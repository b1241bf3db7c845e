"""The promises of chaos, sampled: commands that measure one hold it in a short run, too.

The others are sampled where they are tested: signals and recovery in ``core``, the stop button in
``rules``, time limits in ``inside``.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMANDS = [
    "undone.py",
    "in_flight.py",
    "journals.py",
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
