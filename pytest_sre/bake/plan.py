"""How much a bake asks: enough requests to judge the error objective, spread over the window."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_sre.slo import samples_to_settle

# Failures that the planned sample can hold and still show that the objective is kept.
SPARE_FAILURES = 1
MAX_RATE_PER_S = 50.0
# Journeys write (carts, orders), so a real target sees few of them; practice can have more.
JOURNEYS_PER_S = {"fly": 0.2, "local": 5.0}


@dataclass(frozen=True)
class Endpoint:
    """What is asked of one Machine.

    ``is_check`` is false where fly.toml has no check that could say what a good answer is: then
    every answer is one that is not a server error.
    """

    app: str
    machine: str
    region: str
    url: str
    is_check: bool = True


@dataclass(frozen=True)
class BakePlan:
    """What a bake does: for how long, how often, and what it asks."""

    window_s: float
    endpoints: tuple[Endpoint, ...]
    journeys: tuple[str, ...]
    requests_per_s: float
    journeys_per_s: float

    def endpoint_turns(self) -> Iterator[Endpoint]:
        """Give the endpoints in turn, for ever; nothing when there are none."""
        return itertools.cycle(self.endpoints)

    def journey_turns(self) -> Iterator[str]:
        """Give the journeys in turn, for ever; nothing when there are none."""
        return itertools.cycle(self.journeys)


def plan_bake(
    window_s: float,
    endpoints: Sequence[Endpoint],
    journeys: Sequence[str],
    *,
    error_ratio: float,
    platform: str,
) -> BakePlan:
    """Plan a bake.

    Args:
        window_s: how long it observes.
        endpoints: the health endpoints of the Machines.
        journeys: names of the journeys to walk.
        error_ratio: the objective that the sample has to be able to judge.
        platform: ``fly`` or ``local``; decides how often journeys are walked.

    Returns:
        A plan whose rate never exceeds ``MAX_RATE_PER_S``, even if the window is too short for
        the sample that the objective needs.
    """
    wanted = samples_to_settle(error_ratio, SPARE_FAILURES) / window_s
    return BakePlan(
        window_s=window_s,
        endpoints=tuple(endpoints),
        journeys=tuple(journeys),
        requests_per_s=min(MAX_RATE_PER_S, wanted) if endpoints else 0.0,
        journeys_per_s=JOURNEYS_PER_S[platform] if journeys else 0.0,
    )
