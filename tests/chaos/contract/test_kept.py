"""What has to be on disk before anything is done, though the power fails in the next moment."""

import os
from pathlib import Path

import pytest

from pytest_sre.chaos.experiments.journals import keep_journal
from pytest_sre.undo.files import Journal


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to name open files")
def test_an_intent_and_then_its_name_are_on_disk_before_it_may_be_acted_on(tmp_path, monkeypatch):
    synced: list[Path] = []
    really = os.fsync

    def fsync(number: int) -> None:
        synced.append(Path(f"/proc/self/fd/{number}").readlink())
        really(number)

    monkeypatch.setattr(os, "fsync", fsync)

    kept = Journal(tmp_path).intend("chaos", run="r", target="t", what={})
    written, folder = synced
    kept.leave()

    assert written.suffix == ".new"
    assert written.name.startswith(kept.intent.id)
    assert folder == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == [f"{kept.intent.id}.json"]


def test_a_journal_of_an_experiment_is_kept_without_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("FLY_API_TOKEN", "fo1_Qm9yZWRQYW5kYTEyMzQ1Njc4OTA")

    path = keep_journal(tmp_path, "lose-a-region", '{"said": "fo1_Qm9yZWRQYW5kYTEyMzQ1Njc4OTA"}')

    assert path
    assert "fo1_Qm9" not in path.read_text("utf-8")
    assert "said" in path.read_text("utf-8")
