"""A platform that holds its callers to Fly's rate limits has no call to refuse."""

import pytest

IMPATIENT = """
import time

def test_that_looks_often(fly_app):
    machine = fly_app.machines[0]
    until = time.monotonic() + 1
    while time.monotonic() < until:
        assert machine.state == "started"
        fly_app.watch._fly.events(fly_app.name, machine.id)
        time.sleep(0.05)
"""


@pytest.fixture
def limited(live):
    """The live shop, whose platform refuses what is too much; at the end, nothing was."""
    live.platform.limit_rates(enabled=True)
    yield live
    refused = live.platform.limits().refused
    live.platform.limit_rates(enabled=False)
    assert refused == 0


def test_a_whole_run_keeps_to_the_rate_limits(limited):
    outcome = limited.drill()
    assert outcome.verdict == "HEALTHY", outcome.text


def test_an_impatient_suite_does_not_break_the_rate_limits(limited):
    outcome = limited.drill(limited.add("drills/test_impatient.py", IMPATIENT))
    assert "1 passed" in outcome.text, outcome.text
