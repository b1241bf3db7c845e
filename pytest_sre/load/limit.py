"""Searches the highest rate that an objective bears, by steady steps. Pure.

What is found is an interval: the highest rate at which the objective was shown to be met, and the
lowest at which it was shown to be broken. Between them a step decided nothing, or none was made.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_sre.load.result import OWN_FAULT_RATIO, LoadResult
from pytest_sre.slo.judging import judge_objective
from pytest_sre.slo.proportion import judge_ratio, samples_to_settle
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive, ObjectiveVerdict

Outcome = Literal["held", "latency", "errors", "generator", "undecided"]
"""What a step came to: the objective held, what broke it, or why it shows nothing."""

MOST_STEPS = 24
LONGEST_STEP_S = 120.0

_SPARE_BAD = 1
# The lower the rate, the longer a step takes.
_LOWEST_SHARE = 1 / 8


@dataclass(frozen=True)
class Step:
    """One steady load of a search.

    Attributes:
        rate_per_s: arrivals a second.
        outcome: what it came to.
        detail: how that was seen.
    """

    rate_per_s: float
    outcome: Outcome
    detail: str

    def __str__(self) -> str:
        return f"{self.rate_per_s:g}/s {self.outcome}: {self.detail}"


@dataclass(frozen=True)
class Limit:
    """The highest rate that an objective bears, as far as the steps tell.

    Attributes:
        held_per_s: the highest rate at which it was met; 0 when there was none.
        broken_per_s: the lowest rate at which it was broken; infinite when it never was.
        gave_way: what broke it there, ``latency`` or ``errors``; empty when it never was.
        steps: all steps, in the order they were made.
    """

    held_per_s: float
    broken_per_s: float
    gave_way: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        if math.isinf(self.broken_per_s):
            return f"holds up to {self.held_per_s:g}/s at least; nothing gave way up to there"
        return (
            f"holds up to {self.held_per_s:g}/s, is broken at {self.broken_per_s:g}/s: "
            f"{self.gave_way} gave way first"
        )

    def check(self, at_least: float) -> None:
        """Pass when the rate is borne.

        Args:
            at_least: arrivals a second.

        Raises:
            AssertionError: it is not: the objective was broken at this rate or a lower one.
            Inconclusive: the steps do not tell.
        """
        if self.held_per_s >= at_least:
            return
        told = f"expected at least {at_least:g}/s, found that it {self}"
        if self.broken_per_s <= at_least:
            raise AssertionError(f"{told}\n{self._step(self.broken_per_s)}")
        raise Inconclusive(f"{told}\nno step tells of the rates between; use a finer precision=")

    def _step(self, rate_per_s: float) -> Step:
        return next(step for step in self.steps if step.rate_per_s == rate_per_s)


def search_limit(
    try_rate: Callable[[float], Step], *, first: float, ceiling: float, precision: float
) -> Limit:
    """Search by doubling (or halving) until one rate holds and one does not, then by halving.

    Args:
        try_rate: makes a step.
        first: the first rate, arrivals a second.
        ceiling: the highest that may be made.
        precision: ends once the broken rate exceeds the held one by this share at most.

    Raises:
        Inconclusive: the generator gave way before the app did.
        ValueError: a number is out of range.
    """
    if not 0 < first <= ceiling:
        raise ValueError(f"expected a first rate above 0 and up to {ceiling:g}, found {first:g}")
    if not 0.01 <= precision <= 1:
        raise ValueError(f"expected a precision from 0.01 to 1, found {precision:g}")
    steps: list[Step] = []
    held, broken, gave_way, rate = 0.0, math.inf, "", first
    while len(steps) < MOST_STEPS:
        step = try_rate(rate)
        steps.append(step)
        match step.outcome:
            case "generator":
                raise _generator(step, held)
            case "held":
                held = rate
            case "latency" | "errors":
                broken, gave_way = rate, step.outcome
            case "undecided" if held or broken < math.inf:
                break
        next_rate = _next(rate, held, broken, ceiling)
        is_fine = broken <= held * (1 + precision)
        if is_fine or next_rate == rate or next_rate < first * _LOWEST_SHARE:
            break
        rate = next_rate
    if not held and math.isinf(broken):
        raise Inconclusive(f"no step of the search decided anything: {steps[-1]}")
    return Limit(held, broken, gave_way, tuple(steps))


def step_s(objective: Objective, rate_per_s: float, least_s: float) -> float:
    """Say how long a step has to be for a verdict, one bad event allowed for.

    Raises:
        Inconclusive: that would take too long.
    """
    needed_s = samples_to_settle(objective.allowed_ratio, _SPARE_BAD) / rate_per_s
    if needed_s > LONGEST_STEP_S:
        raise Inconclusive(
            f"{objective.name}: at {rate_per_s:g}/s a verdict takes {needed_s:.0f} s, more than "
            f"the {LONGEST_STEP_S:g} s of a step\n"
            "begin at a higher rate (first=), or search for an objective that asks for less"
        )
    return math.ceil(max(least_s, needed_s))


def lowest_rate(objective: Objective, lasts_s: float) -> float:
    """Give the lowest rate at which a step of this length is long enough for a verdict."""
    return samples_to_settle(objective.allowed_ratio, _SPARE_BAD) / lasts_s


def step_of(rate_per_s: float, result: LoadResult, objective: Objective) -> Step:
    """Say what a load of one rate came to; who gave way, the generator is asked first."""
    runs = result.runs()
    if result.troubles or result.is_late or runs.own_faults > OWN_FAULT_RATIO * runs.done:
        return Step(rate_per_s, "generator", "; ".join(result.doubts[:2]))
    try:
        judgement = judge_objective(objective, result.measure(objective))
    except Inconclusive as error:
        return Step(rate_per_s, "undecided", error.reason.partition("\n")[0])
    if judgement.verdict is ObjectiveVerdict.MET:
        return Step(rate_per_s, "held", str(judgement))
    if judgement.verdict is ObjectiveVerdict.INCONCLUSIVE:
        return Step(rate_per_s, "undecided", str(judgement))
    requests = result.requests()
    failing = judge_ratio(requests.failed, requests.judged, objective.allowed_ratio)
    is_failing = failing.verdict is ObjectiveVerdict.BREACHED
    is_slow = objective.kind == "latency" and not is_failing
    return Step(rate_per_s, "latency" if is_slow else "errors", str(judgement))


def _next(rate: float, held: float, broken: float, ceiling: float) -> float:
    if math.isinf(broken):
        return min(2 * rate, ceiling)
    return math.sqrt(held * broken) if held else rate / 2


def _generator(step: Step, held: float) -> Inconclusive:
    up_to = f"the objective held up to {held:g}/s" if held else "no rate was shown to hold"
    return Inconclusive(
        f"the load generator gave way before the app did: {step.detail}\n"
        f"{up_to}; give it more processes=, or a machine of its own",
        cause="load generator",
    )
