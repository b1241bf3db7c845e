"""What a report shows, as values; times are Unix seconds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_sre.recording.rows import (
    CheckSeen,
    MachineSeen,
    ObjectiveSeen,
    Reason,
    Risk,
    TestRun,
)
from pytest_sre.report.html.buckets import Slices

T = TypeVar("T")


@dataclass(frozen=True)
class Some(Generic[T]):
    """The first of many, and how many more there are."""

    shown: tuple[T, ...] = ()
    left: int = 0

    @classmethod
    def of(cls, values: Sequence[T], most: int) -> "Some[T]":
        """Keep at most so many."""
        return cls(tuple(values[:most]), max(0, len(values) - most))


@dataclass(frozen=True)
class Deployed:
    """What was deployed of an app; ``version`` is 0 and the others are empty when not known."""

    app: str
    version: int = 0
    image: str = ""
    revision: str = ""


@dataclass(frozen=True)
class Suite:
    """The tests of a suite: how many came to each verdict, and some, those not healthy first."""

    name: str
    verdicts: Mapping[str, int]
    tests: Some[TestRun]


@dataclass(frozen=True)
class Machine:
    """A Machine as it was seen last, with its checks, and how requests to it went."""

    seen: MachineSeen
    checks: tuple[CheckSeen, ...] = ()
    requests: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Objective:
    """An objective that was tested: what it came to, and what was measured, if anything was."""

    name: str
    verdict: str
    said: str = ""
    seen: ObjectiveSeen | None = None


@dataclass(frozen=True)
class Requests:
    """How requests of one source went.

    ``failed`` are those that the app did not answer well. Faults of our own say nothing of the
    app: the percentiles (nearest rank, seconds) leave them out.
    """

    source: str
    total: int
    failed: int
    own_faults: int
    percentiles_s: tuple[tuple[float, float], ...] = ()

    def percentile_s(self, percent: float) -> float:
        """Give one of the percentiles; not a number when there is none."""
        return dict(self.percentiles_s).get(percent, math.nan)


@dataclass(frozen=True)
class ErrorKind:
    """Requests of a source that went wrong in the same way; ``sample`` is the first of them."""

    source: str
    kind: str
    count: int
    is_ours: bool
    first_at: float
    sample: str


@dataclass(frozen=True)
class OverTime:
    """The requests of the bake by slice of time; ``bands`` counts each slice's latencies."""

    slices: Slices
    well: tuple[int, ...]
    failed: tuple[int, ...]
    own_faults: tuple[int, ...]
    bands: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class LoadPart:
    """What was judged of a load, of one journey or one request of it; empty names stand for all.

    The counts are those of a `load.frames.Tally`; the percentiles are of latencies in seconds from
    when each was due, of those that failed, too.
    """

    journey: str
    request: str
    planned: int
    dropped: int
    started: int
    late: int
    done: int
    failed: int
    own_faults: int
    percentiles_s: tuple[tuple[float, float], ...] = ()

    def percentile_s(self, percent: float) -> float:
        """Give one of the percentiles; not a number when there is none."""
        return dict(self.percentiles_s).get(percent, math.nan)


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load: what was to be made, what became of it over time, and what of it was judged.

    Attributes:
        name: what it is called.
        test: the test that made it.
        base_url: where it went.
        workload: what was to be made, in words.
        began_at: when it began, Unix seconds.
        ended_at: when it ended.
        doubts: why it cannot show that an objective is met.
        slices: its time, in seconds from its beginning.
        planned: by slice, arrivals that were due; empty without a rate.
        started: by slice, journeys that were begun, or requests where there are no journeys.
        failed: by slice, those that failed.
        bands: by slice, how many latencies were in each band.
        whole: what was judged, of all journeys, or of all requests.
        parts: what was judged, by journey and request.
        errors: how many of what was judged went wrong, by kind, the most frequent first.
        answered: Machines with their regions, and how many answers came from each.
    """

    name: str
    test: str
    base_url: str
    workload: str
    began_at: float
    ended_at: float
    doubts: tuple[str, ...]
    slices: Slices
    planned: tuple[int, ...]
    started: tuple[int, ...]
    failed: tuple[int, ...]
    bands: tuple[tuple[int, ...], ...]
    whole: LoadPart
    parts: tuple[LoadPart, ...]
    errors: tuple[tuple[str, int], ...]
    answered: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Walked:
    """How often a journey was walked in the bake or by tests, and how often it failed."""

    journey: str
    runs: int
    failed: int
    own_faults: int


@dataclass(frozen=True)
class Counted:
    """Something that was seen several times; ``sample`` tells the first."""

    what: str
    count: int
    first_at: float
    sample: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a report shows of a run.

    Attributes:
        recording: the name of the file that it was read from.
        target: the target's name.
        verdict: the run's; empty when it was cut off before it came to one.
        version: the version of pytest-sre that made the run.
        began_at: when the run began, 0 when not known.
        ended_at: when it came to its verdict, 0 when it did not.
    """

    recording: str
    target: str
    verdict: str
    version: str
    began_at: float
    ended_at: float
    deployed: tuple[Deployed, ...] = ()
    reasons: Some[Reason] = Some()
    suites: Some[Suite] = Some()
    machines: Some[Machine] = Some()
    objectives: Some[Objective] = Some()
    bake: tuple[float, float] | None = None
    requests: tuple[Requests, ...] = ()
    over_time: OverTime | None = None
    errors: Some[ErrorKind] = Some()
    journeys: Some[Walked] = Some()
    loads: Some[Load] = Some()
    log: Some[Counted] = Some()
    flakes: Some[Counted] = Some()
    risks: Some[Risk] = Some()
    own_faults: Some[Counted] = Some()
    remarks: tuple[str, ...] = ()
