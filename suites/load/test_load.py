"""Do users' journeys bear the load that the project asks for?"""

import pytest

from pytest_sre import Bake, Load, Slo

pytestmark = pytest.mark.sre(severity="high", runbook="load.md")


def test_journey_under_load(journey_name: str, bake: Bake, load: Load, slo: Slo) -> None:
    """Under the load of the ``[load]`` table, answers keep the objectives of the bake."""
    result = load.as_asked(journey_name)
    slo.availability(1 - bake.objectives.error_ratio).check(result)
    slo.latency(p=95, below=bake.objectives.latency_p95_s).check(result)
