"""Log files: the shipped rules over Fly-shaped NDJSON, against ripgrep with the same patterns;
and from the bytes of a file to the errors that a baseline never had.

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

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report, wants_quick
from benchmarks.log_lines import BLOCK_BYTES, shipped_line, write_log
from pytest_sre.logs.engines import installed_engines
from pytest_sre.logs.rules import shipped_rules

ROOT = Path(__file__).resolve().parent.parent
MIB, QUICK_MIB = 1024, 64
# In a smaller file, making the engine is most of the time.
QUICK_COMPARED_MIB = 256
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


# The baseline lacks what is new, so that it is found and told.
COMPARE = """
import json, sys, time
from pytest_sre.logs.comparing import compare
from pytest_sre.logs.error_lines import ErrorLines, error_engine
from pytest_sre.logs.files import chunks_of, open_log

path, baseline, engine = sys.argv[1:]

started, cpu = time.perf_counter(), time.process_time()
engine = error_engine(engine)

def collected(path):
    found = ErrorLines(engine=engine)
    with open_log(path) as stream:
        found.begin(path)
        for chunk in chunks_of(stream):
            found.add(chunk)
    return found

found = compare(collected(baseline), collected(path))
taken_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
with open("/proc/self/status" if sys.platform == "linux" else "/dev/null") as status:
    peak_mib = sum(int(l.split()[1]) for l in status if l.startswith("VmHWM")) / 2**10
told = {"taken_s": taken_s, "cpu_s": cpu_s, "peak_mib": peak_mib, "lines": found.lines}
print(json.dumps(told | {"new": sum(one.count for one in found.new)}))
"""
NEW_ERRORS = 3


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
        mib = QUICK_MIB if quick else MIB
        scanned = measure_scan(Path(folder), mib)
        compared = measure_compare(Path(folder), max(mib, QUICK_COMPARED_MIB))
    report(
        "logs",
        titles=("scanned by", "bytes", "rate", "whole command", "peak memory"),
        rows=[*scanned.rows, *compared.rows],
        targets=[*scanned.targets, *compared.targets],
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


def measure_compare(folder: Path, mib: int) -> Measured:
    """Time the whole way from a file's bytes to its new error signatures, by each engine."""
    log, baseline = folder / "log.ndjson", folder / "baseline.ndjson"
    write_log(baseline, BLOCK_BYTES // 2**20)
    write_log(log, mib)
    with log.open("ab") as file:
        file.write(shipped_line("error", "tier 7 is missing from the price list") * NEW_ERRORS)
    rows, targets = [], []
    for engine in [name for name in installed_engines() if name != "re"]:
        told = [_compare(log, baseline, engine) for _ in range(ROUNDS)]
        if any(one["new"] != NEW_ERRORS for one in told):
            raise SystemExit(f"expected {NEW_ERRORS} new errors, found {told[0]['new']:g}")
        cpu_s = statistics.median(one["cpu_s"] for one in told)
        rate = (log.stat().st_size + baseline.stat().st_size) / 1e6 / cpu_s
        peak = max(one["peak_mib"] for one in told)
        whole_s = statistics.median(one["taken_s"] for one in told)
        size = f"{log.stat().st_size / 2**20:,.0f} MiB"
        row = (f"new errors, {engine}", size, f"{rate:,.0f} MB/s", f"{whole_s:.2f} s")
        rows.append((*row, f"{peak:,.0f} MiB"))
        if engine == installed_engines()[0]:
            targets.append(Target("file to new signatures", round(rate), "MB/s", ">=", 500))
            targets.append(Target("its peak memory", peak, "MiB", "<=", MEMORY_LIMIT_MIB))
    return Measured(rows, targets)


def _compare(log: Path, baseline: Path, engine: str) -> dict[str, float]:
    command = [sys.executable, "-c", COMPARE, str(log), str(baseline), engine]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


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
