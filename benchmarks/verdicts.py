"""Are verdicts as rarely wrong as they say, and how soon are they right?

Runs are simulated at exactly the objective and at 2 and 10 times the bad events it allows, with a
look after every event. Next to our sequence: exact bounds at a size fixed beforehand, the same
bounds looked at after every event (which nobody should do), and, as the oracle, Wald's sequential
test that knows the true ratio beforehand.

A verdict can turn to BREACHED only at a bad event, and for the n-th one only if it came early
enough. How early, is asked of the product for each n; that the events of whole runs, folded into
the product, are judged the same is checked first.

Run as ``python -m benchmarks.verdicts`` or ``python benchmarks/verdicts.py``.
"""

import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from benchmarks.form import Target, report, wants_quick
from pytest_sre.slo import binomial
from pytest_sre.slo.sequences import (
    is_ever_improbably_high,
    is_ever_improbably_low,
    watch_ratio,
)

RUNS, QUICK_RUNS = 10_000, 1_000
# Bad events a run; at the objective these are as many events as in 400 times 1 / limit.
LENGTH = 400
LIMITS = (0.001, 0.01)
ALPHAS = (0.05, 0.01)
TIMES_WORSE = (2, 10)
FIXED_POWER = 0.9
CHECKED_RUNS = 40
OBSERVATIONS = 1_000_000

Events = NDArray[np.int64]
Judge = Callable[[int, int, float, float], bool]


@dataclass(frozen=True)
class Setting:
    """An objective and the risk."""

    limit: float
    alpha: float


def main() -> None:
    quick = wants_quick("Measure how often verdicts are wrong, and how soon they are right.")
    runs, rng = QUICK_RUNS if quick else RUNS, np.random.default_rng(20)
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    slowest: dict[tuple[int, float], float] = {}
    wrong: dict[str, dict[float, list[float]]] = {}
    for limit in LIMITS:
        healthy = simulated(limit, runs, rng)
        for alpha in ALPHAS:
            setting = Setting(limit, alpha)
            refuse_disagreement(healthy, setting)
            for name, share in false_alarms(healthy, setting, rng).items():
                wrong.setdefault(name, {}).setdefault(alpha, []).append(share)
                rows.append((*titled(setting, "at it"), name, f"{share:.2%}", "-", "-"))
            for times in TIMES_WORSE:
                found, slower = detection(setting, times, runs, rng)
                rows += found
                key = (times, alpha)
                slowest[key] = max(slower, slowest.get(key, 0.0))
    for name, relation, said in (
        ("false BREACHED", "<=", "sequence, BREACHED"),
        ("false MET", "<=", "sequence, MET"),
        ("naive peeking", ">=", "naive peeking"),
    ):
        worst = max if relation == "<=" else min
        targets += [
            Target(f"{name} at {a:.0%}", worst(wrong[said][a]), "", relation, a) for a in ALPHAS
        ]
    targets += [
        Target(f"median at {times} x, risk {alpha:.0%}", round(ratio, 3), "x SPRT", "<=", 1.5)
        for (times, alpha), ratio in slowest.items()
    ]
    targets += throughput()
    report(
        "verdicts",
        titles=("objective", "risk", "true ratio", "method", "said so", "median n", "x SPRT"),
        rows=rows,
        targets=targets,
        libraries=("numpy",),
    )


def simulated(ratio: float, runs: int, rng: np.random.Generator) -> Events:
    """Give, for each run, after how many events its first, second ... bad one came."""
    return rng.geometric(ratio, size=(runs, LENGTH)).cumsum(axis=1)


def false_alarms(healthy: Events, setting: Setting, rng: np.random.Generator) -> dict[str, float]:
    """Give the share of runs, at exactly the objective, in which each method ever was wrong."""
    runs, limit = len(healthy), setting.limit
    early = latest_breaches(is_ever_improbably_high, setting)
    naive = latest_breaches(binomial.is_improbably_high, setting)
    # Before the n-th bad event all of the good ones since the last had their chance to be MET.
    kept = healthy - 1 >= earliest_met(setting)
    size = round(10 / limit)
    fixed = rng.binomial(size, limit, size=runs) >= fewest_breaching(size, setting)
    return {
        "sequence, BREACHED": share(first_hit(healthy, healthy <= early)),
        "sequence, MET": float(kept.any(axis=1).mean()),
        "naive peeking": share(first_hit(healthy, healthy <= naive)),
        f"fixed size {size:,}": float(fixed.mean()),
    }


def detection(
    setting: Setting, times: int, runs: int, rng: np.random.Generator
) -> tuple[list[tuple[str, ...]], float]:
    """Give the rows on runs that are so many times worse, and our median over the oracle's."""
    ratio = times * setting.limit
    ill = simulated(ratio, runs, rng)
    ours = first_hit(ill, ill <= latest_breaches(is_ever_improbably_high, setting))
    oracle = first_hit(ill, ill <= latest_by_sprt(setting, ratio))
    size, power = fixed_size(setting, ratio, runs, rng)
    goal = float(np.median(oracle))
    slower = float(np.median(ours)) / goal
    titles = titled(setting, f"{times} x")
    rows = [
        (*titles, "sequence", f"{share(ours):.2%}", f"{np.median(ours):,.0f}", f"{slower:.2f}"),
        (*titles, "SPRT, told the ratio", f"{share(oracle):.2%}", f"{goal:,.0f}", "1"),
        (*titles, "fixed size", f"{power:.2%}", f"{size:,}", f"{size / goal:.2f}"),
    ]
    return rows, slower


def titled(setting: Setting, ratio: str) -> tuple[str, str, str]:
    return f"{1 - setting.limit:.1%}", f"{setting.alpha:.0%}", ratio


def first_hit(events: Events, hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give for each run after how many events it was hit; infinite when it never was."""
    places = hits.argmax(axis=1)
    found = events[np.arange(len(events)), places].astype(float)
    return np.where(hits.any(axis=1), found, np.inf)


def share(found: NDArray[np.float64]) -> float:
    return float(np.isfinite(found).mean())


@cache
def latest_breaches(is_breached: Judge, setting: Setting) -> Events:
    """Give after how many events, at most, the n-th bad one turns the verdict to BREACHED."""
    latest = []
    for bad in range(1, LENGTH + 1):
        low, high = bad - 1, bad + math.ceil(LENGTH / setting.limit)
        while high - low > 1:
            middle = (low + high) // 2
            hit = is_breached(bad, middle, setting.limit, setting.alpha)
            low, high = (middle, high) if hit else (low, middle)
        latest.append(low)
    return np.array(latest)


def latest_by_sprt(setting: Setting, ratio: float) -> Events:
    """Give the same for the likelihood ratio against the one true alternative."""
    worse, better = math.log(ratio / setting.limit), math.log1p(-ratio) - math.log1p(-setting.limit)
    bad = np.arange(1, LENGTH + 1)
    latest = bad + np.floor((bad * worse + math.log(setting.alpha)) / -better)
    return np.where(bad * worse + math.log(setting.alpha) < 0, 0, latest).astype(np.int64)


def earliest_met(setting: Setting) -> Events:
    """Give after how many events, at least, it is MET with no, one, two ... bad ones."""
    earliest = []
    for bad in range(LENGTH):
        low, high = bad, bad + math.ceil(4 * LENGTH / setting.limit)
        while high - low > 1:
            middle = (low + high) // 2
            kept = is_ever_improbably_low(bad, middle, setting.limit, setting.alpha)
            low, high = (low, middle) if kept else (middle, high)
        earliest.append(high)
    return np.array(earliest)


def fewest_breaching(size: int, setting: Setting) -> int:
    """Give how many bad events of a fixed number break the objective by exact bounds."""
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        hit = binomial.is_improbably_high(middle, size, setting.limit, setting.alpha)
        low, high = (low, middle) if hit else (middle, high)
    return high


def fixed_size(
    setting: Setting, ratio: float, runs: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Find a size at which exact bounds find the ratio nine times of ten, and how often then."""
    size = math.ceil(1 / ratio)
    while True:
        bad = rng.binomial(size, ratio, size=runs)
        power = float((bad >= fewest_breaching(size, setting)).mean())
        if power >= FIXED_POWER:
            return size, power
        size = math.ceil(1.1 * size)


def refuse_disagreement(healthy: Events, setting: Setting) -> None:
    """Fold the events of some runs into the product, which must find what the table says."""
    early = latest_breaches(is_ever_improbably_high, setting)
    worse = simulated(5 * setting.limit, CHECKED_RUNS, np.random.default_rng(21))
    for events in (*healthy[:CHECKED_RUNS], *worse):
        seen, before, said = watch_ratio(setting.limit, alpha=setting.alpha), 0, math.inf
        for total in events.tolist():
            seen, before = seen.fold(good=total - before - 1).fold(bad=1), total
            if seen.breached:
                said = total
                break
        expected = first_hit(events[None, :], (events <= early)[None, :])[0]
        if said != expected:
            raise SystemExit(f"the product was sure after {said}, the table after {expected}")


def throughput() -> list[Target]:
    """Time a million events on one core: one by one, and in blocks of a hundred."""
    rng = random.Random(22)
    targets = []
    for limit in (0.001, 0.05, 0.5):
        events = [rng.random() >= limit for _ in range(OBSERVATIONS)]
        look = partial(watch_ratio(limit).fold_each, events)
        taken_s = min(timed(look) for _ in range(3))
        rate = round(OBSERVATIONS / taken_s / 1e6, 2)
        targets.append(Target(f"looks at {1 - limit:.1%}, one by one", rate, "M/s", ">=", 1.0))

    def in_blocks() -> None:
        seen = watch_ratio(0.001)
        for block in range(OBSERVATIONS // 100):
            seen = seen.fold(good=99, bad=1) if block % 10 == 0 else seen.fold(good=100)

    rate = round(OBSERVATIONS / timed(in_blocks) / 1e6, 2)
    return [*targets, Target("in blocks of 100", rate, "M/s", ">=", 1.0)]


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
