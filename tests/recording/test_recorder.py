import sqlite3
import threading
from pathlib import Path

import pytest

from pytest_sre.recording import Recorder, Recording
from pytest_sre.recording.rows import Exchange, Flake, OwnFault, Row

FILL = """
import sys
from pathlib import Path
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import OwnFault

path, cause, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with Recorder(path) as recorder:
    for number in range(count):
        recorder.write(OwnFault(at=float(number), cause=cause, detail="x" * 50))
assert recorder.error is None, recorder.error
"""

FLUSH_AND_GO_ON = """
import itertools, sys
from pathlib import Path
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import OwnFault

recorder = Recorder(Path(sys.argv[1]), {"run": "7"})
for number in range(1000):
    recorder.write(OwnFault(at=float(number), cause="before", detail=""))
recorder.flush()
print("flushed", flush=True)
for number in itertools.count():
    recorder.write(OwnFault(at=float(number), cause="after", detail="x" * 200))
"""

FULL_DISK = """
import resource, sys
from pathlib import Path
from pytest_sre.recording import Recorder
from pytest_sre.recording.rows import OwnFault

recorder = Recorder(Path(sys.argv[1]))
recorder.write(OwnFault(at=0.0, cause="small", detail=""))
recorder.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for number in range(2000):
    recorder.write(OwnFault(at=1.0, cause="large", detail="x" * 1000))
recorder.flush()
assert recorder.error is not None
recorder.write(OwnFault(at=2.0, cause="late", detail=""))
print(recorder.dropped)
print(recorder.error)
recorder.close()
"""


def fault(at: float, cause: str = "own dns") -> OwnFault:
    return OwnFault(at=at, cause=cause, detail="")


def test_flushed_rows_are_seen_by_a_reader_that_was_open_before(path: Path) -> None:
    with Recorder(path) as recorder, Recording(path) as recording:
        for round_number in range(1, 4):
            recorder.write(fault(at=round_number))
            recorder.flush()

            assert recording.count(OwnFault) == round_number


def test_close_writes_what_is_queued_and_leaves_one_file(path: Path) -> None:
    with Recorder(path) as recorder:
        for number in range(1203):
            recorder.write(fault(at=number))

    with Recording(path) as recording:
        assert recording.count(OwnFault) == 1203
    assert [path] == list(path.parent.iterdir())


def test_rows_written_after_close_are_counted_as_dropped(path: Path) -> None:
    recorder = Recorder(path)
    recorder.close()
    recorder.close()

    recorder.write(fault(at=1.0))
    recorder.flush()

    assert recorder.dropped == 1


def test_threads_share_a_recorder(path: Path) -> None:
    def fill(cause: str) -> None:
        for number in range(400):
            recorder.write(fault(at=number, cause=cause))

    with Recorder(path) as recorder:
        threads = [threading.Thread(target=fill, args=(str(n),)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.flush()

        with Recording(path) as recording:
            assert [recording.count(OwnFault, cause=str(n)) for n in range(5)] == [400] * 5


def test_a_full_queue_makes_writers_wait_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        for number in range(50):
            recorder.write(fault(at=number))

    monkeypatch.setattr("pytest_sre.recording.recorder.QUEUE_ROWS", 3)
    monkeypatch.setattr("pytest_sre.recording.recorder.BATCH_S", 0.001)
    with Recorder(path) as recorder:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writer = threading.Thread(target=fill)
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
        other.execute("ROLLBACK")
        other.close()
        writer.join(60)

    with Recording(path) as recording:
        assert [row.at for row in recording.rows(OwnFault)] == list(range(50))
    assert recorder.dropped == 0


def test_only_rows_of_a_recording_are_taken(path: Path) -> None:
    class Other(Row, frozen=True, kw_only=True):
        table = "others"

    with Recorder(path) as recorder, pytest.raises(TypeError, match="Other is not a row type"):
        recorder.write(Other(at=1.0))


def test_what_is_said_of_the_run_is_kept_by_the_processes_that_join(path: Path) -> None:
    run = {"run": "7f3a", "target": "local\udc80", "started_at": "1760000000.5"}
    with Recorder(path, run), Recorder(path), Recording(path) as recording:
        assert recording.meta() == run | {"target": "local\\udc80"}


def test_several_processes_create_and_fill_one_file(path: Path, start_script) -> None:
    writers = [start_script(FILL, path, cause, 1500) for cause in "abcd"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()

    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    with Recording(path) as recording:
        assert [recording.count(OwnFault, cause=cause) for cause in "abcd"] == [1500] * 4


def test_a_killed_writer_leaves_what_it_flushed_and_a_file_that_others_go_on_with(
    path: Path, start_script
) -> None:
    writer = start_script(FLUSH_AND_GO_ON, path)
    assert writer.stdout.readline() == "flushed\n"
    writer.kill()
    writer.wait(60)

    with Recording(path) as recording:
        assert recording.count(OwnFault, cause="before") == 1000
        assert recording.meta() == {"run": "7"}
        after = recording.rows(OwnFault, cause="after")
        assert [row.at for row in after] == list(range(len(after)))
    with Recorder(path) as recorder:
        recorder.write(fault(at=1.0, cause="next"))
    with Recording(path) as recording:
        assert recording.count(OwnFault, cause="next") == 1


def test_a_disk_that_fails_ends_neither_the_run_nor_the_rows_before(
    path: Path, start_script
) -> None:
    writer = start_script(FULL_DISK, path)
    output, _ = writer.communicate(timeout=60)

    assert writer.returncode == 0
    dropped, *message = output.splitlines()
    assert 0 < int(dropped) <= 2001
    assert message[0].startswith("expected to write to the run's recording, found: ")
    assert str(path) in message[1]
    assert len(message) <= 4
    with Recording(path) as recording:
        kept = recording.count(OwnFault)
        assert recording.count(OwnFault, cause="small") == 1
        assert recording.count(OwnFault, cause="late") == 0
        assert kept + int(dropped) == 2002


def test_a_writer_waits_for_another_that_keeps_the_file_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_sre.recording.connection.BUSY_TIMEOUT_S", 0.01)
    refused = threading.Event()

    def watched(error: sqlite3.OperationalError) -> bool:
        refused.set()
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY

    monkeypatch.setattr("pytest_sre.recording.connection._is_busy", watched)
    with Recorder(path) as recorder:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        recorder.write(fault(at=1.0))
        assert refused.wait(60)
        other.execute("ROLLBACK")
        other.close()
        recorder.flush()

        assert recorder.error is None
        with Recording(path) as recording:
            assert recording.count(OwnFault) == 1


def test_rows_of_several_types_in_one_batch_each_go_to_their_own(path: Path) -> None:
    flake = Flake(at=2.0, what="probe /", attempts=2, first_failure="503", test="test_a")
    exchange = Exchange(at=3.0, source="probe", app="shop", method="GET", url="http://a/")
    with Recorder(path) as recorder:
        for row in (fault(at=1.0), flake, exchange):
            recorder.write(row)

    with Recording(path) as recording:
        assert recording.rows(OwnFault) == [fault(at=1.0)]
        assert recording.rows(Flake) == [flake]
        assert recording.rows(Exchange) == [exchange]
