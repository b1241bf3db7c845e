"""Reads the loads of a recording into what a report shows, a second's row at a time."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import msgspec

from pytest_sre.load.frames import Answered, Tally
from pytest_sre.load.latencies import Buckets, merged
from pytest_sre.load.plan import Closed, LoadPlan, Open
from pytest_sre.load.recorded import tally_of
from pytest_sre.recording import Recording
from pytest_sre.recording.rows import LoadRun, LoadSecond
from pytest_sre.report.html.buckets import BANDS, Slices, band_of
from pytest_sre.report.html.exchanges import PERCENTS
from pytest_sre.report.html.values import Load, LoadPart, Some
from pytest_sre.slo.histogram import LatencyHistogram

MOST_LOADS: Final = 8
_MOST_PARTS: Final = 30
_MOST_KINDS: Final = 20
_MOST_MACHINES: Final = 30
_OTHER: Final = "others"
_COUNTS: Final = ("planned", "dropped", "started", "late", "done", "failed", "own_faults")


def read_loads(recording: Recording) -> tuple[Some[Load], tuple[str, ...]]:
    """Read the loads that came to an end, the first first; and remarks on others.

    Raises:
        RecordingError: the recording cannot be read.
    """
    runs = recording.rows(LoadRun)
    remarks = []
    read: dict[str, _Reading] = {}
    for run in runs[:MOST_LOADS]:
        try:
            plan = msgspec.json.decode(run.plan, type=LoadPlan)
            answered = msgspec.json.decode(run.answered, type=tuple[Answered, ...])
        except msgspec.MsgspecError:
            remarks.append(f"the load {run.name} is not shown: its plan cannot be read")
            continue
        read[run.load] = _Reading(run, plan, answered)
    known, unknown = {run.load for run in runs}, set[str]()
    for row in recording.each(LoadSecond):
        if row.load in read:
            read[row.load].add(row)
        elif row.load not in known:
            unknown.add(row.load)
    if unknown:
        remarks.append(f"loads that did not come to an end, and are not shown: {len(unknown)}")
    left = max(0, len(runs) - MOST_LOADS)
    return Some(tuple(each.load for each in read.values()), left), tuple(remarks)


@dataclass
class _Sum:
    """Counts of some of a load, while they are added up."""

    counts: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    def add(self, tally: Tally, latencies: Buckets) -> None:
        self.counts.update({name: getattr(tally, name) for name in _COUNTS})
        self.latencies.update(latencies)

    def part(self, journey: str, request: str) -> LoadPart:
        return LoadPart(
            journey=journey,
            request=request,
            planned=self.counts["planned"],
            dropped=self.counts["dropped"],
            started=self.counts["started"],
            late=self.counts["late"],
            done=self.counts["done"],
            failed=self.counts["failed"],
            own_faults=self.counts["own_faults"],
            percentiles_s=percentiles_of(self.latencies),
        )


class _Series:
    """What became of a load's journeys, or of its requests, by slice of time."""

    def __init__(self, slices: Slices) -> None:
        self.planned, self.started, self.failed = ([0] * slices.count for _ in range(3))
        self.bands = [[0] * BANDS for _ in range(slices.count)]

    def add(self, place: int, tally: Tally, latencies: Buckets) -> None:
        self.planned[place] += tally.planned
        self.started[place] += tally.started
        self.failed[place] += tally.failed
        bands = self.bands[place]
        for index, count in latencies.items():
            bands[_band(index)] += count


class _Reading:
    """A load, while its rows are read."""

    def __init__(self, run: LoadRun, plan: LoadPlan, answered: tuple[Answered, ...]) -> None:
        self._run, self._plan, self._answered = run, plan, answered
        last_s = math.ceil(plan.duration_s) - 1
        self._slices = Slices.of(0.0, last_s, shortest_s=1.0)
        self._runs, self._requests = _Series(self._slices), _Series(self._slices)
        self._has_runs = False
        self._whole = {True: _Sum(), False: _Sum()}
        self._parts: dict[tuple[str, str], _Sum] = {}
        self._errors = {True: Counter[str](), False: Counter[str]()}
        self._unreadable = 0

    def add(self, row: LoadSecond) -> None:
        try:
            tally = tally_of(row)
            latencies = _checked(merged((tally.intended, tally.failed_after)))
        except (ValueError, msgspec.MsgspecError):
            self._unreadable += 1
            return
        is_run = not tally.request
        self._has_runs |= is_run
        series = self._runs if is_run else self._requests
        series.add(self._slices.place(tally.second), tally, latencies)
        if self._plan.is_judged(tally.second):
            self._part(tally).add(tally, latencies)
            self._whole[is_run].add(tally, latencies)
            self._errors[is_run].update(tally.errors)

    def _part(self, tally: Tally) -> _Sum:
        key = (tally.journey, tally.request)
        if key not in self._parts and len(self._parts) >= _MOST_PARTS:
            key = (_OTHER, _OTHER if tally.request else "")
        return self._parts.setdefault(key, _Sum())

    @property
    def load(self) -> Load:
        """What was read."""
        run, series = self._run, self._runs if self._has_runs else self._requests
        return Load(
            name=run.name,
            test=run.test,
            base_url=run.base_url,
            workload=told_workload(self._plan),
            began_at=run.at,
            ended_at=run.ended_at,
            doubts=tuple(self._doubts()),
            slices=self._slices,
            planned=tuple(series.planned) if self._is_open else (),
            started=tuple(series.started),
            failed=tuple(series.failed),
            bands=tuple(map(tuple, series.bands)),
            whole=self._whole[self._has_runs].part("", ""),
            parts=tuple(part.part(*key) for key, part in sorted(self._parts.items())),
            errors=tuple(self._errors[self._has_runs].most_common(_MOST_KINDS)),
            answered=tuple(self._machines()),
        )

    @property
    def _is_open(self) -> bool:
        return isinstance(self._plan.workload, Open)

    def _doubts(self) -> Iterator[str]:
        yield from self._run.doubts.splitlines()
        if self._unreadable:
            yield f"rows that cannot be read, and are in no figure: {self._unreadable}"

    def _machines(self) -> Iterator[tuple[str, str, int]]:
        most = sorted(self._answered, key=lambda one: -one.count)[:_MOST_MACHINES]
        yield from ((one.machine, one.region, one.count) for one in most)


def percentiles_of(buckets: Mapping[int, int]) -> tuple[tuple[float, float], ...]:
    """Give the percentiles of counted latencies, in seconds; none when nothing was counted."""
    if not buckets:
        return ()
    counted = LatencyHistogram.counting(Counter(buckets))
    return tuple((percent, counted.percentile_s(percent)) for percent in PERCENTS)


def told_workload(plan: LoadPlan) -> str:
    """Say in words what load was to be made."""
    what = ", ".join(f"{name} {weight:g}" for name, weight in plan.mix.items()) or plan.locustfile
    match plan.workload:
        case Open(stages=stages, spacing=spacing):
            rates = ", ".join(
                f"{stage.duration_s:g} s at {stage.from_rate:g}"
                + (f" to {stage.final_rate:g}" if stage.final_rate != stage.from_rate else "")
                for stage in stages
            )
            how = f"arrivals a second, whether or not answers come: {rates} ({spacing})"
        case Closed(users=users, duration_s=duration_s):
            how = f"{users} users for {duration_s:g} s, who wait for answers"
    warm_up = f"; the first {plan.warm_up_s:g} s are not judged" if plan.warm_up_s else ""
    return f"{how}; {what}{warm_up}"


def _checked(latencies: Buckets) -> Buckets:
    """Give the latencies of a row.

    Raises:
        ValueError: a bucket is none, or a count is negative.
    """
    for index, count in latencies.items():
        _band(index)
        if count < 0:
            raise ValueError(f"expected a count of 0 or more, found {count}")
    return latencies


@lru_cache(maxsize=32_768)
def _band(index: int) -> int:
    """Give the band of the lowest latency of a bucket.

    Raises:
        ValueError: there is no such bucket.
    """
    [(low_s, _, _)] = LatencyHistogram.counting(Counter({index: 1})).spans()
    return band_of(low_s)
