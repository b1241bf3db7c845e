import datetime as dt
from pathlib import Path

import pytest

from pytest_sre.recording import Recorder, RecordingError, new_run_path

AT = dt.datetime(2026, 3, 1, 23, 59, 59, tzinfo=dt.UTC).timestamp()


def test_a_run_is_named_by_time_and_target_and_can_be_recorded_at_once(tmp_path: Path) -> None:
    path = new_run_path(tmp_path, "staging/eu west", AT)
    with Recorder(path):
        pass

    assert path.parent == tmp_path / ".sre" / "runs"
    assert path.name.startswith("20260301T235959Z-staging-eu-west-")
    assert path.suffix == ".sqlite"
    assert (tmp_path / ".sre" / ".gitignore").read_text() == "*\n"


def test_two_runs_of_one_second_have_their_own_files(tmp_path: Path) -> None:
    assert new_run_path(tmp_path, "local", AT) != new_run_path(tmp_path, "local", AT)


def test_the_newest_twenty_runs_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    runs = []
    for number in range(25):
        path = new_run_path(tmp_path, "local", AT + number)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).touch()
        runs.append(path.name)
        path.with_name("kept-by-hand.sqlite").touch()

    files = {path.name for path in (tmp_path / ".sre" / "runs").iterdir()}
    kept = {name + end for name in runs[5:] for end in ("", "-wal", "-shm")}
    assert files == kept | {"kept-by-hand.sqlite"}


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".sre").write_text("a file where a folder should be")

    with pytest.raises(RecordingError) as refused:
        new_run_path(tmp_path, "local", AT)

    text = str(refused.value)
    assert str(tmp_path / ".sre" / "runs") in text
    assert len(text.splitlines()) <= 4
