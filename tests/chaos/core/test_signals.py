"""A session that is told to end undoes first, begins nothing more, and says how it ended."""

import os
import signal
import subprocess
import sys
from pathlib import Path

CONFTEST = """
from pytest_sre.plugin.signals import end_in_order

def pytest_sessionstart(session):
    session.config.add_cleanup(end_in_order())
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
# What ends it, what it is told while it undoes, and what it ends with. Ctrl-C is pytest's own: a
# second one ends what comes after undoing, as it does without us.
ENDINGS = (
    (signal.SIGINT, signal.SIGINT, -signal.SIGINT),
    (signal.SIGINT, signal.SIGTERM, 143),
    (signal.SIGTERM, signal.SIGTERM, 143),
    (signal.SIGHUP, signal.SIGHUP, 129),
    (signal.SIGQUIT, signal.SIGTERM, 131),
)


def begin(folder: Path) -> "subprocess.Popen[bytes]":
    folder.mkdir()
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_chaos.py").write_text(TESTS)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )


def test_what_was_begun_is_undone_whatever_ends_the_session_and_however_often(tmp_path, until):
    folders = [tmp_path / f"{first.name}-{again.name}" for first, again, _ in ENDINGS]
    sessions = [begin(folder) for folder in folders]
    try:
        for folder, session, (first, again, _) in zip(folders, sessions, ENDINGS, strict=True):
            until((folder / "begun").exists)
            session.send_signal(first)
            until((folder / "undoing").exists)
            session.send_signal(again)
            (folder / "told again").touch()
        codes = [session.wait(120) for session in sessions]
    finally:
        for session in sessions:
            session.kill()

    assert codes == [code for _, _, code in ENDINGS]
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        assert {"begun", "undone"} <= names
        assert "next" not in names
