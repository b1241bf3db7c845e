"""The same rules by a run on a real platform: its releases, its Machines' metadata, its silence."""

import time

import pytest

from pytest_sre.chaos.hands import hands_of
from pytest_sre.fly.config import MachineConfig, MachineInit
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import Span
from pytest_sre.run.chaos_terms import readiness_of
from pytest_sre.run.platforms import Platform
from pytest_sre.run.run import Run
from pytest_sre.targets import load_settings
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive

DEADLINE_S = 60.0
IMAGE = "registry.local/sleeper:1"
CONFIG = MachineConfig(image=IMAGE, init=MachineInit(exec=["sleep", "100000"]))


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    started = LocalPlatform.up(tmp_path_factory.mktemp("state") / "local")
    try:
        started.register_image(Image(IMAGE, str(tmp_path_factory.mktemp("app"))))
        with hands_of(str(started.state_dir)) as hands:
            hands.fly.create_app("shop", "personal")
            for _ in range(2):
                made = hands.fly.create_machine("shop", CONFIG, region="ams")
                hands.fly.wait("shop", made.id, "started")
        yield started
    finally:
        started.stop()


@pytest.fixture
def fly(platform):
    with hands_of(str(platform.state_dir)) as hands:
        yield hands.fly


@pytest.fixture
def begin(platform, fly, tmp_path):
    """Begin a run on the platform, whose bake is over."""
    (tmp_path / "fly.toml").write_text('app = "shop"\n')
    runs = []

    def begin_run(name):
        handle = str(platform.state_dir)
        opened = Platform(fly, {"shop": platform.app_url("shop")}, handle, 0.0, lambda: None)
        recorder = Recorder(tmp_path / f"{name}.db")
        run = Run.begin(load_settings(tmp_path, "local"), opened, recorder, None)
        runs.append(run)
        recorder.write(Span(at=time.time(), name="bake", ended_at=time.time()))
        recorder.flush()
        return readiness_of(run, Journal(undo_dir(tmp_path)))

    yield begin_run
    for run in runs:
        run.end()


def notices(fly):
    found = (each.settings.metadata for each in fly.machines("shop"))
    return [key for metadata in found for key in metadata if key.startswith("sre-chaos-")]


def test_one_run_at_a_time(begin, fly):
    one, other = begin("run-1"), begin("run-2")

    with one.ready(60):
        assert len(notices(fly)) == 1
        assert one.stopped() == ""
        with pytest.raises(Inconclusive, match="found that of the run run-1"), other.ready(60):
            pytest.fail("two at once")
    assert notices(fly) == []
    with other.ready(60):
        pass


def test_a_notice_that_somebody_removes_stops_it(begin, fly):
    run = begin("run-1")
    with run.ready(60):
        oldest = min(fly.machines("shop"), key=lambda each: (each.created_at, each.id))
        [key] = notices(fly)
        fly.delete_metadata("shop", oldest.id, key)
        deadline = time.monotonic() + DEADLINE_S
        while not run.stopped():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert f"its notice {key} was removed" in run.stopped()


def test_while_a_release_is_on_its_way_nothing_is_done(begin, fly):
    run, release = begin("run-1"), fly.create_release("shop", image=IMAGE)

    refused = pytest.raises(Inconclusive, match=f"the release v{release.version} of shop is")
    with refused, run.ready(60):
        pytest.fail("in the middle of a deploy")
    assert notices(fly) == []

    fly.update_release(release.id, "complete")
    with run.ready(60):
        pass


def test_while_the_platform_is_silent_nothing_is_done(begin, platform):
    run = begin("run-1")
    fault = platform.add_fault({"kind": "api-5xx", "for": "10m"})
    try:
        with pytest.raises(Inconclusive) as refused, run.ready(60):
            pytest.fail("on doubt")
    finally:
        platform.remove_fault(fault["id"])

    assert "expected to know whose turn it is" in refused.value.reason
    assert len(refused.value.reason.splitlines()) <= 4
