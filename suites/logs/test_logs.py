"""What do the logs say of this release?"""

import pytest

from pytest_sre import FlyApp, Logs

pytestmark = pytest.mark.sre(severity="high", runbook="logs.md")


def test_no_errors_since_the_deploy(fly_app: FlyApp, logs: Logs) -> None:
    """No line at error level was written since the deploy."""
    assert logs.since_deploy(fly_app).errors == []
