"""Load by Machines that are started for it, on the local platform: none stays, whatever happens."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError
from pytest_sre.load.driving import drive
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.load.remote import machines
from pytest_sre.load.remote.machines import MachineCrew, Place, remove_workers
from pytest_sre.local.images import Image
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.run.platforms import client_of
from pytest_sre.run.recovering import recover, what_is_left
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive

JOURNEYS = Path(__file__).parent / "journeys.py"
IMAGE = "registry.local/pytest-sre-load:1"
WITHIN_S = 120

SESSION = """
import sys
from pathlib import Path
from pytest_sre.load.driving import drive
from pytest_sre.load.plan import LoadPlan, constant
from pytest_sre.load.remote.machines import MachineCrew, Place
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.run.platforms import client_of
from pytest_sre.undo.files import Journal

url, journeys, state, undo, image = sys.argv[1:]
place = Place(
    organization="personal", image=image, regions={"iad": 1}, host="127.0.0.1",
    platform=state, run="r-killed", target="local",
)
fly = client_of(LocalPlatform.attach(Path(state)))
crew = MachineCrew(fly, lambda: place, Journal(Path(undo)), tell=print, warn=print)
plan = LoadPlan(workload=constant(5, 600), mix={"well": 1.0})

def watch(frame):
    if any(one.done for one in frame.tallies):
        print("under way", flush=True)

drive(plan, url, journey_files=[Path(journeys)], crew=crew, watch=watch)
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalPlatform]:
    with LocalPlatform.start(tmp_path_factory.mktemp("state") / "local") as started:
        started.register_image(Image(IMAGE, str(tmp_path_factory.mktemp("image"))))
        yield started


@pytest.fixture
def fly(platform: LocalPlatform) -> Iterator[Fly]:
    with client_of(platform) as client:
        yield client
        assert client.apps("personal") == []


def place_of(platform: LocalPlatform, **regions: int) -> Callable[[], Place]:
    return lambda: Place(
        organization="personal",
        image=IMAGE,
        regions=regions,
        host="127.0.0.1",
        platform=str(platform.state_dir),
        run="r-1",
        target="local",
    )


def plan_of(rate: float, duration_s: float) -> LoadPlan:
    return LoadPlan(workload=constant(rate, duration_s), mix={"well": 1.0})


def test_four_machines_in_two_regions_share_a_load_and_are_removed(app, platform, fly, tmp_path):
    journal = Journal(undo_dir(tmp_path))
    told: list[str] = []
    with contextlib.closing(
        MachineCrew(
            fly, place_of(platform, iad=2, ams=2), journal, tell=told.append, warn=told.append
        )
    ) as crew:
        before = app.asked.total()
        result = drive(plan_of(20, 2), app.url, journey_files=[JOURNEYS], crew=crew)

        assert (result.reason, result.troubles) == ("complete", ())
        assert (result.runs().planned, result.runs().done) == (40, 40)
        assert app.asked.total() - before == 80
        (workers,) = fly.apps("personal")
        there = fly.machines(workers.name)
        assert sorted(one.name for one in there) == ["ams-0", "ams-1", "iad-0", "iad-1"]
        assert {(one.region, one.name[:3]) for one in there} == {("iad", "iad"), ("ams", "ams")}
        assert {one.settings.metadata["sre-load-run"] for one in there} == {"r-1"}
        assert all(one.settings.auto_destroy for one in there)
        assert len(list(undo_dir(tmp_path).iterdir())) == 1

        # They stay for the next load.
        again = drive(plan_of(4, 1), app.url, journey_files=[JOURNEYS], crew=crew)
        assert again.runs().done == 4
        assert {one.id for one in fly.machines(workers.name)} == {one.id for one in there}

    assert fly.apps("personal") == []
    assert list(undo_dir(tmp_path).iterdir()) == []
    assert told == ["starting 4 load workers in iad, ams"]


def test_what_a_killed_session_left_is_said_and_recovered(app, platform, fly, tmp_path):
    session = subprocess.Popen(
        [
            *(sys.executable, "-c", SESSION, app.url, str(JOURNEYS)),
            *(str(platform.state_dir), str(undo_dir(tmp_path)), IMAGE),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with session:
        assert session.stdout is not None
        for line in session.stdout:
            if line.strip() == "under way":
                break
        assert what_is_left(tmp_path) == ""
        session.send_signal(signal.SIGKILL)
    (workers,) = fly.apps("personal")

    # Its worker ends with its connection, and its Machine with the worker.
    deadline_at = time.monotonic() + WITHIN_S
    while fly.machines(workers.name):
        assert time.monotonic() < deadline_at
        time.sleep(0.1)
    left = what_is_left(tmp_path)
    assert left.startswith("1 left by runs that were killed (load-machines on local)")
    assert "pytest-sre recover" in left

    outcome = recover(tmp_path)

    assert (outcome.exit_code, outcome.lines) == (
        0,
        (f"undone: load workers of {workers.name} on local",),
    )
    assert what_is_left(tmp_path) == ""
    assert recover(tmp_path).lines == ("nothing is left to undo",)


def test_machines_that_do_not_join_are_named_and_removed(app, platform, fly, tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "_JOIN_S", 1.0)
    monkeypatch.setattr(machines, "_COMMAND", ("sleep", "600", "--"))
    journal = Journal(undo_dir(tmp_path))
    crew = MachineCrew(fly, place_of(platform, iad=1), journal, tell=print, warn=print)

    with pytest.raises(Inconclusive, match=r"expected 1 load workers, found 0") as raised:
        drive(plan_of(4, 1), app.url, journey_files=[JOURNEYS], crew=crew)

    assert "iad-0 in iad" in raised.value.reason
    assert journal.left() == ()


def test_where_the_platform_has_no_room_nothing_stays(app, platform, fly, tmp_path):
    fault = platform.add_fault({"kind": "capacity"})
    journal = Journal(undo_dir(tmp_path))
    crew = MachineCrew(fly, place_of(platform, iad=1), journal, tell=print, warn=print)

    try:
        with pytest.raises(FlyError):
            drive(plan_of(4, 1), app.url, journey_files=[JOURNEYS], crew=crew)
    finally:
        platform.remove_fault(fault["id"])
    assert list(undo_dir(tmp_path).iterdir()) == []


def test_what_could_not_be_removed_is_told_and_stays_in_the_journal(app, platform, fly, tmp_path):
    warned: list[str] = []
    journal = Journal(undo_dir(tmp_path))
    crew = MachineCrew(fly, place_of(platform, iad=1), journal, tell=print, warn=warned.append)
    drive(plan_of(4, 1), app.url, journey_files=[JOURNEYS], crew=crew)

    fault = platform.add_fault({"kind": "api-5xx", "endpoint": "machines"})
    crew.close()
    stays = recover(tmp_path)
    platform.remove_fault(fault["id"])

    assert "run: pytest-sre recover" in warned[0]
    assert (stays.exit_code, "left: " in stays.lines[0]) == (1, True)
    assert recover(tmp_path).exit_code == 0
    assert journal.left() == ()


def test_where_nothing_can_be_written_down_nothing_is_started(app, platform, fly, tmp_path):
    (tmp_path / ".sre").write_text("a file")
    crew = MachineCrew(
        fly, place_of(platform, iad=1), Journal(undo_dir(tmp_path)), tell=print, warn=print
    )

    with pytest.raises(Inconclusive, match="no Machine was started"):
        drive(plan_of(4, 1), app.url, journey_files=[JOURNEYS], crew=crew)


def test_on_fly_the_session_has_to_be_in_the_private_network(monkeypatch):
    monkeypatch.setattr(machines, "_PRIVATE_RESOLVER", ("::1", 53))

    with pytest.raises(Inconclusive, match="see fly wireguard create, or run this on a Machine"):
        machines.own_private_address()


@pytest.mark.parametrize("app_name", ["shop", "sre-load-", "sre-load-shop", ""])
def test_no_other_app_is_ever_removed(fly, app_name):
    with pytest.raises(ValueError, match="it is not removed"):
        remove_workers(fly, app_name)


def test_a_local_platform_that_is_gone_has_taken_its_machines_along(tmp_path):
    journal = Journal(undo_dir(tmp_path))
    what = {"app": "sre-load-0123456789ab", "platform": str(tmp_path / "gone")}
    journal.intend("load-machines", run="r-1", target="local", what=what).leave()

    assert recover(tmp_path).exit_code == 0
    assert journal.left() == ()


def test_what_this_version_cannot_undo_stays_in_the_journal(tmp_path):
    journal = Journal(undo_dir(tmp_path))
    journal.intend("flood", run="r-1", target="local", what={}).leave()

    outcome = recover(tmp_path)

    assert outcome.exit_code == 1
    assert "expected something that this version can undo, found flood" in outcome.lines[0]
    assert len(journal.left()) == 1
