"""A session: 40 tests that judge one bake of 10 s end with it, whatever their number.

Run as ``python -m benchmarks.session`` or ``python benchmarks/session.py``.
"""

import statistics
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report, wants_quick
from benchmarks.running import copy_of_shop, start_verification
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import Exchange, Span, TestRun

TESTS, BAKE_S = 40, 10.0
RUNS, QUICK_RUNS = 4, 2
LIMIT = 1.15

SUITE = f"""
import pytest

@pytest.mark.parametrize("number", range({TESTS}))
def test_bake_holds(bake, number):
    bake.check_steady()
    assert bake.error_ratio <= 0.01
    assert bake.traffic.percentile_s(95) <= 1.0
"""


class Session(NamedTuple):
    """Seconds until the bake began, and from there until pytest's process had ended."""

    start_up: float
    rest: float
    requests: int


def main() -> None:
    quick = wants_quick(f"Time a session of {TESTS} tests that judge one bake.")
    sessions = [_session() for _ in range(QUICK_RUNS if quick else RUNS)]
    _tell(sessions)


def _session() -> Session:
    with copy_of_shop() as root:
        suite = root / "judging" / "test_bake.py"
        suite.parent.mkdir()
        suite.write_text(SUITE)
        started_at = time.time()
        code = start_verification(root, f"--sre-bake={BAKE_S:g}s", str(suite)).wait()
        ended_at = time.time()
        (path,) = (root / ".sre" / "runs").glob("*.sqlite")
        with Recording(path) as recording:
            passed = recording.count(TestRun, verdict="HEALTHY")
            if code != 0 or passed != TESTS:
                raise SystemExit(f"pytest ended with {code}, {passed} of {TESTS} tests passed")
            (bake,) = recording.rows(Span, name="bake")
            requests = recording.count(Exchange, source="bake")
    return Session(bake.at - started_at, ended_at - bake.at, requests)


def _tell(sessions: list[Session]) -> None:
    ratio = statistics.median(session.rest for session in sessions) / BAKE_S
    report(
        "session",
        titles=(
            f"{TESTS} tests, a bake of {BAKE_S:g} s",
            "start-up",
            "from the bake on",
            "requests",
        ),
        rows=[
            (f"run {number}", f"{s.start_up:.2f} s", f"{s.rest:.2f} s", str(s.requests))
            for number, s in enumerate(sessions, start=1)
        ],
        targets=[Target("time from the bake on over the bake", round(ratio, 3), "×", "<=", LIMIT)],
        libraries=("pytest-sre", "pytest"),
    )


if __name__ == "__main__":
    main()
