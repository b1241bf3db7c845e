"""What load is to be made: arrivals or users, of which journeys, for how long, within which caps.

Plans are values: they are sent to the processes that make the load as they are.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

Spacing = Literal["even", "poisson"]

DEFAULT_TIMEOUT_S = 30.0
DEFAULT_IN_FLIGHT = 1_000

# Ten thousand times the rounding of a sum of arrivals, and far below one arrival.
_ROUNDING = 1e-9


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of an open workload whose rate is constant or changes in a straight line.

    Attributes:
        duration_s: how long it lasts.
        from_rate: arrivals a second at its beginning.
        to_rate: arrivals a second at its end; as at its beginning when not given.
        is_judged: whether what arrives in it is judged; not so for a ramp up, for instance.
    """

    duration_s: float
    from_rate: float
    to_rate: float | None = None
    is_judged: bool = True

    def __post_init__(self) -> None:
        _require("a stage's duration", self.duration_s, above=0)
        _require("a stage's rate", self.from_rate)
        _require("a stage's rate", self.final_rate)

    @property
    def final_rate(self) -> float:
        """Arrivals a second at its end."""
        return self.from_rate if self.to_rate is None else self.to_rate

    @property
    def arrivals(self) -> float:
        """How many arrivals are expected in it: the area under the rate."""
        return self.expected_by(self.duration_s)

    def expected_by(self, at_s: float) -> float:
        """How many arrivals are expected in its first ``at_s`` seconds."""
        slope = (self.final_rate - self.from_rate) / self.duration_s
        return at_s * (self.from_rate + slope * at_s / 2)

    def time_of(self, number: float) -> float:
        """Seconds from its beginning until ``number`` arrivals are expected."""
        if number <= 0:
            return 0.0
        slope = (self.final_rate - self.from_rate) / self.duration_s
        root = math.sqrt(max(0.0, self.from_rate**2 + 2 * slope * number))
        # The form of the quadratic's root that loses no digits when the slope is small.
        return min(self.duration_s, 2 * number / (self.from_rate + root))


class Open(msgspec.Struct, frozen=True, kw_only=True, tag="open"):
    """Arrivals at a rate, whether or not earlier ones are answered.

    Attributes:
        stages: one after the other.
        spacing: ``even``, or ``poisson`` for independent arrivals as of many users.
        in_flight: at most so many at a time; an arrival beyond is dropped, and counted.
    """

    stages: tuple[Stage, ...]
    spacing: Spacing = "even"
    in_flight: int = DEFAULT_IN_FLIGHT

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("expected at least one stage of an open workload, found none")
        _require("the arrivals in flight", self.in_flight, above=0)

    @property
    def duration_s(self) -> float:
        """How long arrivals come."""
        return sum(stage.duration_s for stage in self.stages)

    @property
    def highest_rate(self) -> float:
        """The most arrivals a second that are planned."""
        return max(max(stage.from_rate, stage.final_rate) for stage in self.stages)

    def expected_by(self, at_s: float) -> float:
        """How many arrivals are expected by this time."""
        expected = began_s = 0.0
        for stage in self.stages:
            expected += stage.expected_by(min(at_s - began_s, stage.duration_s))
            began_s += stage.duration_s
            if at_s <= began_s:
                break
        return expected

    def stage_at(self, at_s: float) -> Stage:
        """Give the stage that this time is in; the last after the end."""
        ended_s = 0.0
        for stage in self.stages:
            ended_s += stage.duration_s
            if at_s < ended_s:
                return stage
        return self.stages[-1]


class Closed(msgspec.Struct, frozen=True, kw_only=True, tag="closed"):
    """Users who each begin again when they are done: the slower the answers, the less load.

    Attributes:
        users: how many.
        duration_s: how long, the ramp included.
        ramp_s: over how long they come, evenly; what happens meanwhile is not judged.
        pause_s: how long each waits before it begins again.
    """

    users: int
    duration_s: float
    ramp_s: float = 0.0
    pause_s: float = 0.0

    def __post_init__(self) -> None:
        _require("the users", self.users, above=0)
        _require("the duration", self.duration_s, above=0)
        _require("the ramp", self.ramp_s)
        _require("the pause", self.pause_s)
        if self.ramp_s >= self.duration_s:
            raise ValueError(
                f"expected a ramp shorter than the load of {self.duration_s:g} s, "
                f"found {self.ramp_s:g} s"
            )


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """What is never exceeded, whatever the plan or a locustfile says.

    Attributes:
        rate_per_s: arrivals a second that may be planned.
        requests: requests that are sent in all; load ends when they are used up.
        duration_s: how long load may be made.
    """

    rate_per_s: float = 10_000.0
    requests: int = 10_000_000
    duration_s: float = 6 * 3600.0


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A load: how it arrives, what it does, and within which limits.

    Attributes:
        workload: open or closed.
        mix: journeys and their weights; empty with a locustfile.
        locustfile: the path of a locustfile whose users make the load; needs a closed workload.
        delay_s: how long to wait before it begins.
        warm_up_s: how long what arrives at first is not judged.
        timeout_s: how long one request may take, from its send to its last byte.
        caps: what is never exceeded.
        headers: sent with each request, to mark synthetic traffic.
        seed: of Poisson arrivals and of the mix; the same seed makes the same load.
    """

    workload: Open | Closed
    mix: Mapping[str, float] = {}
    locustfile: str = ""
    delay_s: float = 0.0
    warm_up_s: float = 0.0
    timeout_s: float = DEFAULT_TIMEOUT_S
    caps: Caps = Caps()
    headers: Mapping[str, str] = {}
    seed: int = 1

    def __post_init__(self) -> None:
        _require("the delay", self.delay_s)
        _require("the warm-up", self.warm_up_s)
        _require("the request timeout", self.timeout_s, above=0)
        self._require_something_to_do()
        self._require_within_caps()
        if self.warm_up_s >= self.duration_s:
            raise ValueError(
                f"expected a warm-up shorter than the load of {self.duration_s:g} s, "
                f"found {self.warm_up_s:g} s: nothing would be judged"
            )

    @property
    def duration_s(self) -> float:
        """How long load is made, without the delay."""
        return self.workload.duration_s

    @property
    def judged_arrivals(self) -> float:
        """How many arrivals are expected in the seconds that are judged; 0 without a rate."""
        if not isinstance(self.workload, Open):
            return 0.0
        seconds = filter(self.is_judged, range(math.ceil(self.duration_s)))
        return sum(
            self.workload.expected_by(second + 1) - self.workload.expected_by(second)
            for second in seconds
        )

    def is_judged(self, second: int) -> bool:
        """Whether what was due in this second of the load is judged, not warm-up or ramp."""
        if not self.warm_up_s <= second < self.duration_s:
            return False
        match self.workload:
            case Open() as open_load:
                return open_load.stage_at(second).is_judged
            case Closed() as closed:
                return second >= closed.ramp_s

    def _require_something_to_do(self) -> None:
        if bool(self.mix) == bool(self.locustfile):
            raise ValueError("expected journeys or a locustfile as load, found both or neither")
        for name, weight in self.mix.items():
            _require(f"the weight of {name!r}", weight, above=0)
        if self.locustfile and isinstance(self.workload, Open):
            raise ValueError(
                "expected users for a locustfile, found a rate of arrivals\n"
                "its users decide themselves when they send; give users=, or load a journey"
            )

    def _require_within_caps(self) -> None:
        if self.duration_s > self.caps.duration_s:
            raise ValueError(
                f"expected a load of at most {self.caps.duration_s:g} s, "
                f"found {self.duration_s:g} s"
            )
        rate = self.workload.highest_rate if isinstance(self.workload, Open) else 0.0
        if rate > self.caps.rate_per_s:
            raise ValueError(
                f"expected at most {self.caps.rate_per_s:g} arrivals a second, found {rate:g}"
            )


class Arrival(msgspec.Struct, frozen=True):
    """One planned start of a journey, in seconds from the beginning of the load."""

    at_s: float
    journey: str


def constant(rate_per_s: float, duration_s: float, *, spacing: Spacing = "even") -> Open:
    """Give an open workload of one rate."""
    return Open(stages=(Stage(duration_s=duration_s, from_rate=rate_per_s),), spacing=spacing)


def shortened(plan: LoadPlan, duration_s: float) -> LoadPlan:
    """Give a plan as it is until then; at most as long as it was.

    Raises:
        ValueError: nothing of it is judged until then.
    """
    duration_s = min(duration_s, plan.duration_s)
    workload = plan.workload
    if isinstance(workload, Open):
        stages = tuple(_until(workload.stages, duration_s))
        return msgspec.structs.replace(
            plan, workload=msgspec.structs.replace(workload, stages=stages)
        )
    return msgspec.structs.replace(
        plan, workload=msgspec.structs.replace(workload, duration_s=duration_s)
    )


def _until(stages: Sequence[Stage], until_s: float) -> Iterator[Stage]:
    left_s = until_s
    for stage in stages:
        lasts_s = min(stage.duration_s, left_s)
        if lasts_s <= 0:
            return
        rise = (stage.final_rate - stage.from_rate) * lasts_s / stage.duration_s
        yield msgspec.structs.replace(
            stage, duration_s=lasts_s, to_rate=max(0.0, stage.from_rate + rise)
        )
        left_s -= lasts_s


def arrival_times(workload: Open, seed: int) -> Iterator[float]:
    """Yield when arrivals are due, in seconds from the beginning, in order.

    A unit-rate sequence (0, 1, 2... or a Poisson process) is put through the inverse of the
    expected number of arrivals; of a Poisson process that makes one of the planned rate.

    Source: E. Çinlar, "Introduction to Stochastic Processes" (1975), inversion of the integrated
    rate; P. Lewis and G. Shedler, Naval Research Logistics Quarterly 26 (1979), section 1.
    """
    marks = _marks(workload.spacing, seed)
    mark = next(marks)
    began_s = before = 0.0
    for stage in workload.stages:
        until = before + stage.arrivals - _ROUNDING
        while mark < until:
            yield began_s + stage.time_of(mark - before)
            mark = next(marks)
        began_s += stage.duration_s
        before += stage.arrivals


def arrivals(plan: LoadPlan, *, worker: int = 0, workers: int = 1) -> Iterator[Arrival]:
    """Yield the arrivals of one of several workers; together they make those of the plan.

    A closed workload has none.
    """
    times = arrival_times(plan.workload, plan.seed) if isinstance(plan.workload, Open) else ()
    names, weights = list(plan.mix), list(plan.mix.values())
    # A generator of its own: the times must not depend on how many journeys there are.
    choice = random.Random(f"mix {plan.seed}")  # noqa: S311 - chance, not secrecy
    for number, at_s in enumerate(times):
        name = names[0] if len(names) == 1 else choice.choices(names, weights)[0]
        if number % workers == worker:
            yield Arrival(at_s, name)


def _marks(spacing: Spacing, seed: int) -> Iterator[float]:
    return map(float, itertools.count()) if spacing == "even" else _poisson_marks(seed)


def _poisson_marks(seed: int) -> Iterator[float]:
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    mark = 0.0
    while True:
        mark += chance.expovariate(1.0)
        yield mark


def _require(what: str, value: float, *, above: float | None = None) -> None:
    if math.isfinite(value) and (value >= 0 if above is None else value > above):
        return
    least = "of at least 0" if above is None else f"above {above:g}"
    raise ValueError(f"expected {what} as a number {least}, found {value:g}")
