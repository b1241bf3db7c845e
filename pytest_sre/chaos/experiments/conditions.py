"""What ends an experiment early, as its file states it, as questions to the target."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pytest_sre.chaos.aborting import Condition
from pytest_sre.chaos.experiments.experiment import AbortOn, JourneyFails, TooFewHealthy
from pytest_sre.chaos.fly.sight import Sight
from pytest_sre.deploys.health import is_healthy

_EVERY_S: Final = 0.5


def require_named(stated: Iterable[AbortOn], sight: Sight) -> None:
    """Pass when all that the conditions look at is there.

    Raises:
        Inconclusive: it is not; names what is.
        JourneyFileError: the file that registers journeys cannot be imported.
        FlyError: the platform does not say.
    """
    for each in stated:
        if isinstance(each, JourneyFails):
            sight.require_journeys([each.journey])
        else:
            sight.require_group(each.app, each.group)


def conditions_of(stated: Iterable[AbortOn], sight: Sight) -> Iterator[Condition]:
    """Make the conditions; one that cannot see trips, as all of them do."""
    for each in stated:
        if isinstance(each, JourneyFails):
            yield Condition(str(each), _fails(each, sight), every_s=_EVERY_S)
        else:
            yield Condition(str(each), _too_few(each, sight), every_s=_EVERY_S)


def _fails(
    stated: JourneyFails, sight: Sight, clock: Callable[[], float] = time.monotonic
) -> Callable[[], str]:
    good = clock()

    def ask() -> str:
        nonlocal good
        began = clock()
        try:
            sight.journey(stated.journey)
        except AssertionError as error:
            failed_s = clock() - good
            return f"{stated}: {error}" if failed_s >= stated.for_s else ""
        good = began
        return ""

    return ask


def _too_few(stated: TooFewHealthy, sight: Sight) -> Callable[[], str]:
    def ask() -> str:
        machines = sight.machines(stated.app, stated.group)
        healthy = sum(is_healthy(machine) for machine in machines)
        return f"{stated}: {healthy} of {len(machines)}" if healthy < stated.below else ""

    return ask
