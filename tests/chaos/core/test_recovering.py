"""When all that could undo is dead: ``pytest-sre recover`` does, here and on a fresh machine."""

import contextlib
import errno
import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from pytest_sre.chaos import actions
from pytest_sre.chaos.undoing.tags import Tag, read_tag
from pytest_sre.run import others, recovering
from pytest_sre.run.recovering import recover, what_is_left
from pytest_sre.undo.files import Journal, Kept, undo_dir
from pytest_sre.undo.holding import holder_of
from tests.patience import until


@pytest.fixture
def journal(project, fleet):
    """The journal of the project itself."""
    fleet.journal = Journal(undo_dir(project))
    return fleet.journal


def kill_all(forks, guardians, journal, how="hold"):
    """Kill a process in the midst of it, and its guardian before it."""
    pid, _ = forks(how)
    for guardian in guardians(journal.folder):
        guardian.kill()
    os.kill(pid, signal.SIGKILL)
    until(lambda: journal.left())


def test_what_is_left_when_the_guardian_died_too_is_said_and_recovered(
    fleet, project, journal, forks, guardians
):
    kill_all(forks, guardians, journal)
    assert fleet.wrong() != []
    said = what_is_left(project)
    assert "left by runs that were killed (chaos on local" in said
    assert "pytest-sre recover" in said

    outcome = recover(project)

    assert outcome.exit_code == 0, outcome.lines
    assert any(line.startswith("undone: stop Machine") for line in outcome.lines)
    assert all(line.startswith("undone: ") for line in outcome.lines)
    assert fleet.wrong() == []
    # What is done by somebody else from then on is not ours to undo.
    machine = next(each.id for each in fleet.machines() if each.region == "fra")
    fleet.fly.stop("shop", machine)
    fleet.fly.wait("shop", machine, "stopped")
    assert (recover(project).lines, what_is_left(project)) == (("nothing is left to undo",), "")
    assert fleet.state(machine) == "stopped"
    fleet.fly.start("shop", machine)
    fleet.fly.wait("shop", machine, "started")


def test_what_is_undone_but_cannot_be_taken_off_the_record_is_not_called_clean(
    fleet, project, journal, forks, guardians, monkeypatch
):
    kill_all(forks, guardians, journal)

    def refuse(_kept):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "done", refuse)
        outcome = recover(project)

    assert outcome.exit_code == 1
    assert "Read-only file system" in outcome.lines[0]
    assert recover(project).exit_code == 0
    assert fleet.wrong() == []


def test_a_machine_without_our_journal_undoes_what_is_due(
    fleet, project, journal, forks, guardians
):
    kill_all(forks, guardians, journal)
    for file in fleet.files():
        file.unlink()

    waits = recover(project, "local")
    assert waits.exit_code == 1
    assert all(line.startswith("not due: ") for line in waits.lines)
    assert fleet.wrong() != []
    # An hour later, as far as what was told goes.
    for machine in fleet.machines():
        for key in fleet.tags(machine):
            told = json.loads(machine.settings.metadata[key])
            assert told["until"] > time.time()
            text = json.dumps({**told, "until": told["until"] - 3600})
            fleet.fly.set_metadata("shop", machine.id, key, text)

    outcome = recover(project, "local", as_json=True)

    shown = json.loads(outcome.lines[0])
    assert (outcome.exit_code, shown["left"], shown["not_due"]) == (0, [], [])
    assert {each["target"] for each in shown["undone"]} == {"local"}
    assert fleet.wrong() == []


def test_what_is_not_due_is_undone_when_that_is_asked_for_but_not_what_a_run_here_does(
    fleet, project, journal
):
    with fleet.inject(actions.CordonMachines()) as injection:
        outcome = recover(project, "local", now=True)
        assert outcome.exit_code == 1
        assert outcome.lines[0].startswith(
            f"left: what run run-1 does (1) on local: it is running (process {os.getpid()})"
        )
        assert len(outcome.lines) == 1

        (file,) = journal.folder.glob("*.json")
        hidden = file.rename(file.with_name("hidden"))
        assert recover(project, "local", now=True).exit_code == 0
        hidden.rename(file)
        (machine,) = [m for m in fleet.machines() if m.id == injection.changes[0].machine]
        assert not machine.cordoned
        assert fleet.tags(machine) == []


@pytest.fixture
def guarded(journal, forks, guardians, platform):
    """A guardian in the midst of undoing what a killed process did, stopped; what lets it go on."""
    if not Path("/proc/locks").exists():
        pytest.skip("who holds a lock is not to be seen here")
    pid, _ = forks("hold")
    (guardian,) = guardians(journal.folder)
    fault = platform.add_fault({"kind": "api-5xx", "status": 500, "for": "1h"})
    os.kill(pid, signal.SIGKILL)
    until(lambda: holders(journal) == {guardian.pid})
    guardian.suspend()
    platform.remove_fault(fault["id"])
    yield guardian
    with contextlib.suppress(psutil.NoSuchProcess):
        guardian.resume()


def holders(journal) -> set[int | None]:
    return {holder_of(journal.file_of(each)) for each in journal.held()}


def test_what_a_guardian_still_undoes_is_waited_for_and_said(fleet, project, guarded):
    said = what_is_left(project)
    assert "(chaos on local, chaos on local), being undone by a guardian" in said
    assert "pytest-sre recover" not in said
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        guarded.resume()

    outcome = recover(project, tell=tell)

    # Should its time have been over meanwhile, it gives up, and this undoes the rest.
    assert outcome.exit_code == 0, outcome.lines
    assert fleet.wrong() == []
    (line,) = told
    assert line.startswith("waiting at most ")
    assert "Machine" in line
    assert (recover(project).lines, what_is_left(project)) == (("nothing is left to undo",), "")


def test_what_a_guardian_gives_up_is_undone(fleet, project, guarded, monkeypatch):
    monkeypatch.setattr(others, "_QUIET_S", 0.0)

    outcome = recover(project, tell=lambda _line: guarded.kill())

    assert outcome.exit_code == 0, outcome.lines
    assert outcome.lines[0].startswith("undone: ")
    assert fleet.wrong() == []


def test_what_others_hold_for_longer_than_they_should_is_left_and_said_by_whom(
    fleet, project, guarded, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(others, "longest_s", lambda *_, **__: 0.5)
        outcome = recover(project, "local")
        shown = json.loads(recover(project, as_json=True).lines[0])

    assert outcome.exit_code == 1
    left = [line for line in outcome.lines if not line.startswith("  by hand: fly ")]
    assert len(left) < len(outcome.lines)
    assert all(line.startswith("left: ") for line in left)
    assert all(f"process {guarded.pid} has not undone it yet" in line for line in left)
    assert len(shown["left"]) == len(left)
    assert (shown["undone"], shown["not_due"]) == ([], [])

    guarded.resume()
    assert recover(project).exit_code == 0
    assert fleet.wrong() == []


def test_what_is_let_go_of_while_it_is_looked_at_is_not_forgotten(project, journal, monkeypatch):
    monkeypatch.setattr(recovering, "undo_left", lambda *_, **__: ())
    monkeypatch.setattr(recovering, "_other", lambda *_: ())
    kept = journal.intend("chaos", run="r", target="prod", what={})
    kept.leave()
    try:
        outcome = recover(project)
        assert outcome.exit_code == 1
        assert kept.intent.id in outcome.lines[0]
    finally:
        journal.file_of(kept.intent).unlink()


def test_what_a_run_does_that_is_not_over_is_neither_waited_for_nor_undone(fleet, project, journal):
    told: list[str] = []
    with fleet.inject(actions.StopMachines()) as injection:
        outcome = recover(project, tell=told.append)

        assert outcome.exit_code == 1
        (line,) = outcome.lines
        assert f"run-1 does ({len(injection.ids)}) on local: it is running" in line
        assert what_is_left(project) == ""
        assert len(journal.held()) == len(injection.ids)
    assert told == []
    assert recover(project).lines == ("nothing is left to undo",)


def test_what_cannot_be_read_is_left_and_said_with_what_to_do(fleet, project, journal):
    journal.folder.mkdir(parents=True, exist_ok=True)
    (journal.folder / "chaos-1.json").write_text('{"id": "chaos-1", "kind": "chaos"')
    with journal.intend("chaos", run="r", target="prod", what={"change": "{}"})._file:
        pass
    machine = fleet.machines()[0].id
    fleet.fly.set_metadata("shop", machine, "sre-undo-1", "{}")
    try:
        outcome = recover(project, "local")
        assert outcome.exit_code == 1
        assert sum(line.startswith("left: ") for line in outcome.lines) == 3
        assert sum(line.startswith("  by hand: ") for line in outcome.lines) == 3
        assert len(what_is_left(project).splitlines()) == 1
        assert what_is_left(project).startswith("2 left")
    finally:
        fleet.fly.delete_metadata("shop", machine, "sre-undo-1")
        for file in fleet.files():
            file.unlink()


def test_a_platform_that_does_not_answer_leaves_all_and_says_so(
    fleet, project, journal, forks, guardians, platform
):
    kill_all(forks, guardians, journal)
    fault = platform.add_fault({"kind": "api-5xx", "status": 500, "for": "1h"})
    (project / "sre.toml").write_text("[targets.local.limits]\nchaos-undo-timeout = 1\n")
    try:
        outcome = recover(project, "local")
    finally:
        platform.remove_fault(fault["id"])
        (project / "sre.toml").unlink()

    assert outcome.exit_code == 1
    assert any("nobody knows what is left" in line for line in outcome.lines)
    assert any("by hand: fly machine start" in line for line in outcome.lines)
    assert recover(project).exit_code == 0
    assert fleet.wrong() == []


def test_a_mistake_in_the_target_is_one(project):
    outcome = recover(project, "nowhere")

    assert outcome.exit_code == 4
    assert "nowhere" in outcome.lines[0]


def test_what_a_tag_says_is_read_as_it_was_written(fleet):
    with fleet.inject(actions.CordonMachines()) as injection:
        (change,) = injection.changes
        tag = Tag("shop", change.machine, f"sre-undo-{injection.ids[0]}")
        told = read_tag(fleet.fly.metadata(tag.app, tag.machine)[tag.key])
        assert told.read() == change
        assert told.run == "run-1"
        assert told.until > time.time() + injection.action.lasts_s
