"""Is what the app needs there, and can the app reach it?"""

import pytest

from pytest_sre import FlyApp, FlyMachine, NotAsked, Probe

pytestmark = pytest.mark.sre(severity="critical", runbook="dependencies.md")


def test_internal_groups_are_up(fly_app: FlyApp) -> None:
    """Every process group that the public ones rely on has a Machine that runs and is well."""
    groups = [g for g in fly_app.toml.groups if not fly_app.toml.services(g)]
    if not groups:
        raise NotAsked("fly.toml has no process group without a public service")
    assert [group for group in groups if not fly_app.is_up(group)] == []


def test_machine_reaches_its_dependencies(fly_machine: FlyMachine, probe: Probe) -> None:
    """The Machine's readiness endpoint, which asks what stands behind it, says ready."""
    fly_machine.require_awake()
    paths = [path for path in fly_machine.health_paths if "ready" in path]
    if not paths:
        raise NotAsked(f"no readiness endpoint is checked on {fly_machine.group}")
    assert [seen for seen in probe.each(fly_machine, paths) if not seen.ok] == []
