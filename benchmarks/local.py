"""The local platform: from the command to the first Machine healthy, and to all five.

Run as ``python -m benchmarks.local`` or ``python benchmarks/local.py``.
"""

import compileall
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest_sre
from benchmarks.form import Target, report, wants_quick
from benchmarks.running import copy_of_shop, start_verification
from pytest_sre.deploys.health import is_healthy
from pytest_sre.fly.models import Machine
from pytest_sre.local import LocalPlatform, LocalPlatformError

MACHINES = 5
RUNS, QUICK_RUNS = 9, 4
LIMIT_S = 2.5
WITHIN_S = 30.0
_POLL_S = 0.02


class Start(NamedTuple):
    """Seconds from the command to each step of a start."""

    server: float
    first: float
    all_five: float


def main() -> None:
    quick = wants_quick("Time the start of the local platform with the demo shop on it.")
    # As pip leaves it; without bytecode, compiling would be timed, too.
    compileall.compile_dir(Path(pytest_sre.__file__).parent, quiet=1)
    starts = [_start() for _ in range(QUICK_RUNS if quick else RUNS)]
    _tell(starts)


def _start() -> Start:
    with copy_of_shop() as root:
        started = time.perf_counter()
        with start_verification(root, "--sre-bake=1s", "-k", "test_fleet_is_as_stated") as run:
            return _watch(run, root / ".sre" / "local", started)


def _watch(run: "subprocess.Popen[bytes]", states: Path, started: float) -> Start:
    platform: LocalPlatform | None = None
    server = first = 0.0
    while time.perf_counter() - started < WITHIN_S and run.poll() is None:
        time.sleep(_POLL_S)
        if platform is None:
            platform = _find(states)
            server = time.perf_counter() - started
            continue
        machines = _machines(platform)
        passed_s = time.perf_counter() - started
        # One without checks counts as healthy from its start, which would tell nothing.
        if not first and any(machine.checks and is_healthy(machine) for machine in machines):
            first = passed_s
        if sum(map(is_healthy, machines)) == MACHINES:
            platform.close()
            return Start(server, first, passed_s)
    run.terminate()
    raise SystemExit(f"the {MACHINES} Machines did not become healthy")


def _find(states: Path) -> LocalPlatform | None:
    found: Iterable[LocalPlatform | None] = map(LocalPlatform.attach, states.glob("run-*"))
    return next(filter(None, found), None)


def _machines(platform: LocalPlatform) -> list[Machine]:
    try:
        return platform.machines("shop")
    except LocalPlatformError:
        return []


def _tell(starts: list[Start]) -> None:
    steps = {
        "server ready": [start.server for start in starts],
        "first Machine healthy": [start.first for start in starts],
        f"all {MACHINES} healthy": [start.all_five for start in starts],
    }
    medians = {name: statistics.median(taken) for name, taken in steps.items()}
    report(
        "local",
        titles=("from the command to", "median", "best", "worst", "runs"),
        rows=[
            (
                name,
                *(f"{s:.2f} s" for s in (medians[name], min(taken), max(taken))),
                str(len(taken)),
            )
            for name, taken in steps.items()
        ],
        targets=[
            Target(name, round(medians[name], 3), "s", "<=", LIMIT_S) for name in list(steps)[1:]
        ],
        libraries=("pytest-sre", "pytest", "uvicorn", "starlette", "aiohttp"),
    )


if __name__ == "__main__":
    main()
