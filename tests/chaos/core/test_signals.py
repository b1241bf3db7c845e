"""A session that is told to end undoes first, begins nothing more, and says how it ended."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.patience import until

CONFTEST = """
from pytest_sre.plugin import signals

signals._ONE_PRESS_S = {one_press_s}

def pytest_sessionstart(session):
    session.config.add_cleanup(signals.end_in_order())
"""
TESTS = """
import os, time
from pathlib import Path
import pytest
from pytest_sre.chaos.undoing.uninterrupted import uninterrupted

HERE = Path(__file__).parent

@pytest.fixture
def perturbed():
    yield
    with uninterrupted():
        (HERE / "undoing").touch()
        while not (HERE / "told again").exists():
            time.sleep(0.01)
        (HERE / "undone").touch()

def test_of_chaos(perturbed):
    (HERE / "begun").touch()
    time.sleep(600)

def test_after_it():
    (HERE / "next").touch()
"""
# However fast or slow the machine is: what comes second is of the first press, or is not.
SOON, LATER = math.inf, 0.0


class Ending(NamedTuple):
    """What ends a session, what it is told while it undoes, and what it ends with."""

    first: signal.Signals
    again: signal.Signals
    code: int
    one_press_s: float = LATER


# Ctrl-C is pytest's own: a second one ends what comes after undoing, as it does without us.
ENDINGS = (
    Ending(signal.SIGINT, signal.SIGINT, pytest.ExitCode.INTERRUPTED, SOON),
    Ending(signal.SIGINT, signal.SIGINT, -signal.SIGINT, LATER),
    Ending(signal.SIGINT, signal.SIGTERM, 143),
    Ending(signal.SIGTERM, signal.SIGTERM, 143),
    Ending(signal.SIGHUP, signal.SIGHUP, 129),
    Ending(signal.SIGQUIT, signal.SIGTERM, 131),
)


def begin(folder: Path, ending: Ending) -> "subprocess.Popen[bytes]":
    folder.mkdir()
    one_press = f"float('{ending.one_press_s}')"
    (folder / "conftest.py").write_text(CONFTEST.format(one_press_s=one_press))
    (folder / "test_chaos.py").write_text(TESTS)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


def test_what_was_begun_is_undone_whatever_ends_the_session_and_however_often(tmp_path):
    folders = [tmp_path / str(number) for number in range(len(ENDINGS))]
    sessions = [begin(*each) for each in zip(folders, ENDINGS, strict=True)]
    try:
        for folder, session, ending in zip(folders, sessions, ENDINGS, strict=True):
            until((folder / "begun").exists)
            session.send_signal(ending.first)
            until((folder / "undoing").exists)
            session.send_signal(ending.again)
            (folder / "told again").touch()
        codes = [session.wait(120) for session in sessions]
    finally:
        for session in sessions:
            session.kill()

    assert codes == [ending.code for ending in ENDINGS]
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        assert {"begun", "undone"} <= names
        assert "next" not in names
