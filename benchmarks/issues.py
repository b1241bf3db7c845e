"""Filing: from a run's failures to the outbox, and how often GitHub is asked.

Run as ``python -m benchmarks.issues`` or ``python benchmarks/issues.py``.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "doubles"))

import msgspec

from benchmarks.contract.filing import deliver_all, server, sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.journal import DeadRun
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Policy
from pytest_sre.judge.causes import Failure
from pytest_sre.redaction import Redactor
from pytest_sre.run.sightings import sighting_of_dead
from pytest_sre.targets import IssueSettings
from pytest_sre.verdict import Verdict

FAILURES, CAUSES = 1_000, 50
ROUNDS, QUICK_ROUNDS = 20, 5
OPEN, QUICK_OPEN = (1, 5, 50, 150), (1, 5)
SETTINGS = IssueSettings(max_per_run=CAUSES)


def main() -> None:
    quick = wants_quick(__doc__ or "")
    rounds = QUICK_ROUNDS if quick else ROUNDS
    failures = [failure(number) for number in range(FAILURES)]
    with tempfile.TemporaryDirectory() as folder:
        taken_s = [outboxed(failures, Path(folder) / str(each)) for each in range(rounds)]
    calls = {causes: calls_per_run(causes) for causes in (QUICK_OPEN if quick else OPEN)}
    rows = [("1,000 failures to the outbox", f"{statistics.median(taken_s) * 1000:.0f} ms")]
    rows += [(f"requests for {k} open causes, unchanged", str(n)) for k, n in calls.items()]
    targets = [Target("1,000 failures in 50 causes, at most", max(taken_s), "s", "<=", 1.0)]
    targets += [Target(f"requests for {k} causes", n, "", "<=", 2 + k) for k, n in calls.items()]
    report(
        "issues",
        titles=("what", "figure"),
        rows=rows,
        targets=targets,
        libraries=["PyGithub", "msgspec"],
    )


def failure(number: int) -> Failure:
    """One of twenty failures by each of fifty causes; they differ in what differs by run."""
    kind = number % CAUSES
    names = ["checkout", "basket", "search", "login", "stock"]
    message = (
        f"{names[kind % 5]} answers 50{kind % 4} instead of 200 for order {number * 7919}\n"
        f"request 01JNRQ9VVKJ7HZFMJWJB3M3{number:03d} took {number}.3 ms\n" + "x" * 500
    )
    test = f"suites/journeys/test_{kind}.py::test_journey_{kind}[web-iad-{number:06x}]"
    return Failure(test, Verdict.UNHEALTHY, message, "high")


def outboxed(failures: list[Failure], folder: Path) -> float:
    """Group them and put them into an outbox; how long that takes, in seconds."""
    clean = Redactor(["a-secret-of-this-run"])
    began = time.perf_counter()
    dead = DeadRun("run", "github:acme/shop", "prod", 1_800_000_000.0, tuple(failures), "")
    found = sighting_of_dead(dead, SETTINGS, clean)
    Outbox(folder).put(found)
    taken_s = time.perf_counter() - began
    assert len(found.findings) == CAUSES, len(found.findings)
    assert sum(len(each.tests) for each in found.findings) == CAUSES
    return taken_s


def calls_per_run(causes: int) -> int:
    """How often GitHub is asked by a run that sees the same causes as the one before."""
    with server() as double, tempfile.TemporaryDirectory() as folder:
        outbox, policy = Outbox(Path(folder)), Policy(max_per_run=causes)
        for run in range(2):
            first = len(double.exchanges)
            # Two runs of one day and one release: nothing is said in comments.
            seen = sighting(0, [*range(causes)])
            outbox.put(msgspec.structs.replace(seen, run=f"run-{run}"))
            told = deliver_all(outbox.folder, double.url, double.token, policy=policy)
            assert not told, told
        return len(double.exchanges) - first


if __name__ == "__main__":
    main()
