"""Every benchmark can be begun: what it measures is still there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contract.safety_calls import CALLS, SafetyCall
from benchmarks.contract.safety_calls_of_chaos import CHAOS_CALLS

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "benchmarks").rglob("*.py")
    if '\nif __name__ == "__main__":' in path.read_text("utf-8")
)

# All in one process, which imports what they have in common once.
ASK_FOR_HELP = """
import contextlib, io, json, os, runpy, sys

found, commands = list(sys.path), sys.argv[1:]
for command in commands:
    sys.argv = [command, "--help"]
    sys.path[:] = [os.path.dirname(command), *found]
    said = io.StringIO()
    code = "goes on"
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(command, run_name="__main__")
        except SystemExit as ended:
            code = ended.code
        except Exception as error:
            code = repr(error)
    print(json.dumps([command, code, said.getvalue()[:7]]))
"""


def test_each_says_how_it_is_used():
    assert len(COMMANDS) > 10

    asked = [sys.executable, "-P", "-c", ASK_FOR_HELP, *COMMANDS]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)

    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert said == [[command, 0, "usage: "] for command in COMMANDS], ran.stderr


@pytest.mark.parametrize("call", [*CALLS, *CHAOS_CALLS], ids=lambda call: call.name)
def test_each_safety_call_is_where_it_is_said_to_be(call: SafetyCall):
    assert (ROOT / call.file).read_text("utf-8").count(call.old) == 1
    for test in call.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists()
        assert name.partition("[")[0] in (ROOT / path).read_text("utf-8")
