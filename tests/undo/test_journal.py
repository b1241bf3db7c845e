"""What is begun is on disk before, and what a killed process left can be found."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.undo import files
from pytest_sre.undo.files import Journal
from pytest_sre.undo.holding import holder_of, is_running
from pytest_sre.undo.journal import (
    BrokenIntentError,
    Entry,
    Intent,
    made_line,
    read_entry,
    written,
)

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
    assert read_entry(file.read_bytes()).intent == kept.intent
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


INTENT = Intent(
    id="fault-1", kind="fault", at=1.5, run="r", target="t", what={"k": "v ü"}, not_after=9.0
)


def test_an_intent_is_read_as_it_was_written():
    assert read_entry(written(INTENT)) == Entry(INTENT)
    assert read_entry(written(INTENT) + made_line(2.5) + made_line(3.5)) == Entry(INTENT, 3.5)
    with pytest.raises(BrokenIntentError):
        read_entry(written(INTENT).replace(b"fault-1", b"../a"))


def test_a_file_that_is_cut_is_broken_or_says_less_and_never_something_else():
    text = written(INTENT) + made_line(2.5)
    whole = len(written(INTENT)) - 1
    for length in range(len(text)):
        if length < whole:
            with pytest.raises(BrokenIntentError):
                read_entry(text[:length])
        else:
            # The end of the line may be missing, nothing else.
            is_there = length >= len(text) - 1
            assert read_entry(text[:length]) == Entry(INTENT, 2.5 if is_there else None)


@given(tail=st.binary(max_size=60), cut=st.integers(0, 20))
def test_garbage_behind_an_intent_hides_neither_it_nor_that_it_was_made(tail, cut):
    torn = made_line(2.5)[:cut] + tail
    assert read_entry(written(INTENT) + torn).intent == INTENT
    assert read_entry(written(INTENT) + torn + made_line(3.5)) == Entry(INTENT, 3.5)


@given(garbage=st.binary(min_size=1, max_size=3), at=st.integers(0, 10_000))
def test_garbage_within_an_intent_is_not_read_as_another_text(garbage, at):
    text = written(INTENT)
    at %= len(text)
    bad = bytes(0x80 | byte for byte in garbage)
    try:
        found = read_entry(text[:at] + bad + text[at:])
    except BrokenIntentError:
        return
    assert "\ufffd" not in found.intent.what.get("k", "")
    written(found.intent)


def test_that_an_act_was_made_is_seen_by_who_comes_after_a_killed_process(journal):
    kept = intend(journal)
    assert kept.made_at is None
    kept.made()
    kept.leave()

    with journal.taken(kept.intent) as taken:
        assert taken is not None
        assert taken.made_at == pytest.approx(time.time(), abs=120)


def test_only_what_is_left_of_a_run_is_asked_for_by_it(journal, tmp_path):
    intend(journal).leave()
    journal.intend("fault", run="r-2", target="prod", what={}).leave()
    (tmp_path / "undo" / "fault-1.json").write_text("{")

    assert [each.run for each in journal.left("r-2")] == ["r-2"]
    assert len(journal.left()) == 3


def test_a_name_that_nobody_of_us_gives_is_reported_too(journal, tmp_path):
    intend(journal).leave()
    (intent,) = journal.left()
    folder = tmp_path / "undo"
    (folder / "Copy of it.json").write_bytes((folder / f"{intent.id}.json").read_bytes())
    (folder / "folder.json").mkdir()

    left = {each.id: each.kind for each in journal.left()}
    assert left == {intent.id: "fault", "Copy of it": "broken", "folder": "broken"}


def test_a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path):
    (tmp_path / "undo").write_text("a file")

    with pytest.raises(OSError, match="undo"):
        Journal(tmp_path / "undo").left()


def test_what_was_never_finished_is_swept_once_nobody_can_be_writing_it(journal, tmp_path):
    intend(journal).leave()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    fresh = tmp_path / "undo" / f"fault-1.{os.getpid()}.new"
    stale = tmp_path / "undo" / f"fault-2.{gone.pid}.new"
    for each in (fresh, stale):
        each.write_text("{")

    assert len(journal.left()) == 1
    assert fresh.exists()
    assert not stale.exists()


def test_whether_a_process_still_holds_something_can_be_asked(journal):
    kept = intend(journal)
    assert journal.are_held(os.getpid())
    assert not journal.are_held(1)
    kept.leave()
    assert not journal.are_held(os.getpid())


def test_what_is_held_is_told_from_what_is_left_and_by_whom(journal, tmp_path):
    kept = intend(journal)
    assert (journal.held(), journal.left()) == ((kept.intent,), ())
    if Path("/proc/locks").exists():
        assert holder_of(journal.file_of(kept.intent)) == os.getpid()
    kept.leave()
    assert (journal.held(), journal.left()) == ((), (kept.intent,))
    assert holder_of(journal.file_of(kept.intent)) is None
    assert holder_of(tmp_path / "gone") is None


def test_whose_intent_it_is_runs_until_it_is_killed_and_its_number_may_be_anothers(journal):
    kept = intend(journal)
    kept.leave()
    intent = kept.intent
    assert is_running(intent)
    # Begun after this was written down: this process was given the number later.
    assert not is_running(msgspec.structs.replace(intent, at=intent.at - 1e6))
    assert not is_running(msgspec.structs.replace(intent, pid=0))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        its = msgspec.structs.replace(intent, pid=other.pid, at=time.time())
        assert is_running(its)
        other.kill()
        while psutil.Process(other.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        # Nobody has taken note of its end yet.
        assert not is_running(its)
    assert not is_running(its)


def test_who_looks_is_taken_for_a_holder_by_nobody_else_who_looks(journal, monkeypatch):
    kept = intend(journal)
    kept.leave()
    intent = kept.intent
    seen: list[object] = []
    read = files._read

    def read_meanwhile(path, file):
        if not seen:
            seen.append(None)
            other = Journal(journal.folder)
            seen[:] = [other.left(), other.held(), other.are_held(os.getpid())]
        return read(path, file)

    monkeypatch.setattr(files, "_read", read_meanwhile)
    assert journal.left() == (intent,)
    assert seen == [(intent,), (), False]


LOOKING = """
import sys, threading
from pathlib import Path
from pytest_sre.undo.files import Journal

journal = Journal(Path(sys.argv[1]))
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
print("looking", flush=True)
while not ended.is_set():
    journal.left()
"""


def test_what_is_left_is_taken_at_the_first_try_while_others_look(journal, tmp_path):
    kept = intend(journal)
    kept.leave()
    command = [sys.executable, "-c", LOOKING, str(tmp_path / "undo")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as looking:
        assert looking.stdout is not None
        looking.stdout.readline()
        for number in range(300):
            with journal.taken(kept.intent) as taken:
                assert taken is not None, f"not at the {number}. time"
                assert not Journal(journal.folder).left()
        assert looking.stdin is not None
        looking.stdin.close()
        assert looking.wait() == 0


DISK_FULL = """
import resource, signal, sys
from pathlib import Path
from pytest_sre.undo.files import Journal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path(sys.argv[1]))
size = len(next(journal.folder.glob("*.json")).read_bytes())
(there,) = journal.left()
# A time is written with more digits or fewer.
for limit in range(size - 10):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        journal.intend("fault", run="r-1", target="prod", what={"app": "shop"})
    except OSError:
        continue
    raise SystemExit(f"written with room for {limit} of {size} bytes")
assert journal.left() == (there,)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, resource.RLIM_INFINITY))
kept = journal.intend("fault", run="r-2", target="prod", what={"app": "shop"})
kept.made()
kept.leave()
assert journal.left("r-2") == (kept.intent,)
"""


def test_on_a_full_disk_nothing_may_be_done_and_nothing_is_forgotten(journal, tmp_path):
    intend(journal).leave()
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "undo")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert [each.suffix for each in (tmp_path / "undo").iterdir()] == [".json"] * 2
