"""Start-up: what the installed plugin adds to a pytest run that has no ``--sre-target``.

Run as ``python -m benchmarks.startup`` or ``python benchmarks/startup.py``.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.pop(0)  # this folder, whose platform.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.form import Target, report, wants_quick
from benchmarks.running import clean_environment, pytest_command

PAIRS, QUICK_PAIRS = 80, 30
IMPORTS, QUICK_IMPORTS = 20, 8
LIMIT_MS = 20.0
FORBIDDEN = ("httpx", "aiohttp", "msgspec", "sqlite3", "locust", "chaoslib")
WITHOUT = ("-p", "no:sre")

# Says at its end which of the modules a run has loaded.
CONFTEST = f"""
import json, sys

def pytest_unconfigure():
    with open("loaded.json", "w") as out:
        json.dump([name for name in {FORBIDDEN!r} if name in sys.modules], out)
"""
IMPORT = """
import time, pytest
started = time.perf_counter()
import pytest_sre.plugin
print(time.perf_counter() - started)
"""


def main() -> None:
    quick = wants_quick("Time what the plugin adds to an empty pytest run.")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _require_plugin(project)
        times = _measure(project, QUICK_PAIRS if quick else PAIRS)
        imports = [_import_ms(project) for _ in range(QUICK_IMPORTS if quick else IMPORTS)]
        loaded = _loaded(project) - _loaded(project, *WITHOUT)
    _tell(times, imports, loaded)


def _measure(project: Path, pairs: int) -> Mapping[str, Sequence[float]]:
    """Time both in turn, so that what disturbs one disturbs the other; the order alternates."""
    ways: dict[str, tuple[str, ...]] = {"with the plugin": (), "with -p no:sre": WITHOUT}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for arguments in ways.values():
        _collect(project, *arguments)
    for number in range(pairs):
        for name in sorted(ways, reverse=bool(number % 2)):
            started = time.perf_counter()
            _collect(project, *ways[name])
            times[name].append((time.perf_counter() - started) * 1000)
    return times


def _collect(project: Path, *arguments: str) -> str:
    done = _run(pytest_command("--co", "-q", *arguments), project)
    # 5: nothing was collected.
    if done.returncode != 5:
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _require_plugin(project: Path) -> None:
    if "--sre-target" not in _run(pytest_command("--help"), project).stdout:
        raise SystemExit("the plugin is not installed here; run: pip install -e .")


def _import_ms(project: Path) -> float:
    return float(_run([sys.executable, "-c", IMPORT], project).stdout) * 1000


def _run(command: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False
    )


def _loaded(project: Path, *arguments: str) -> set[str]:
    (project / "conftest.py").write_text(CONFTEST)
    _collect(project, *arguments)
    return set(json.loads((project / "loaded.json").read_text()))


def _tell(times: Mapping[str, Sequence[float]], imports: Sequence[float], loaded: set[str]) -> None:
    ours, bare = times["with the plugin"], times["with -p no:sre"]
    added = statistics.median(a - b for a, b in zip(ours, bare, strict=True))
    rows = [
        (name, f"{statistics.median(taken):.1f} ms", f"{min(taken):.1f} ms", str(len(taken)))
        for name, taken in {**times, "import of the plugin": imports}.items()
    ]
    report(
        "startup",
        titles=("pytest --co -q, empty project", "median", "best", "runs"),
        rows=rows,
        targets=[
            Target("time added to --co", round(added, 1), "ms", "<=", LIMIT_MS),
            Target("import time", round(statistics.median(imports), 1), "ms", "<=", LIMIT_MS),
            Target("heavy modules loaded", len(loaded), "modules", "<=", 0),
        ],
        libraries=("pytest", "pytest-sre"),
    )


if __name__ == "__main__":
    main()
