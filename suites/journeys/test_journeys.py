"""Can users do what they came for?"""

import pytest

from pytest_sre import Journeys

pytestmark = pytest.mark.sre(severity="critical", runbook="journeys.md")


def test_journey(journey_name: str, journey: Journeys) -> None:
    """The user flow works from its first request to its last."""
    journey.run(journey_name)
