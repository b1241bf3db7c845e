"""A release is compared with the last run that came out healthy."""

import pytest

from pytest_sre.recording import Recording

SUITE = """
from pytest_sre import NotAsked

def test_says_nothing_new(fly_app, logs):
    since = logs.since_deploy(fly_app)
    if since.baseline is None:
        raise NotAsked("no baseline")
    print("compared with", since.baseline.origin)
    assert since.new_error_signatures == []

def test_is_up(fly_app):
    assert fly_app.is_up("web")
"""


@pytest.fixture(scope="module")
def runs(shared):
    """Two runs; the second has the first to compare itself with."""
    path = shared.suite("novelty", SUITE)
    return [shared.verify(path, "-rP") for _ in range(2)]


def test_the_verdict_is_kept_for_later_runs(runs):
    for run in runs:
        with Recording(run.path) as recording:
            assert recording.meta()["verdict"] == run.verdict == "HEALTHY", run.text


def test_the_last_healthy_run_is_the_baseline(runs):
    first, second = runs

    assert f"compared with the healthy run {first.path.stem}" in second.text
