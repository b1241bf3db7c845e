"""What is begun is on disk before, and what a killed process left can be found."""

import subprocess
import sys

import pytest

from pytest_sre.undo.files import Journal
from pytest_sre.undo.journal import BrokenIntentError, Intent, read_intent, written

KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_sre.undo.files import Journal

kept = Journal(Path(sys.argv[1])).intend("fault", run="r-1", target="prod", what={"app": "a"})
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def journal(tmp_path) -> Journal:
    return Journal(tmp_path / "undo")


def intend(journal: Journal):
    return journal.intend("fault", run="r-1", target="prod", what={"app": "shop"})


def test_an_intent_is_on_disk_and_not_left_while_its_process_runs(journal, tmp_path):
    kept = intend(journal)

    (file,) = (tmp_path / "undo").iterdir()
    assert read_intent(file.read_bytes()) == kept.intent
    assert journal.left() == ()
    with journal.taken(kept.intent) as taken:
        assert taken is None
    kept.done()
    assert list((tmp_path / "undo").iterdir()) == []


def test_what_a_killed_process_intended_is_left_and_undone_once(tmp_path):
    folder = tmp_path / "undo"
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    assert done.returncode == -9
    journal = Journal(folder)

    (intent,) = journal.left()
    assert (intent.kind, intent.run, intent.target) == ("fault", "r-1", "prod")
    assert intent.what == {"app": "a"}
    with journal.taken(intent) as kept:
        assert Journal(folder).left() == ()
        assert kept is not None
        kept.done()
    assert journal.left() == ()
    with journal.taken(intent) as kept:
        assert kept is None


def test_what_was_not_undone_is_left(journal):
    kept = intend(journal)
    kept.leave()

    assert journal.left() == (kept.intent,)


def test_a_file_that_holds_no_intent_is_not_taken_for_nothing(journal, tmp_path):
    intend(journal).done()
    (tmp_path / "undo" / "fault-1.json").write_text("{")

    (broken,) = journal.left()
    assert (broken.id, broken.kind) == ("fault-1", "broken")
    assert "expected an intent" in broken.what["found"]


def test_without_a_folder_nothing_is_left(journal):
    assert journal.left() == ()


def test_where_it_cannot_be_written_nothing_may_be_done(tmp_path):
    (tmp_path / "undo").write_text("a file")

    with pytest.raises(OSError, match="undo"):
        intend(Journal(tmp_path / "undo"))


def test_an_intent_is_read_as_it_was_written():
    intent = Intent(id="a-1", kind="fault", at=1.5, run="r", target="t", what={"k": "v"})

    assert read_intent(written(intent)) == intent
    with pytest.raises(BrokenIntentError):
        read_intent(written(intent).replace(b"a-1", b"../a"))
