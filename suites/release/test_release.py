"""Is what runs what was deployed?"""

import pytest

from pytest_sre import FlyApp, FlyMachine, NotAsked, Probe

pytestmark = pytest.mark.sre(severity="critical", runbook="release.md")


def test_deploy_is_complete(fly_app: FlyApp) -> None:
    """The platform says that the newest release was deployed to its end."""
    release = fly_app.release
    release.require_ended()
    unwell = ", ".join(fly_app.unwell()) or "none"
    assert release.is_complete, f"the deploy ended as {release.status}; Machines unwell: {unwell}"


def test_every_machine_runs_the_image(fly_app: FlyApp) -> None:
    """No Machine has fallen back to another image, and none was left out."""
    fly_app.release.require_ended()
    assert fly_app.release.images == {fly_app.release.image}


def test_machines_run_the_same_build(fly_app: FlyApp) -> None:
    """A tag that was pushed again has not left two builds under one name."""
    fly_app.release.require_ended()
    digests = fly_app.release.digests
    if not digests:
        raise NotAsked("the platform does not say which digests the Machines run")
    assert digests == set(list(digests)[:1])


def test_every_machine_has_the_release(fly_app: FlyApp) -> None:
    """Every Machine was configured by this very release, not only with the same image."""
    fly_app.release.require_ended()
    assert fly_app.release.versions == {f"v{fly_app.release.version}"}


def test_app_reports_the_revision(fly_machine: FlyMachine, probe: Probe) -> None:
    """The running code says of itself that it is the build that was deployed."""
    fly_machine.require_awake()
    expected = fly_machine.app.release.revision
    reported = probe.revision(fly_machine)
    if not expected:
        raise NotAsked("the image carries no label org.opencontainers.image.revision")
    assert reported == expected


def test_machine_is_started(fly_machine: FlyMachine) -> None:
    """The Machine runs, or the platform put it to sleep as it was told to."""
    fly_machine.require_awake()
    assert fly_machine.now.host_status == "ok", f"the host of {fly_machine.label} is not reachable"
    assert fly_machine.state == "started"
    assert not fly_machine.now.cordoned, f"{fly_machine.label} is cordoned: no traffic reaches it"


def test_fleet_is_as_stated(fly_app: FlyApp) -> None:
    """As many Machines in each region as the target states, or at least one a process group."""
    assert fly_app.missing_machines() == []
