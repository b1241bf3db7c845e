"""Hypothesis's part of a search: draws schedules, and remembers one that breaks something.

The rules of the state machine only write the schedule down; it is played as a whole when it is
complete. So its timing is the schedule's own, not that of drawing it, and of two that are played
the same only one is played.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.explore.invariants import HOLDS, Judgement
from pytest_sre.chaos.explore.shortening import LASTS_S, WAITS_S, shorter, size
from pytest_sre.chaos.explore.steps import AT_ONCE, Begin, Heal, Inject, Schedule, Step, Wait

STEPS: Final = (1, 6)
"""How many steps are drawn: first one alone, which is often enough, then so many."""

_DRAWS: Final = 20
_MOST_DRAWS: Final = 2_000


class Broken(AssertionError):  # noqa: N818 - what is found, not an error
    """A schedule broke an invariant."""


@dataclass
class Search:
    """Plays each schedule once, and remembers what came of it.

    Attributes:
        play: plays a schedule on a fresh fleet, and judges it.
        within_s: when this is over no more are played, seconds.
        examples: so many are played at most until one breaks something.
        needs_users: a schedule in which users do nothing says nothing.
        clock: seconds.
        judgements: what came of each that was played, in that order.
        first: how many had been played when the first broke something, itself included.
    """

    play: Callable[[Schedule], Judgement]
    within_s: float
    examples: int
    needs_users: bool = False
    clock: Callable[[], float] = time.monotonic
    judgements: dict[Schedule, Judgement] = field(default_factory=dict)
    first: int = 0
    _began: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the time for it is over."""
        return self._began is not None and self.clock() - self._began > self.within_s

    def require(self, schedule: Schedule) -> None:
        """Pass when the schedule breaks nothing, or there is no time to see whether it does.

        The first one that does is shortened at once.

        Raises:
            Broken: it breaks something.
        """
        judgement = self._judged(schedule)
        if judgement.holds is not False:
            return
        if not self.first:
            self.first = len(self.judgements)
            self._shorten(schedule)
        raise Broken(f"{schedule.described}: {judgement.text}")

    def broken(self) -> list[Schedule]:
        """Give those that broke something, the shortest first."""
        found = [each for each, judged in self.judgements.items() if judged.holds is False]
        return sorted(found, key=size)

    def _shorten(self, schedule: Schedule) -> None:
        """Play shorter ones, until none breaks anything that is shorter than one that does."""
        candidates = shorter(schedule)
        while found := next((c for c in candidates if self._judged(c).holds is False), None):
            candidates = shorter(found)

    def _judged(self, schedule: Schedule) -> Judgement:
        known = self.judgements.get(schedule)
        if known:
            return known
        if self._began is None:
            self._began = self.clock()
        says_nothing = not schedule.steps or (self.needs_users and not schedule.operations)
        is_spent = not self.first and len(self.judgements) >= self.examples
        if says_nothing or is_spent or self.is_over:
            return HOLDS
        judgement = self.judgements[schedule] = self.play(schedule)
        return judgement


def machine_of(
    name: str,
    *,
    faults: Sequence[Action],
    operations: Iterable[str],
    require: Callable[[Schedule], None],
) -> type[RuleBasedStateMachine]:
    """Give the state machine whose runs are schedules.

    Args:
        name: by which Hypothesis keeps its examples.
        faults: what may strike.
        operations: what users may begin.
        require: called with each schedule that is complete; raises `Broken`.
    """
    any_fault = st.sampled_from(faults)
    any_operation = st.sampled_from(list(operations))
    any_time = st.sampled_from(LASTS_S)

    class Schedules(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self._steps: list[Step] = []
            self._around = sys.exc_info()[1]

        @rule(operation=any_operation, at_once=st.booleans())
        def begin(self, operation: str, at_once: bool) -> None:
            """A user begins an operation."""
            self._steps.append(Begin(operation, at_once))

        @rule(fault=any_fault, lasts_s=any_time)
        def inject(self, fault: Action, lasts_s: float) -> None:
            """A fault strikes."""
            self._steps.append(_inject(fault, lasts_s))

        @rule(operation=any_operation, fault=any_fault, lasts_s=any_time)
        def strike(self, operation: str, fault: Action, lasts_s: float) -> None:
            """A fault strikes while an operation is in flight."""
            self._steps += [Begin(operation), _inject(fault, lasts_s)]

        @rule(seconds=st.sampled_from(WAITS_S))
        def wait(self, seconds: float) -> None:
            """Time passes."""
            self._steps.append(Wait(seconds))

        @rule()
        def heal(self) -> None:
            """All faults end."""
            self._steps.append(Heal())

        def teardown(self) -> None:
            """Play the schedule, unless Hypothesis gave it up before it was complete."""
            if sys.exc_info()[1] is self._around:
                require(Schedule(tuple(self._steps)).tidied())

    Schedules.__name__ = Schedules.__qualname__ = name
    return Schedules


def _inject(fault: Action, lasts_s: float) -> Inject:
    if isinstance(fault, AT_ONCE):
        return Inject(fault)
    return Inject(msgspec.structs.replace(fault, lasts_s=lasts_s))


def searched(
    machine: type[RuleBasedStateMachine],
    examples: int,
    different: int,
    **more: Any,  # noqa: ANN401 - Hypothesis's own
) -> None:
    """Have schedules drawn: those of one step until all were likely drawn, then longer ones.

    Args:
        machine: draws them.
        examples: how many are played at most.
        different: how many there are of one step, about.
        more: further settings of Hypothesis, such as ``database``.

    Raises:
        Broken: one breaks something.
    """
    few, many = STEPS
    run_state_machine_as_test(
        machine, settings=_settings(min(_DRAWS * different, _MOST_DRAWS), few, **more)
    )
    # Some are drawn twice, and some say nothing: those are not played.
    run_state_machine_as_test(machine, settings=_settings(2 * examples, many, **more))


def _settings(examples: int, steps: int, **more: Any) -> settings:  # noqa: ANN401 - Hypothesis's
    """Give the settings of a search: it is slow on purpose, and ends at the first find."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        **more,
    )
