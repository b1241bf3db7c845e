"""The search for the shortest way to break an app: the demo shop's planted bug, and the good shop.

Run as ``python -m benchmarks.explore`` or ``python benchmarks/explore.py``. All of it takes hours:
``--results FILE`` keeps what is done, one line of JSON each, and goes on from there.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report
from benchmarks.running import SHOP
from pytest_sre.chaos import explore

PLANTED, GOOD = "lost-update", "good"
SEEDS, QUICK_SEEDS = 20, 1
EXAMPLES, A_CHUNK, QUICK_EXAMPLES = 2_000, 100, 5
REPLAYS, QUICK_REPLAYS = 10, 2
MOST_EXAMPLES, MOST_S, MOST_STEPS = 200, 180.0, 3
BEGINNINGS, QUICK_BEGINNINGS = 50, 10
FAULTS = (
    explore.suspend("store"),
    explore.kill("store"),
    explore.kill("web"),
    explore.partition("web", "group:shop/store"),
    explore.slow("store", 0.3),
)


@dataclass(frozen=True)
class Search:
    """One search, as it is kept.

    Attributes:
        release: what was searched.
        seed: by which.
        found: what breaks, in one line; empty when nothing was found.
        steps: of the shortest schedule.
        examples: how many schedules had been played when the first broke something, or in all.
        took_s: how long it took, without the replays.
        failed_again: how many of ``replays`` broke something.
        replays: how often the shortest was played again.
    """

    release: str
    seed: int
    found: str
    steps: int
    examples: int
    took_s: float
    failed_again: int
    replays: int


def searched(release: str, seed: int, *, examples: int, within_s: float, replays: int) -> Search:
    """Search a release of the shop."""
    with tempfile.TemporaryDirectory() as folder:
        schedule = explore.FaultSchedule(
            SHOP,
            faults=FAULTS,
            operations=["checkout"],
            invariants=[explore.acknowledged_writes()],
            release=release,
            examples=examples,
            within=within_s,
            replays=replays,
            save_to=Path(folder),
        )
        result = schedule.search(seed=seed)
    found = result.found
    return Search(
        release,
        seed,
        found.line if found else "",
        len(found.schedule.steps) if found else 0,
        result.examples,
        result.took_s,
        sum(found.replays) if found else 0,
        len(found.replays) if found else 0,
    )


def beginnings_s(times: int) -> list[float]:
    """How long the shop takes to begin anew, so many times; seconds."""
    from pytest_sre.chaos.explore.fleets import Fleet
    from pytest_sre.targets.load import load_settings

    with Fleet.deployed(load_settings(SHOP, "local"), release=GOOD, seed=0) as fleet:
        took_s = []
        for _ in range(times):
            began = time.perf_counter()
            fleet.begin_anew()
            took_s.append(time.perf_counter() - began)
        return took_s


class Results:
    """What is done already, and what comes to it.

    Args:
        path: where it is kept; None to forget it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
        self.done = [Search(**json.loads(line)) for line in lines]

    def add(self, one: Search) -> None:
        """Keep one more."""
        self.done.append(one)
        print(f"{one.release} {one.seed}: {one.found or 'nothing found'} ({one.took_s:.0f} s)")
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(one))}\n")

    def of(self, release: str) -> list[Search]:
        """Those of one release."""
        return [one for one in self.done if one.release == release]

    def played(self, release: str) -> int:
        """How many schedules were played on a release."""
        return sum(one.examples for one in self.of(release))

    def missing(self, release: str, seeds: Sequence[int]) -> Iterator[int]:
        """The seeds by which a release was not searched yet."""
        known = {one.seed for one in self.of(release)}
        return (seed for seed in seeds if seed not in known)


@contextmanager
def until_told() -> Iterator[None]:
    """End in order at Ctrl-C, and report what is done."""
    try:
        yield
    except KeyboardInterrupt:
        print("ended by hand: what is done is reported")


def measure(results: Results, seeds: Sequence[int], examples: int, replays: int) -> None:
    """Search all that was not searched yet."""
    for seed in results.missing(PLANTED, seeds):
        results.add(
            searched(PLANTED, seed, examples=MOST_EXAMPLES, within_s=MOST_S, replays=replays)
        )
    for seed in results.missing(GOOD, range(1, examples + 1)):
        if (missing := examples - results.played(GOOD)) <= 0:
            break
        # Some of what it draws it has drawn before, and does not play again.
        a_chunk = min(A_CHUNK, missing)
        results.add(searched(GOOD, seed, examples=a_chunk, within_s=3600.0, replays=replays))


def targets(results: Results, examples: int, took_s: Sequence[float]) -> list[Target]:
    """Say what was claimed, and whether it held."""
    planted, good = results.of(PLANTED), results.of(GOOD)
    missed = sum(not one.found or one.examples > MOST_EXAMPLES for one in planted)
    again = [one.failed_again / one.replays for one in planted if one.replays]
    broken = sum(bool(one.found) for one in good)
    return [
        Target(f"planted bug not found, of {len(planted)} seeds", missed, "seeds", "<=", 0),
        Target("longest search", max(one.took_s for one in planted), "s", "<=", MOST_S),
        Target("longest schedule", max(one.steps for one in planted), "steps", "<=", MOST_STEPS),
        Target("fails again, at least", min(again, default=0.0), "", ">=", 0.9),
        Target("played of the good release", results.played(GOOD), "", ">=", examples),
        Target("found in these", broken, "", "<=", 0),
        Target("a beginning, median", statistics.median(took_s), "s", "<=", 0.5),
    ]


def main() -> None:
    """Search, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run")
    parser.add_argument("--results", type=Path, help="keep what is done here, and go on from there")
    parser.add_argument("--seeds", default="", help="FIRST-LAST of the planted bug; 1-20")
    parser.add_argument("--examples", type=int, help="of the good release; 2000")
    given = parser.parse_args()
    first, _, last = (given.seeds or f"1-{QUICK_SEEDS if given.quick else SEEDS}").partition("-")
    examples = QUICK_EXAMPLES if given.quick else EXAMPLES
    examples = examples if given.examples is None else given.examples
    results = Results(given.results)
    with until_told():
        measure(
            results,
            range(int(first), int(last or first) + 1),
            examples,
            QUICK_REPLAYS if given.quick else REPLAYS,
        )
    took_s = beginnings_s(QUICK_BEGINNINGS if given.quick else BEGINNINGS)
    report(
        "explore",
        titles=("release", "seed", "what breaks", "schedules", "took", "fails again"),
        rows=[
            (
                one.release,
                str(one.seed),
                one.found or "nothing",
                str(one.examples),
                f"{one.took_s:.0f} s",
                f"{one.failed_again} of {one.replays}",
            )
            for one in results.done
        ],
        targets=targets(results, examples, took_s),
        libraries=("hypothesis",),
    )


if __name__ == "__main__":
    main()
