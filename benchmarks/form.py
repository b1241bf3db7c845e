"""The one form of every benchmark: a table for people and, last, one JSON line for machines."""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Target:
    """One claim, and whether it held in this run."""

    name: str
    value: float
    unit: str
    relation: Literal["<=", ">="]
    limit: float
    held: bool = field(init=False)

    def __post_init__(self) -> None:
        value, limit = self.value, self.limit
        object.__setattr__(
            self, "held", value <= limit if self.relation == "<=" else value >= limit
        )


def wants_quick(description: str) -> bool:
    """Read the command line: whether a short run is asked for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a short run")
    return bool(parser.parse_args().quick)


def report(
    benchmark: str,
    *,
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    targets: Sequence[Target],
    libraries: Sequence[str],
) -> None:
    """Print what was measured and, as the last line, the JSON form of it."""
    console = Console(width=100, highlight=False)
    console.print(_table(benchmark, titles, rows))
    console.print(_table("targets", _TARGET_TITLES, map(_target_row, targets)))
    versions = {name: metadata.version(name) for name in libraries}
    line = {
        "benchmark": benchmark,
        "machine": _machine(),
        "versions": versions,
        "targets": [asdict(target) for target in targets],
    }
    print(json.dumps(line), flush=True)


_TARGET_TITLES = ("target", "value", "limit", "held")


def _target_row(target: Target) -> tuple[str, ...]:
    return (
        target.name,
        f"{target.value:.3g} {target.unit}",
        f"{target.relation} {target.limit:g} {target.unit}",
        "yes" if target.held else "no",
    )


def _table(title: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for index, name in enumerate(titles):
        table.add_column(name, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _machine() -> dict[str, str | int | float]:
    return {
        "cores": len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count() or 0,
        "cpu": _cpu_name(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _cpu_name() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
