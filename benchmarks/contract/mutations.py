"""P22: each call that keeps filing, or chaos, safe is taken out once, and a test notices.

The package and its tests are copied; in the copy one call is taken out, and the tests named for it
are run. A call whose loss no test notices could be lost tomorrow.

Run as ``python benchmarks/contract/mutations.py``; ``OF=chaos`` takes out those alone.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.contract.safety_calls import CALLS, SafetyCall
from benchmarks.contract.safety_calls_of_chaos import CHAOS_CALLS
from benchmarks.form import Target, report, wants_quick

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 900
QUICK = 2
EVERY = {"filing": CALLS, "chaos": CHAOS_CALLS}
OF = os.environ.get("OF", "")
_COPIED = ("pytest_sre", "tests", "examples", "suites", "benchmarks", "docs", "pyproject.toml")
_UNWANTED = shutil.ignore_patterns("__pycache__", ".*", "*.pyc")
# The smallest example is not asked for.
_UNSHRUNK = """
from hypothesis import Phase, settings

phases = (Phase.explicit, Phase.generate)
settings.register_profile("unshrunk", deadline=None, phases=phases, database=None)
settings.load_profile("unshrunk")
"""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What the tests made of it; ``killer`` is the first that failed, empty when none did."""

    killer: str
    took_s: float


def main() -> None:
    asked = EVERY[OF] if OF else (*CALLS, *CHAOS_CALLS)
    calls = asked[:QUICK] if wants_quick(__doc__ or "") else asked
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_to(copy)
        tests = sorted({test for call in calls for test in call.tests})
        fails = bool(tested(copy, tests).killer)
        outcomes = [(call, mutated(copy, call)) for call in calls]
    rows = [
        (call.name, outcome.killer.rpartition("/")[2] or "SURVIVED", f"{outcome.took_s:.0f} s")
        for call, outcome in outcomes
    ]
    survived = sum(not outcome.killer for _, outcome in outcomes)
    report(
        "safety calls taken out",
        titles=("without", "noticed by", "in"),
        rows=rows,
        targets=[
            Target("tests that fail with all calls in place", int(fails), "", "<=", 0),
            Target("calls taken out", len(outcomes), "", ">=", len(calls)),
            Target("of these, not noticed", survived, "", "<=", 0),
        ],
        libraries=["pytest", "hypothesis"],
    )


def copy_to(copy: Path) -> None:
    """Copy the project, as far as its tests need it."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=_UNWANTED)
        else:
            shutil.copy2(source, copy / name)
    with (copy / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(_UNSHRUNK)


def mutated(copy: Path, call: SafetyCall) -> Outcome:
    """Run the tests named for a call without it."""
    with taken_out(copy, call):
        outcome = tested(copy, call.tests)
    print(f"{call.name}: {outcome.killer or 'SURVIVED'}", file=sys.stderr, flush=True)
    return outcome


@contextmanager
def taken_out(copy: Path, call: SafetyCall) -> Iterator[None]:
    """Take a call out of the copy, for a while."""
    path = copy / call.file
    whole = path.read_text("utf-8")
    assert whole.count(call.old) == 1, f"{call.name}: not once in {call.file}: {call.old!r}"
    path.write_text(whole.replace(call.old, call.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(whole, encoding="utf-8")


def tested(copy: Path, tests: list[str] | tuple[str, ...]) -> Outcome:
    """Run tests in the copy, up to the first that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "-p", "no:cacheprovider"]
    environment = os.environ | {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome("the tests do not end", LONGEST_S)
    took_s = time.monotonic() - began
    # Code 1: a test failed. Others tell of the tests, not of what they test.
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    found = _FAILED.search(done.stdout)
    return Outcome(found[1] if found else "", took_s)


if __name__ == "__main__":
    main()
