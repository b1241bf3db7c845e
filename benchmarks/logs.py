"""Log scanning: the shipped rules over Fly-shaped NDJSON, against ripgrep with the same patterns.

Run as ``python -m benchmarks.logs`` or ``python benchmarks/logs.py``.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report, wants_quick
from benchmarks.log_lines import write_log
from pytest_sre.logs.engines import installed_engines
from pytest_sre.logs.rules import shipped_rules

ROOT = Path(__file__).resolve().parent.parent
MIB, QUICK_MIB = 1024, 64
ROUNDS = 5
# The slow engines need not read all of it for their rate to be known.
FALLBACK_MIB = 64
MEMORY_LIMIT_MIB = 200.0

# A process of its own: its peak memory is that of the scan alone.
SCAN = """
import json, resource, sys, time
from pytest_sre.logs.engines import engine_of
from pytest_sre.logs.files import chunks_of, open_log
from pytest_sre.logs.rules import usable_rules
from pytest_sre.logs.scan import Scan

path, engine = sys.argv[1:]
rules = usable_rules()
scan = Scan(rules, engine_of(rules, engine))
started = time.perf_counter()
with open_log(path) as stream:
    scan.begin(path)
    for chunk in chunks_of(stream):
        scan.add(chunk)
found = scan.report()
taken_s = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak_mib = peak / (2**20 if sys.platform == "darwin" else 2**10)
# What a child on Linux inherits in ru_maxrss is the peak of its parent.
if sys.platform == "linux":
    with open("/proc/self/status") as status:
        peak_mib = next(int(l.split()[1]) for l in status if l.startswith("VmHWM")) / 2**10
print(json.dumps({"taken_s": taken_s, "peak_mib": peak_mib, "matched": found.matched}))
"""


@dataclass(frozen=True)
class Run:
    """One run of one scanner."""

    taken_s: float
    matched: int
    whole_s: float
    peak_mib: float = 0.0


@dataclass(frozen=True)
class Measured:
    """What a part of this benchmark adds to its report."""

    rows: list[tuple[str, ...]]
    targets: list[Target]


def main() -> None:
    quick = wants_quick("Scan logs with the shipped rules, against ripgrep.")
    with tempfile.TemporaryDirectory(prefix="sre-logs-") as folder:
        scanned = measure_scan(Path(folder), QUICK_MIB if quick else MIB)
    report(
        "logs",
        titles=("scanned by", "bytes", "rate", "whole command", "peak memory"),
        rows=scanned.rows,
        targets=scanned.targets,
        libraries=("msgspec", *_engine_libraries()),
    )


def measure_scan(folder: Path, mib: int) -> Measured:
    """Time each scanner in turn, round after round, so that what disturbs one disturbs all."""
    log, patterns = folder / "log.ndjson", folder / "patterns"
    write_log(log, mib)
    patterns.write_text("".join(f"(?-u){rule.expression}\n" for rule in shipped_rules()))
    fastest, *others = installed_engines()
    runs: dict[str, list[Run]] = {}
    for _ in range(ROUNDS):
        runs.setdefault(fastest, []).append(_ours(log, fastest))
        if shutil.which("rg"):
            runs.setdefault("ripgrep", []).append(_ripgrep(log, patterns))
    small = folder / "small.ndjson"
    write_log(small, min(mib, FALLBACK_MIB))
    slow = {name: [_ours(small, name)] for name in others}
    _refuse_disagreement([*runs.values()], log)
    _refuse_disagreement([*slow.values(), [_ours(small, fastest)]], small)
    rows = [_row(name, log, each) for name, each in runs.items()]
    rows += [_row(name, small, each) for name, each in slow.items()]
    peak = max(run.peak_mib for run in runs[fastest])
    targets = [Target("peak memory", round(peak, 1), "MiB", "<=", MEMORY_LIMIT_MIB)]
    if "ripgrep" in runs:
        times = _median_s(runs["ripgrep"]) / _median_s(runs[fastest])
        targets.insert(0, Target("throughput over ripgrep's", round(times, 2), "×", ">=", 2.0))
    return Measured(rows, targets)


def _refuse_disagreement(runs: list[list[Run]], log: Path) -> None:
    counts = {run.matched for each in runs for run in each}
    if len(counts) > 1:
        raise SystemExit(f"the scanners disagree on how many lines match in {log.name}: {counts}")


def _ours(log: Path, engine: str) -> Run:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", SCAN, str(log), engine],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return Run(whole_s=time.perf_counter() - started, **json.loads(done.stdout))


def _ripgrep(log: Path, patterns: Path) -> Run:
    started = time.perf_counter()
    command = ["rg", "--no-config", "-j1", "-c", "-f", str(patterns), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken_s = time.perf_counter() - started
    return Run(taken_s, int(done.stdout), taken_s)


def _median_s(runs: list[Run]) -> float:
    return statistics.median(run.taken_s for run in runs)


def _row(name: str, log: Path, runs: list[Run]) -> tuple[str, ...]:
    size, peak = log.stat().st_size, max(run.peak_mib for run in runs)
    return (
        name,
        f"{size / 2**20:,.0f} MiB",
        f"{size / 1e6 / _median_s(runs):,.0f} MB/s",
        f"{statistics.median(run.whole_s for run in runs):.2f} s",
        f"{peak:,.0f} MiB" if peak else "-",
    )


def _engine_libraries() -> tuple[str, ...]:
    names = {"hyperscan": "hyperscan", "re2": "google-re2"}
    return tuple(names[name] for name in installed_engines() if name in names)


if __name__ == "__main__":
    main()
