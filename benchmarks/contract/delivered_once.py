"""P11: what was found is delivered at least once and seen once, whatever goes wrong meanwhile.

Sightings of 40 causes wait in an outbox. Processes deliver them to a GitHub that fails 30 % of the
requests in 14 ways, and are killed (-9) at random moments.

Run as ``python benchmarks/contract/delivered_once.py``.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import get_args

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from github_double import Fault, GithubDouble
from github_double.faults import Kind

from benchmarks.contract.filing import POLICY, deliver_all, fingerprint, processes, server, sighting
from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.body import remembered
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Issue

CAUSES = 40
EVENTS, QUICK_EVENTS = 2_000, 50
KILLS, QUICK_KILLS = 200, 4
SHARE = 0.3
SEED = 11


def main() -> None:
    quick = wants_quick(__doc__ or "")
    events, kills = (QUICK_EVENTS, QUICK_KILLS) if quick else (EVENTS, KILLS)
    chance, began = random.Random(SEED), time.monotonic()
    with server(SEED) as double, tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder) / "outbox")
        wanted = Counter[int]()
        for run in range(events):
            cause = run % CAUSES if run < CAUSES else chance.randrange(CAUSES)
            wanted[cause] += 1
            outbox.put(sighting(run, [cause]))
        kinds = get_args(Kind)
        double.faults = [
            Fault(kind, share=SHARE / len(kinds), times=10**9, wait_s=0.05) for kind in kinds
        ]
        killed = deliver_under_fire(double, outbox, kills, chance)
        faults = sum(bool(each.fault) for each in double.exchanges)
        told(double, wanted, events, killed, faults, time.monotonic() - began)


def deliver_under_fire(
    double: GithubDouble, outbox: Outbox, kills: int, chance: random.Random
) -> int:
    """Deliver until nothing waits; the processes that were killed."""
    context, killed = processes(), 0
    while any(outbox.waiting()):
        asked = len(double.exchanges)
        process = context.Process(
            target=deliver_all, args=(outbox.folder, double.url, double.token)
        )
        process.start()
        if killed < kills:
            while process.is_alive() and len(double.exchanges) == asked:
                time.sleep(0.001)
            # As many events as there are left are spread over the kills that are left.
            left = len(list(outbox.folder.glob("*.json")))
            until = len(double.exchanges) + chance.uniform(0, 8 * left / (kills - killed + 1))
            while process.is_alive() and len(double.exchanges) < until:
                time.sleep(0.001)
            killed += process.is_alive()
            process.kill()
        process.join(120)
    return killed


def told(
    double: GithubDouble,
    wanted: Counter[int],
    events: int,
    killed: int,
    faults: int,
    taken_s: float,
) -> None:
    issues = double.repository.issues.values()
    counted = Counter[str]()
    for each in issues:
        shown = Issue(each.number, each.title, each.body or "", frozenset(each.labels))
        memory = remembered(shown)
        if memory is not None and each.state == "open":
            counted[memory.fingerprint] += memory.count
    expected = Counter({fingerprint(cause): n for cause, n in wanted.items()})
    said = [c.body.partition("\n")[0] for each in issues for c in each.comments]
    doubled_comments = len(said) - len(set(said))
    open_twice = len(double.repository.open_issues) - len(counted)
    report(
        "delivered at least once, seen once",
        titles=("what", "figure"),
        rows=[
            ("sightings", str(events)),
            ("requests", str(len(double.exchanges))),
            ("of them failed on purpose", str(faults)),
            ("deliverers killed", str(killed)),
            ("issues for 40 causes", str(len(issues))),
            ("comments", str(len(said))),
            ("most issues opened per run", str(POLICY.max_per_run)),
            ("taken", f"{taken_s:.0f} s"),
        ],
        targets=[
            Target("sightings lost", (expected - counted).total(), "", "<=", 0),
            Target("sightings counted twice", (counted - expected).total(), "", "<=", 0),
            Target("issues doubled", len(issues) - len(expected), "", "<=", 0),
            Target("comments doubled", doubled_comments, "", "<=", 0),
            Target("causes with two open issues", open_twice, "", "<=", 0),
        ],
        libraries=["PyGithub", "aiohttp"],
    )


if __name__ == "__main__":
    main()
