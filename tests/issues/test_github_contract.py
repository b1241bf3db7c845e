"""The promises of filing, sampled: each command that measures one holds it in a short run, too."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "contract/delivered_once.py",
    "contract/races.py",
    "contract/polite.py",
    "contract/clear.py",
    "contract/own_only.py",
    "contract/bounded.py",
    "contract/mutations.py",
    "issues.py",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_promise_is_held(command):
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / command), "--quick"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["targets"]
    assert [each for each in told["targets"] if not each["held"]] == [], done.stdout
