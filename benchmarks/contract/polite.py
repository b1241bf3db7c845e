"""P13: GitHub's limits are kept, and nothing is waited for longer than the time for delivery.

Run as ``python benchmarks/contract/polite.py``.
"""

import itertools
import sys
import tempfile
import time
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from github_double import GithubDouble

from benchmarks.contract.filing import deliver_all, sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Policy

LIMIT_S = 60.0
CAUSES, QUICK_CAUSES = 100, 3
WAIT_S, QUICK_WAIT_S = 20, 1
RUNS_PER_LIMIT, QUICK_RUNS_PER_LIMIT = 2, 1


def main() -> None:
    quick = wants_quick(__doc__ or "")
    rows, targets = [], []
    causes = QUICK_CAUSES if quick else CAUSES
    gap_s, per_minute = spaced(causes)
    rows.append(("issues opened one after another", str(causes)))
    targets.append(Target("shortest time between two writes", gap_s, "s", ">=", 0.99))
    targets.append(Target("most writes in a minute", per_minute, "", "<=", 80))
    wait_s = QUICK_WAIT_S if quick else WAIT_S
    runs = QUICK_RUNS_PER_LIMIT if quick else RUNS_PER_LIMIT
    refused, early, longest_s = 0, 0, 0.0
    kinds = ("403",) if quick else ("403", "429", "primary")
    for _, kind in itertools.product(range(runs), kinds):
        met = limited(kind, wait_s, 10.0 if quick else LIMIT_S)
        refused, early, longest_s = refused + met[0], early + met[1], max(longest_s, met[2])
    rows.append(("requests refused by a limit", str(refused)))
    targets.append(Target("requests before the time that GitHub named", early, "", "<=", 0))
    allowed_s = (10.0 if quick else LIMIT_S) + 12.0
    targets.append(Target("longest delivery", longest_s, "s", "<=", allowed_s))
    lost, silent_s, kept = silent()
    rows.append(("sightings kept by a limit of an hour", str(kept)))
    targets.append(Target("sightings lost to a limit of an hour", lost, "", "<=", 0))
    targets.append(Target("time until that limit is said", silent_s, "s", "<=", 5))
    report("polite", titles=("what", "figure"), rows=rows, targets=targets, libraries=["PyGithub"])


def spaced(causes: int) -> tuple[float, int]:
    """Open many issues; the shortest time between two, and how many there were in a minute."""
    with GithubDouble() as double, tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder))
        outbox.put(sighting(1, [*range(causes)]))
        policy = Policy(max_per_run=causes)
        told = {"between_writes_s": 1.0, "limit_s": 600.0, "policy": policy}
        assert not deliver_all(outbox.folder, double.url, double.token, **told)
        writes = [each.at for each in double.exchanges if each.is_write]
        assert len(writes) == causes + 1  # and a label
        gaps = [later - earlier for earlier, later in itertools.pairwise(writes)]
        most = max(sum(at <= other < at + 60 for other in writes) for at in writes)
        return min(gaps), most


def limited(kind: str, wait_s: int, limit_s: float) -> tuple[int, int, float]:
    """Meet a limit while delivering; what was refused, what came too early, how long it took."""
    with GithubDouble() as double, tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder))
        outbox.put(sighting(1, [*range(5)]))
        limits = double.limits
        if kind == "primary":
            limits.window_s = float(wait_s)
            limits.exhaust()
        else:
            limits.status, limits.retry_after_s, limits.writes_per_min = int(kind), wait_s, 3
        began = time.monotonic()
        deliver_all(outbox.folder, double.url, double.token, longest_wait_s=600, limit_s=limit_s)
        return len(limits.refused), limits.violations, time.monotonic() - began


def silent() -> tuple[int, float, int]:
    """Meet a limit that is not over in time; what is lost, how long that takes, what waits."""
    with GithubDouble() as double, tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder))
        for run in range(10):
            outbox.put(sighting(run, [run]))
        double.limits.exhaust()
        began = time.monotonic()
        problem = deliver_all(outbox.folder, double.url, double.token, longest_wait_s=600)
        assert "it asks to wait" in problem, problem
        kept = len(list(outbox.waiting()))
        return 10 - kept, time.monotonic() - began, kept


if __name__ == "__main__":
    main()
