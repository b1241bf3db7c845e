"""The stop button: a file, one for all projects, one that a variable names, and a signal."""

import os
import signal
import threading

import pytest

from pytest_sre.chaos.stopping import (
    StopButton,
    heeding_signal,
    stop_file,
    stop_file_of_all,
    stop_file_of_run,
)
from pytest_sre.cli import main


@pytest.fixture
def environ(tmp_path):
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def say(project, environ, monkeypatch, capsys):
    monkeypatch.chdir(project)
    monkeypatch.setenv("XDG_STATE_HOME", environ["XDG_STATE_HOME"])
    monkeypatch.delenv("PYTEST_SRE_STOP", raising=False)

    def run(*arguments):
        code = main(["chaos", *arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_stop_and_go(project, environ, say):
    button = StopButton(project, environ)
    assert button.pressed() == ""

    code, said = say("stop")
    assert code == 0
    assert "to let it begin again: pytest-sre chaos go" in said
    assert str(stop_file(project)) in button.pressed()
    assert "pytest-sre chaos go" in button.pressed()

    assert say("go") == (0, "chaos may begin\n")
    assert button.pressed() == ""
    assert say("go")[0] == 0


def test_of_all_projects(project, environ, say, tmp_path):
    say("stop", "--all")

    assert "chaos go --all" in StopButton(project, environ).pressed()
    assert StopButton(tmp_path / "elsewhere", environ).pressed()
    code, said = say("go")
    assert code == 1
    assert "pytest-sre chaos go --all" in said
    assert say("go", "--all")[0] == 0
    assert StopButton(project, environ).pressed() == ""


def test_who_has_no_home_has_no_button_of_all():
    assert stop_file_of_all({}) is None
    assert str(stop_file_of_all({"HOME": "/home/x"})).startswith("/home/x/.local/state")


def test_a_button_that_cannot_be_pressed_is_told(project, say):
    (project / ".sre").write_text("a file")

    code, said = say("stop")

    assert code == 1
    assert "expected to write" in said


def test_a_file_that_the_environment_names(project, environ):
    button = StopButton(project, environ | {"PYTEST_SRE_STOP": "halt"})
    assert button.pressed() == ""

    (project / "halt").write_text("an incident\x1b[31m is on\nmore")

    assert "halt: an incident [31m is on more" in button.pressed()
    assert "PYTEST_SRE_STOP" in button.pressed()


def test_a_button_of_which_nobody_knows_counts_as_pressed(project, environ):
    stop_file(project).mkdir(parents=True)

    assert "Is a directory" in StopButton(project, environ).pressed()


def test_the_signal_presses_it_for_all_processes_of_the_run(project, environ):
    button, file = StopButton(project, environ, "run-1"), stop_file_of_run(project, "run-1")
    before = signal.getsignal(signal.SIGUSR1)
    with heeding_signal(file):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert "SIGUSR1" in button.pressed()

    # What another process of the run sees.
    assert f"the signal SIGUSR1 to process {os.getpid()}" in button.pressed()
    assert StopButton(project, environ, "run-2").pressed() == ""
    assert signal.getsignal(signal.SIGUSR1) == before


def test_a_signal_counts_where_no_file_can_be_written(project, environ):
    (project / ".sre").write_text("a file")
    button = StopButton(project, environ, "run-1")

    with heeding_signal(stop_file_of_run(project, "run-1")):
        os.kill(os.getpid(), signal.SIGUSR1)
        assert "chaos is stopped by the signal SIGUSR1" in button.pressed()


def test_beside_the_main_thread_signals_are_left_alone(project):
    before, seen = signal.getsignal(signal.SIGUSR1), []

    def heed():
        with heeding_signal(stop_file_of_run(project, "run-1")):
            seen.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=heed)
    thread.start()
    thread.join()
    assert seen == [before]
