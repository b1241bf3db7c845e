"""What do the logs say of this release?"""

import pytest

from pytest_sre import FlyApp, Logs, NotAsked

pytestmark = pytest.mark.sre(severity="high", runbook="logs.md")


def test_no_errors_since_the_deploy(fly_app: FlyApp, logs: Logs) -> None:
    """No line at error level was written since the deploy."""
    assert logs.since_deploy(fly_app).errors == []


def test_no_new_error_signatures(fly_app: FlyApp, logs: Logs) -> None:
    """No error was logged that the last healthy run, or the day before the deploy, never had."""
    since = logs.since_deploy(fly_app)
    if since.baseline is None:
        raise NotAsked("there is no baseline yet: no healthy run and no log from before the deploy")
    assert since.new_error_signatures == []
