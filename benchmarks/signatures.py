"""Signatures: speed and grouping against drain3, and how well new errors are told from old.

drain3 is no dependency; where it is not installed, what is compared with it is left out.
"""

import argparse
import csv
import importlib
import itertools
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report
from pytest_sre.logs.drain import Drain
from pytest_sre.logs.novelty import new_error_signatures
from pytest_sre.recording.rows import LogLine

LABELLED = Path(__file__).parents[1] / "tests" / "logs" / "labelled"
DEPLOY_LINES = 100_000
INJECTED_LINES = (3, 10, 100)

Make = Callable[[random.Random], str]
Group = Callable[[Sequence[str]], Sequence[Hashable]]
Row = tuple[str, ...]

NAMES = [f"{a}{b}" for a in ("an", "be", "ka", "lo", "mi", "sa") for b in ("na", "ri", "to", "la")]
ROUTES = ("/items", "/cart", "/checkout", "/orders", "/login")

INFO: Sequence[tuple[int, Make]] = (
    (30, lambda r: f"GET {r.choice(ROUTES)} 200 in {r.randrange(1, 900)}ms"),
    (12, lambda r: f"POST {r.choice(ROUTES)} 201 in {r.randrange(1, 900)}ms"),
    (10, lambda r: f"order {r.randrange(10**6)} paid by user {r.choice(NAMES)}"),
    (8, lambda r: f"connected to 10.0.{r.randrange(256)}.{r.randrange(256)}:5432"),
    (8, lambda r: f"cache hit for item {r.randrange(10**4)} after {r.randrange(9)} tries"),
    (6, lambda r: f"checkpoint {r.randrange(10**4)} written in {r.random() * 9:.2f}s"),
    (6, lambda _: "health check passed"),
    (5, lambda r: f"session {r.getrandbits(64):016x} opened in region {r.choice(('iad', 'ams'))}"),
    (5, lambda r: f"mail sent to {r.choice(NAMES)}@example.com about order {r.randrange(10**6)}"),
    (5, lambda r: f"stock of item {r.randrange(10**4)} is {r.randrange(500)}"),
)
ERRORS: Sequence[tuple[int, Make]] = (
    (9, lambda r: f"payment {r.randrange(10**6)} refused for order {r.randrange(10**6)}"),
    (7, lambda r: f"no answer from store within {r.randrange(1, 30)}s"),
    (6, lambda r: f"user {r.choice(NAMES)} gave a wrong password 3 times"),
    (5, lambda r: f"cannot open /data/shop/{r.randrange(99)}.sqlite: database is locked"),
    (5, lambda r: f"connect to 10.0.0.{r.randrange(256)}:5432 failed: connection refused"),
    (4, lambda r: f"trace {r.getrandbits(64):016x}: KeyError: 'tier'"),
    (4, lambda _: "queue full"),
    (3, lambda r: f"upstream answered {r.choice((500, 502, 503))} to GET {r.choice(ROUTES)}"),
)
INJECTED: Sequence[Make] = (
    lambda r: f"loyalty discount for order {r.randrange(10**6)} could not be computed",
    lambda r: f"payment {r.randrange(10**6)} declined for order {r.randrange(10**6)}",
    lambda r: f"connect to 10.0.0.{r.randrange(256)}:5432 failed: certificate expired",
    lambda r: f"migration {r.randrange(99)} is missing",
    lambda _: "queue gone",
    lambda _: "panic: oops",
)
ERROR_SHARE = 0.004


def main() -> None:
    """Measure, and print the report."""
    arguments = _arguments()
    groupers: dict[str, Group] = {"pytest-sre": _group_ours}
    if _has_drain3():
        groupers["drain3"] = _group_drain3
    else:
        print("drain3 is not installed: nothing is compared with it")
    targets: list[Target] = []
    rows: list[Row] = []
    for measure in (_speed, _accuracy, _detection):
        more_rows, more_targets = measure(groupers, arguments)
        rows += more_rows
        targets += more_targets
    libraries = ["pytest-sre", *(["drain3"] if "drain3" in groupers else [])]
    report(
        "signatures",
        titles=("measured", *groupers),
        rows=[(*row, *[""] * (1 + len(groupers) - len(row))) for row in rows],
        targets=targets,
        libraries=libraries,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run under 50 s")
    parser.add_argument(
        "--samples",
        type=Path,
        action="append",
        default=[],
        help="a folder of labelled samples: CSV files with columns Content and EventId",
    )
    return parser.parse_args()


def _has_drain3() -> bool:
    try:
        metadata.version("drain3")
    except metadata.PackageNotFoundError:
        return False
    return True


def _group_ours(messages: Sequence[str]) -> Sequence[Hashable]:
    return Drain().groups(messages)


def _group_drain3(messages: Sequence[str]) -> Sequence[Hashable]:
    drain3 = importlib.import_module("drain3")
    config = importlib.import_module("drain3.template_miner_config")
    miner = drain3.TemplateMiner(config=config.TemplateMinerConfig())
    return [miner.add_log_message(message)["cluster_id"] for message in messages]


def _speed(
    groupers: dict[str, Group], arguments: argparse.Namespace
) -> tuple[list[Row], list[Target]]:
    lines, rounds = (100_000, 3) if arguments.quick else (500_000, 5)
    rates = _rates(groupers, [[*_messages(random.Random(n), lines)] for n in range(rounds)])
    rows: list[Row] = [("lines a second", *(f"{rate:,.0f}" for rate in rates.values()))]
    if samples := [*itertools.chain.from_iterable(map(_contents, _samples(arguments)))]:
        of_samples = _rates(groupers, [samples])
        title = f"lines a second, {len(samples):,} lines of samples"
        rows.append((title, *(f"{rate:,.0f}" for rate in of_samples.values())))
    if "drain3" not in rates:
        return rows, []
    ratio = rates["pytest-sre"] / rates["drain3"]
    return rows, [Target("lines a second, of drain3's", ratio, "x", ">=", 5)]


def _rates(groupers: dict[str, Group], logs: Sequence[Sequence[str]]) -> dict[str, float]:
    """Lines a second of processor time, the best of several logs, side by side.

    Each log is grouped once: the words of one that was grouped before are known.
    """
    best = dict.fromkeys(groupers, 0.0)
    for messages in logs:
        for name, group in groupers.items():
            started = time.process_time()
            group(messages)
            best[name] = max(best[name], len(messages) / (time.process_time() - started))
    return best


def _accuracy(
    groupers: dict[str, Group], arguments: argparse.Namespace
) -> tuple[list[Row], list[Target]]:
    rows: list[Row] = []
    scores: dict[str, list[float]] = defaultdict(list)
    for path in _samples(arguments):
        labelled = _labelled(path)
        messages, labels = zip(*labelled, strict=True)
        for name, group in groupers.items():
            scores[name].append(grouping_accuracy(labels, group(messages)))
        rows.append((f"accuracy: {path.stem}", *(f"{scores[name][-1]:.3f}" for name in groupers)))
    averages = {name: sum(of) / len(of) for name, of in scores.items()}
    rows.append(("accuracy: average", *(f"{average:.3f}" for average in averages.values())))
    if "drain3" not in scores:
        return rows, []
    lead = min(a - b for a, b in zip(scores["pytest-sre"], scores["drain3"], strict=True))
    average_lead = averages["pytest-sre"] - averages["drain3"]
    return rows, [
        Target("least lead in accuracy over drain3, per set", lead, "", ">=", 0),
        Target("lead in accuracy over drain3, average", average_lead, "", ">=", 0),
    ]


def _samples(arguments: argparse.Namespace) -> list[Path]:
    return [
        path for folder in (LABELLED, *arguments.samples) for path in sorted(folder.glob("*.csv"))
    ]


def _labelled(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [(row["Content"], row["EventId"]) for row in csv.DictReader(file)]


def _contents(path: Path) -> list[str]:
    return [content for content, _ in _labelled(path)]


def grouping_accuracy(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """The share of lines whose group has exactly the lines that have its label."""
    return sum(map(len, _parts(labels) & _parts(groups))) / len(labels)


def _parts(labels: Sequence[Hashable]) -> set[tuple[int, ...]]:
    by_label: dict[Hashable, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        by_label[label].append(index)
    return set(map(tuple, by_label.values()))


def _detection(
    _groupers: dict[str, Group], arguments: argparse.Namespace
) -> tuple[list[Row], list[Target]]:
    """Healthy deploys and broken ones, each against a baseline of its own as long as itself."""
    deploys = 40 if arguments.quick else 200
    alarms = missed = 0
    for number in range(deploys):
        rng = random.Random(number)
        baseline, healthy, broken = (_deploy(rng) for _ in range(3))
        injected = INJECTED[number % len(INJECTED)]
        count = INJECTED_LINES[number // len(INJECTED) % len(INJECTED_LINES)]
        broken += [_line(injected(rng), "error") for _ in range(count)]
        rng.shuffle(broken)
        alarms += bool(new_error_signatures(baseline, healthy))
        found = new_error_signatures(baseline, broken)
        missed += [one.count for one in found] != [count]
    rows = [
        (f"false alarms in {deploys} healthy deploys", str(alarms)),
        (f"not found, or not it alone, in {deploys} broken deploys", str(missed)),
    ]
    return rows, [
        Target("healthy deploys with an alarm", alarms / deploys, "", "<=", 0.01),
        Target("injected errors found", (deploys - missed) / deploys, "", ">=", 1),
    ]


def _deploy(rng: random.Random) -> list[LogLine]:
    """The error lines of a deploy that logs `DEPLOY_LINES`: of those of info level none counts."""
    expected = DEPLOY_LINES * ERROR_SHARE
    count = round(rng.gauss(expected, expected**0.5))
    return [_line(message, "error") for message in _drawn(rng, ERRORS, count)]


def _line(message: str, level: str) -> LogLine:
    return LogLine(at=0.0, app="shop", machine="m1", region="iad", level=level, message=message)


def _messages(rng: random.Random, count: int) -> Iterator[str]:
    errors = int(count * ERROR_SHARE)
    messages = [*_drawn(rng, INFO, count - errors), *_drawn(rng, ERRORS, errors)]
    rng.shuffle(messages)
    return iter(messages)


def _drawn(rng: random.Random, kinds: Sequence[tuple[int, Make]], count: int) -> Iterator[str]:
    weights = [weight for weight, _ in kinds]
    for _, make in rng.choices(kinds, weights, k=count):
        yield make(rng)


if __name__ == "__main__":
    main()
