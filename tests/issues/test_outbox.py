"""What was found is there in whole or not at all, whenever the process is killed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.issues.journal import Journal, dead_runs
from pytest_sre.issues.outbox import Outbox
from pytest_sre.issues.values import Finding, Section, Sighting
from pytest_sre.judge.causes import Failure
from pytest_sre.verdict import Verdict

FOUND = Finding("f" * 16, "it fails", "high", ("test_it",), (Section("Log", "text", 3),))
FAILURE = Failure("test_it[1]", Verdict.UNHEALTHY, "it fails", machines=frozenset({"148e21"}))


def sighting(run="run-1", at=1_800_000_000.0, tracker="files:issues"):
    passed = frozenset({"test_that"})
    return Sighting(run, tracker, "prod", "shop v1", at, (FOUND,), passed)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def test_what_is_put_waits_oldest_first_until_it_is_done(outbox):
    outbox.put(sighting("late", at=1_800_000_001.0))
    outbox.put(sighting("early"))

    (path, first), (_, second) = outbox.waiting()
    outbox.done(path)

    assert (first, second) == (sighting("early"), sighting("late", at=1_800_000_001.0))
    assert [each.run for _, each in outbox.waiting()] == ["late"]


def test_each_tracker_is_told_its_own(outbox):
    outbox.put(sighting("one"))
    outbox.put(sighting("two", tracker="github:acme/shop"))

    assert [each.run for _, each in outbox.waiting("github:acme/shop")] == ["two"]
    assert len(list(outbox.waiting())) == 2


@pytest.fixture
def on_disk(monkeypatch):
    """What was made durable, and what was named, in this order."""
    done = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor):
        done.append(("synced", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        sync(descriptor)

    def noted_rename(self, target):
        done.append(("named", Path(target).name))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    return done


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing tells what a file is")
def test_an_event_is_durable_before_it_has_its_name_and_then_its_name_is(outbox, on_disk):
    path = outbox.put(sighting())

    assert on_disk == [
        ("synced", path.with_suffix(".partial").name),
        ("named", path.name),
        ("synced", "outbox"),
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing tells what a file is")
def test_a_failure_is_durable_when_it_was_taken_down(tmp_path, on_disk):
    with Journal(tmp_path, "run-1", "files:issues", "prod", 1.0) as journal:
        on_disk.clear()
        journal.failed(FAILURE)

    assert on_disk == [("synced", "run-1.journal")]


@given(cut=st.integers(0, 400))
def test_a_file_that_was_cut_is_set_aside_and_kept(tmp_path_factory, cut):
    outbox = Outbox(tmp_path_factory.mktemp("cut"))
    path = outbox.put(sighting("broken"))
    whole = path.read_bytes()
    path.write_bytes(whole[: min(cut, len(whole) - 1)])
    outbox.put(sighting("whole"))

    assert [each.run for _, each in outbox.waiting()] == ["whole"]
    assert len(list(outbox.folder.glob("*.broken"))) == 1


def test_one_process_delivers_at_a_time(outbox):
    outbox.put(sighting())

    with outbox.claimed() as first, outbox.claimed() as second:
        assert (first, second) == (True, False)
    with outbox.claimed() as third:
        assert third


def test_a_run_that_goes_on_is_not_taken_for_dead(tmp_path):
    with Journal(tmp_path, "run-1", "files:issues", "prod", 1.0) as journal:
        journal.failed(FAILURE)

        assert list(dead_runs(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def journal_of_a_killed_run(folder):
    """What is on disk after a run was killed that began a test, saw it fail, and began another."""
    journal = Journal(folder, "run-1", "files:issues", "prod", 1.0)
    journal.started("test_it[1]")
    journal.failed(FAILURE)
    journal.started("test_next")
    (path,) = folder.glob("*.journal")
    content = path.read_bytes()
    journal.close()
    path.write_bytes(content)
    return path


def test_what_a_killed_run_had_seen_is_known(tmp_path):
    journal_of_a_killed_run(tmp_path)

    ((_, dead),) = dead_runs(tmp_path)

    assert (dead.run, dead.tracker, dead.target) == ("run-1", "files:issues", "prod")
    assert dead.failures == (FAILURE,)
    assert dead.during == "test_next"


@given(cut=st.integers(0, 600), tail=st.binary(max_size=30))
def test_a_journal_is_read_as_far_as_it_goes(tmp_path_factory, cut, tail):
    folder = tmp_path_factory.mktemp("cut")
    path = journal_of_a_killed_run(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + tail)

    dead = [found for _, found in dead_runs(folder)]

    assert len(dead) <= 1
    # A line is whole even where only its end is cut off.
    lines_kept = whole[: cut + 1].count(b"\n")
    assert all(found.failures == (FAILURE,) * (lines_kept >= 3) or tail for found in dead)
