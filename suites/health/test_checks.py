"""Does every Machine say, and show, that it is well?"""

import pytest

from pytest_sre import Bake, FlyMachine, Inconclusive, NotAsked, Probe

pytestmark = pytest.mark.sre(severity="critical", runbook="health.md")


def test_checks_pass(fly_machine: FlyMachine) -> None:
    """Each health check of the Machine passes; one without a result decides nothing."""
    fly_machine.require_awake()
    expected = fly_machine.expected_checks
    if not expected:
        raise NotAsked(f"fly.toml has no check for process group {fly_machine.group}")
    checks = fly_machine.settled_checks()
    if len(checks) < expected:
        raise Inconclusive(f"{len(checks)} of {expected} checks of {fly_machine.label} have run")
    fly_machine.require_results()
    assert [check for check in checks if check.status != "passing"] == []


def test_health_endpoints_answer(fly_machine: FlyMachine, probe: Probe) -> None:
    """Each health endpoint of the Machine answers 2xx through the proxy, as users reach it."""
    fly_machine.require_awake()
    paths = fly_machine.health_paths
    if not paths:
        raise NotAsked(f"fly.toml has no public HTTP check for process group {fly_machine.group}")
    assert [seen for seen in probe.each(fly_machine, paths) if not seen.ok] == []


def test_no_restart_since_the_deploy(fly_machine: FlyMachine, bake: Bake) -> None:
    """The process has not ended by itself, not even once, with exit code 0 or in the bake."""
    assert bake.window_s > 0
    assert fly_machine.exits(fly_machine.app.since_at) == []
