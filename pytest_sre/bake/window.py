"""What a test reads of the bake, from the recording."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_sre.recording.rows import Exchange, JourneyRun
from pytest_sre.slo import Judgement, judge_ratio
from pytest_sre.slo.measuring import Measured
from pytest_sre.slo.measuring.events import measure_rows
from pytest_sre.targets import BakeSettings
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

# A gap in the traffic longer than this, and than this share of the window, means it stopped.
_GAP_S = 2.0
_GAP_SHARE = 0.2


@dataclass(frozen=True)
class Traffic:
    """Exchanges of one kind, seen during the bake."""

    exchanges: tuple[Exchange, ...]
    started_at: float
    ended_at: float

    @cached_property
    def judged(self) -> tuple[Exchange, ...]:
        """Those that say something about the app; faults of our own are left out."""
        return tuple(exchange for exchange in self.exchanges if not exchange.own_fault)

    @property
    def failed(self) -> tuple[Exchange, ...]:
        """Those the app did not answer well."""
        return tuple(exchange for exchange in self.judged if not exchange.ok)

    @property
    def own_faults(self) -> int:
        """How many were lost to faults of our own."""
        return len(self.exchanges) - len(self.judged)

    @property
    def error_ratio(self) -> float:
        """Failed over judged.

        Raises:
            Inconclusive: nothing was asked.
        """
        self.require_some()
        return len(self.failed) / len(self.judged)

    def percentile_s(self, percent: float) -> float:
        """Give the time within which this share of the answers came (nearest rank), in seconds.

        Raises:
            Inconclusive: nothing was asked.
        """
        self.require_some()
        ordered = sorted(exchange.total_s for exchange in self.judged)
        return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]

    def judge_errors(self, limit: float) -> Judgement:
        """Judge the share of requests that failed against a limit (a ratio)."""
        return judge_ratio(len(self.failed), len(self.judged), limit)

    def judge_latency(self, percent: float, below_s: float) -> Judgement:
        """Judge whether this percentile of the answers comes within ``below_s`` seconds."""
        slow = sum(exchange.total_s > below_s for exchange in self.judged)
        return judge_ratio(slow, len(self.judged), 1 - percent / 100)

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective; raises as ``measure_rows`` does."""
        return measure_rows(objective, self.exchanges, (), self.started_at, self.ended_at)

    def check_not_worse(self, *, error_ratio: float, latency_p95_s: float) -> None:
        """Pass unless this traffic is shown to break an objective; few samples break none.

        Raises:
            AssertionError: it breaks one.
            Inconclusive: there is no traffic.
        """
        self.require_some()
        errors = self.judge_errors(error_ratio)
        assert errors.verdict is not ObjectiveVerdict.BREACHED, f"requests that failed: {errors}"
        slow = self.judge_latency(95, latency_p95_s)
        what = f"requests slower than {latency_p95_s:g} s"
        assert slow.verdict is not ObjectiveVerdict.BREACHED, f"{what}: {slow}"

    @property
    def longest_gap_s(self) -> float:
        """The longest time in which the app was not asked, from the window's start to its end."""
        times = [self.started_at, *(exchange.at for exchange in self.judged), self.ended_at]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def require_some(self) -> None:
        """Pass when the app was asked anything.

        Raises:
            Inconclusive: it was not.
        """
        if self.judged:
            return
        if self.own_faults:
            lost = f"all {self.own_faults} requests of the bake failed on our side"
            raise Inconclusive(lost, cause="own network")
        raise Inconclusive("no request was made during the bake: there was nothing to ask")


@dataclass(frozen=True)
class Bake:
    """What was observed during the bake window.

    ``endpoints`` are the requests to the health endpoints of each Machine, ``journeys`` those
    that the journeys made, ``traffic`` both; ``objectives`` are the target's.
    """

    objectives: BakeSettings
    started_at: float
    ended_at: float
    traffic: Traffic
    endpoints: Traffic
    journeys: Traffic
    journey_runs: tuple[JourneyRun, ...]

    @classmethod
    def of(
        cls,
        objectives: BakeSettings,
        started_at: float,
        ended_at: float,
        exchanges: Sequence[Exchange],
        journey_runs: Sequence[JourneyRun],
    ) -> "Bake":
        """Sort what was recorded between two times."""

        def traffic(kept: Sequence[Exchange]) -> Traffic:
            return Traffic(tuple(kept), started_at, ended_at)

        return cls(
            objectives,
            started_at,
            ended_at,
            traffic(exchanges),
            traffic([exchange for exchange in exchanges if not exchange.journey]),
            traffic([exchange for exchange in exchanges if exchange.journey]),
            tuple(journey_runs),
        )

    @property
    def window_s(self) -> float:
        """How long was observed."""
        return self.ended_at - self.started_at

    @property
    def error_ratio(self) -> float:
        """The share of all requests that failed."""
        return self.traffic.error_ratio

    def measure(self, objective: Objective) -> Measured:
        """Count the events of an objective; raises as ``measure_rows`` does."""
        return measure_rows(
            objective, self.traffic.exchanges, self.journey_runs, self.started_at, self.ended_at
        )

    def check_steady(self) -> None:
        """Pass when traffic flowed during the whole window.

        Raises:
            Inconclusive: there was none, or it stopped for a while, so that the window does
                not show what it seems to.
        """
        self.traffic.require_some()
        gap_s = self.traffic.longest_gap_s
        if gap_s > max(_GAP_S, _GAP_SHARE * self.window_s):
            raise Inconclusive(
                f"for {gap_s:.1f} of {self.window_s:.1f} s of the bake no request was made"
            )

    def check_journeys(self) -> None:
        """Pass unless the journeys are shown to break an objective; few samples break none.

        A journey that fails by an assertion counts, whatever the status of its answers.

        Raises:
            AssertionError: they break one.
            Inconclusive: no journey got to ask anything.
        """
        limits = self.objectives
        self.journeys.check_not_worse(
            error_ratio=limits.error_ratio, latency_p95_s=limits.latency_p95_s
        )
        walked = [run for run in self.journey_runs if not run.own_fault]
        failed = [run for run in walked if not run.ok]
        judgement = judge_ratio(len(failed), len(walked), limits.error_ratio)
        assert judgement.verdict is not ObjectiveVerdict.BREACHED, (
            f"journeys that failed: {judgement}; {failed[-1].journey}: {failed[-1].error}"
        )

    def __repr__(self) -> str:
        seen = self.traffic
        return (
            f"<bake of {self.window_s:.0f} s: {len(seen.exchanges)} requests, "
            f"{len(seen.failed)} failed>"
        )
