"""Does it hold up while it is watched?"""

import pytest

from pytest_sre import Bake, NotAsked

pytestmark = pytest.mark.sre(severity="critical", runbook="bake.md")


def test_traffic_was_steady(bake: Bake) -> None:
    """Requests were made during the whole window, so that it shows what it seems to."""
    bake.check_steady()


def test_errors_stay_within_the_objective(bake: Bake) -> None:
    """The share of failed requests is shown to keep the objective, not only observed to."""
    bake.traffic.require_some()
    bake.traffic.judge_errors(bake.objectives.error_ratio).check("requests that failed")


def test_latency_stays_within_the_objective(bake: Bake) -> None:
    """At least 95 % of the answers come within the limit."""
    bake.traffic.require_some()
    judgement = bake.traffic.judge_latency(95, bake.objectives.latency_p95_s)
    judgement.check(f"requests slower than {bake.objectives.latency_p95_s:g} s")


def test_journeys_keep_working(bake: Bake) -> None:
    """What users do is not worse than the objective, however well the health endpoints answer."""
    if not bake.journey_runs:
        raise NotAsked("no journey was walked during the bake")
    bake.check_journeys()
