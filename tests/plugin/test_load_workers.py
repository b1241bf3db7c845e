"""``--sre-load-workers``: loads of a session are made elsewhere, and nothing stays there."""

import pytest

from pytest_sre.load.recorded import recorded_loads
from pytest_sre.recording.rows import PlatformCall
from pytest_sre.undo.files import Journal, undo_dir

SUITE = """
def test_home_bears_it(load):
    result = load.run("home", rate=20, duration="2s")
    assert (result.runs().done, result.troubles) == (40, ())
"""
JOURNEYS = """
from pytest_sre import journey

@journey("home")
def home(client):
    assert client.get("/").status_code == 200
"""
SETTINGS = """
journeys = ["load_journeys.py"]

[targets.local]
platform = "local"
apps = ["fly.toml"]
allow = {allow}
"""
MACHINES = "--sre-load-workers=fly:iad=1,ams=1"


@pytest.fixture
def project(shared):
    shared.write(
        **{
            "workers.toml": SETTINGS.format(allow='["load"]'),
            "denied.toml": SETTINGS.format(allow='["observe"]'),
            "load_journeys.py": JOURNEYS,
        }
    )
    return shared


def test_machines_make_the_load_and_are_gone_then(project):
    left = Journal(undo_dir(project.root)).intend("flood", run="r-0", target="local", what={})
    left.leave()

    done = project.verify("--sre-config=workers.toml", MACHINES, project.suite("w", SUITE), "-q")

    # On a busy machine workers may be late, which is no trouble of theirs.
    assert done.verdicts["test_home_bears_it"] != "UNHEALTHY", done.text
    # Said at the start of each session, however quiet.
    assert "sre: 1 left by runs that were killed (flood on local); run: pytest-sre re" in done.text
    with done.recording() as recording:
        ((_, made),) = recorded_loads(recording)
        calls = [call for call in recording.rows(PlatformCall) if "sre-load-" in call.path]
    assert (made.runs().done, made.troubles) == (40, ())
    assert sum(call.method == "POST" and call.path.endswith("/machines") for call in calls) == 2
    assert [file.stem for file in undo_dir(project.root).iterdir()] == [left.intent.id]
    next(undo_dir(project.root).iterdir()).unlink()


def test_where_load_is_not_allowed_no_worker_is_started(project):
    done = project.verify("--sre-config=denied.toml", MACHINES, project.suite("d", SUITE))

    assert done.verdicts == {"test_home_bears_it": "SKIPPED"}, done.text
    with done.recording() as recording:
        assert not any("sre-load-" in call.path for call in recording.rows(PlatformCall))


def test_what_cannot_be_had_is_told_before_anything_is_begun(project):
    done = project.verify(
        "--sre-config=workers.toml", "--sre-load-workers=2", env={"SRE_LOAD_SECRET": ""}
    )

    assert done.ret == 4
    done.stderr.fnmatch_lines(
        ["*expected a secret of at least 16 characters in SRE_LOAD_SECRET, found none*"]
    )
