"""Counts the requests of a recording, one at a time: there may be millions."""

import array
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_sre.recording import Recording
from pytest_sre.recording.rows import Exchange
from pytest_sre.report.html.buckets import BANDS, Slices, band_of
from pytest_sre.report.html.values import ErrorKind, OverTime, Requests
from pytest_sre.slo.histogram import nearest_rank

PERCENTS: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0)
BAKE: Final = "bake"

_COLUMNS: Final = (
    "at",
    "source",
    "machine",
    "method",
    "url",
    "status",
    "ok",
    "own_fault",
    "error_kind",
    "error",
    "total_s",
)
# More than a fleet has; what comes on top is counted for none of them.
_MOST_MACHINES: Final = 5_000
_MOST_KINDS: Final = 1_000


@dataclass(frozen=True)
class Counts:
    """What the requests of a recording amount to; ``machines`` has requests and failures by id."""

    requests: tuple[Requests, ...]
    errors: tuple[ErrorKind, ...]
    machines: Mapping[str, tuple[int, int]]
    over_time: OverTime | None


@dataclass
class _Source:
    total: int = 0
    failed: int = 0
    own_faults: int = 0
    totals_s: "array.array[float]" = field(default_factory=lambda: array.array("d"))


@dataclass
class _Kind:
    first_at: float
    sample: str
    count: int = 0


class _Slots:
    """The bake's requests by slice of time."""

    def __init__(self, slices: Slices) -> None:
        self.slices = slices
        self.well, self.failed, self.own = ([0] * slices.count for _ in range(3))
        self.bands = [[0] * BANDS for _ in range(slices.count)]

    def add(self, at: float, total_s: float, *, ok: bool, own: bool) -> None:
        place = self.slices.place(at)
        (self.own if own else self.well if ok else self.failed)[place] += 1
        if not own:
            self.bands[place][band_of(total_s)] += 1

    @property
    def seen(self) -> OverTime:
        bands = tuple(map(tuple, self.bands))
        return OverTime(self.slices, tuple(self.well), tuple(self.failed), tuple(self.own), bands)


def count_exchanges(recording: Recording) -> Counts:
    """Count the requests of a recording by source, kind of error, Machine and time.

    Raises:
        RecordingError: it cannot be read.
    """
    extent = recording.extent(Exchange, source=BAKE)
    slots = _Slots(Slices.of(*extent)) if extent else None
    sources: dict[str, _Source] = {}
    kinds: dict[tuple[str, str, bool], _Kind] = {}
    machines: dict[str, list[int]] = {}
    for values in recording.values(Exchange, *_COLUMNS):
        at, source, machine, method, url, status, ok, own, kind, error, total = values
        total_s = math.inf if total is None else float(total)
        of_source = sources.setdefault(str(source), _Source())
        of_source.total += 1
        if own:
            of_source.own_faults += 1
        else:
            of_source.failed += not ok
            of_source.totals_s.append(total_s)
            _add_machine(machines, str(machine), failed=not ok)
        if not ok or own:
            what = str(kind) or f"status {status!s}"
            sample = f"{method!s} {url!s}: {error or what!s}"
            _add_kind(kinds, (str(source), what, bool(own)), float(at or 0), sample)
        if slots and source == BAKE and at is not None:
            slots.add(float(at), total_s, ok=bool(ok), own=bool(own))
    return Counts(
        tuple(_requests(name, sources[name]) for name in sorted(sources)),
        _kinds(kinds),
        {machine: (total, failed) for machine, (total, failed) in machines.items()},
        slots.seen if slots else None,
    )


def _add_machine(machines: dict[str, list[int]], machine: str, *, failed: bool) -> None:
    if machine not in machines and len(machines) >= _MOST_MACHINES:
        machine = ""
    counted = machines.setdefault(machine, [0, 0])
    counted[0] += 1
    counted[1] += failed


def _add_kind(
    kinds: dict[tuple[str, str, bool], _Kind],
    key: tuple[str, str, bool],
    at: float,
    sample: str,
) -> None:
    if key not in kinds and len(kinds) >= _MOST_KINDS:
        key, sample = (key[0], "other", key[2]), ""
    kind = kinds.setdefault(key, _Kind(at, sample[:400]))
    kind.count += 1
    if at < kind.first_at:
        kind.first_at, kind.sample = at, sample[:400]


def _requests(name: str, counted: _Source) -> Requests:
    ordered = sorted(counted.totals_s)
    ranks = ((percent, nearest_rank(percent, len(ordered))) for percent in PERCENTS if ordered)
    percentiles = tuple((percent, ordered[rank - 1]) for percent, rank in ranks)
    return Requests(name, counted.total, counted.failed, counted.own_faults, percentiles)


def _kinds(kinds: Mapping[tuple[str, str, bool], _Kind]) -> tuple[ErrorKind, ...]:
    found = (
        ErrorKind(source, what, kind.count, is_ours, kind.first_at, kind.sample)
        for (source, what, is_ours), kind in kinds.items()
    )
    return tuple(sorted(found, key=lambda kind: (kind.is_ours, -kind.count, kind.source)))
