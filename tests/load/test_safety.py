"""Load only where it is allowed, only as much as is, only on the target's hosts."""

import pytest

from pytest_sre.load.frames import Frame, Tally
from pytest_sre.load.permission import RateCeiling, require_allowed, within_limits
from pytest_sre.load.plan import Closed, LoadPlan, constant
from pytest_sre.targets import Target
from pytest_sre.targets.settings import LoadLimits
from pytest_sre.verdict import Inconclusive, NotAsked

LIMITS = LoadLimits(rate_per_s=50, requests=1000)


def target(*allow, deny=(), load=LIMITS):
    return Target("prod", "fly", (), None, None, frozenset(allow), frozenset(deny), load=load)


def plan(rate=10, duration_s=10, **more):
    return LoadPlan(workload=constant(rate, duration_s), mix={"buy": 1.0}, **more)


def test_without_permission_nothing_is_asked_and_the_line_that_allows_it_is_told():
    require_allowed(target("observe", "load"))

    with pytest.raises(NotAsked) as raised:
        require_allowed(target("observe"))
    assert 'allow = ["observe", "load"]' in raised.value.reason
    assert "[targets.prod]" in raised.value.reason
    with pytest.raises(NotAsked, match="denies load"):
        require_allowed(target("observe", deny=["load"]))


def test_a_plan_within_the_limits_is_capped_by_them():
    capped = within_limits(plan(), target(), sent=300)

    assert (capped.caps.rate_per_s, capped.caps.requests) == (50, 700)


@pytest.mark.parametrize(
    ("rate", "duration_s", "sent", "told"),
    [
        (51, 5, 0, "expected at most 50 arrivals a second on prod, found a plan of 51"),
        (50, 21, 0, "expected at most 1,000 requests in a run on prod"),
        (50, 10, 501, "of which 501 are sent"),
    ],
)
def test_a_plan_beyond_the_limits_is_refused_with_the_line_that_raises_them(
    rate, duration_s, sent, told
):
    with pytest.raises(Inconclusive) as raised:
        within_limits(plan(rate, duration_s), target(), sent)

    assert told in raised.value.reason
    assert "[targets.prod.limits]" in raised.value.reason


def test_users_who_begin_more_than_the_rate_allows_are_stopped():
    users = LoadPlan(workload=Closed(users=9, duration_s=60), mix={"buy": 1.0})
    ceiling = RateCeiling(users, target())

    def tally(second, started):
        return Frame(
            elapsed_s=second, tallies=[Tally(second=second, journey="buy", started=started)]
        )

    assert ceiling(tally(1, 50)) is None
    # Frames of two processes that tell of the same second.
    assert ceiling(tally(2, 30)) is None
    assert "51 journeys in a second" in ceiling(tally(2, 21))
    assert RateCeiling(plan(), target())(tally(1, 500)) is None
