"""How many events of an objective a bake can observe, said before there is one."""

from typing import Final

from pytest_sre.bake.plan import Endpoint, plan_bake
from pytest_sre.targets.objectives import Objective, Observed
from pytest_sre.targets.settings import BakeSettings, PlatformName

# How many requests a journey makes is known only once it is walked; few make more.
_REQUESTS_A_JOURNEY: Final = 20
_ANY: Final = Endpoint("", "", "", "")


def most_events(objective: Objective, bake: BakeSettings, platform: PlatformName) -> float | None:
    """Bound the number of events that one bake observes, from above.

    Args:
        objective: it.
        bake: how long the target is watched, and the error ratio that decides how often.
        platform: of the target.

    Returns:
        The most there can be; None when the objective's events are not those of a bake.
    """
    if not isinstance(objective.source, Observed):
        return None
    plan = plan_bake(bake.window_s, (_ANY,), ("",), error_ratio=bake.error_ratio, platform=platform)
    walks = plan.journeys_per_s * bake.window_s
    if objective.kind == "correctness":
        return walks
    of_journeys = walks * _REQUESTS_A_JOURNEY
    if objective.source.journey is not None:
        return of_journeys
    return of_journeys + plan.requests_per_s * bake.window_s
