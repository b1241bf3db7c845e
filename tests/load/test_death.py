"""Load ends with the process that ordered it, however that ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.patience import until

JOURNEYS = Path(__file__).parent / "journeys.py"
WITHIN_S = 60
PARENT = """
import sys
from pathlib import Path
from pytest_sre.load.driving import drive
from pytest_sre.load.plan import LoadPlan, constant

url, journeys, journey = sys.argv[1:]
plan = LoadPlan(workload=constant(5, 600), mix={journey: 1.0})
seen = []

def watch(frame):
    seen.append(frame)
    if any(tally.done for tally in frame.tallies):
        print("frame", flush=True)

try:
    drive(plan, url, journey_files=[Path(journeys)], watch=watch)
except KeyboardInterrupt:
    done = sum(tally.done for frame in seen for tally in frame.tallies)
    print("interrupted", done > 0, "gevent" in sys.modules, "locust" in sys.modules)
"""


@pytest.fixture
def parent(app):
    """Start a process that orders a long load, in a group of its own."""
    started = []

    def start(journey: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, app.url, str(JOURNEYS), journey],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def child_of(process: subprocess.Popen[str]) -> psutil.Process:
    (child,) = until(lambda: psutil.Process(process.pid).children())
    return child


@pytest.mark.parametrize("journey", ["well", "busy"])
def test_a_load_ends_when_its_parent_is_killed_even_one_that_computes(app, parent, journey):
    before = app.asked["/items"] + app.asked["/items/17"]
    ordering = parent(journey)
    child = child_of(ordering)
    until(lambda: app.asked["/items"] + app.asked["/items/17"] > before)

    ordering.kill()

    child_has_ended = lambda: not child.is_running()  # noqa: E731
    assert until(child_has_ended)


def test_ctrl_c_in_the_terminal_ends_the_load_without_a_traceback(parent):
    ordering = parent("well")
    child = child_of(ordering)
    assert ordering.stdout
    assert ordering.stdout.readline() == "frame\n"

    os.killpg(ordering.pid, signal.SIGINT)
    out, err = ordering.communicate(timeout=WITHIN_S)

    assert out.splitlines()[-1] == "interrupted True False False"
    assert err == ""
    assert not child.is_running()
