"""What ``--sre-load-workers`` needs beside itself is asked for before anything is begun."""

from types import SimpleNamespace

import pytest

from pytest_sre.load.remote.asked import External, InMachines
from pytest_sre.run.load_crew import read_wanted

SECRET = "a secret of these tests"


def on(platform: str):
    return SimpleNamespace(target=SimpleNamespace(platform=platform))


def test_workers_that_join_need_a_secret_which_is_never_shown(monkeypatch):
    monkeypatch.setenv("SRE_LOAD_SECRET", SECRET)
    wanted = read_wanted("2", "", on("fly"))

    assert (wanted.workers, wanted.secret) == (External(2), SECRET.encode())
    assert SECRET not in repr(wanted)
    monkeypatch.setenv("SRE_LOAD_SECRET", "short")
    with pytest.raises(ValueError, match="found 5 characters"):
        read_wanted("2", "", on("fly"))


def test_machines_on_fly_need_an_image_and_no_secret(monkeypatch):
    monkeypatch.delenv("SRE_LOAD_SECRET", raising=False)

    assert read_wanted("fly:iad", "", on("local")).workers == InMachines({"iad": 1})
    assert read_wanted("fly:iad", "load:1", on("fly")).image == "load:1"
    with pytest.raises(ValueError, match="give --sre-load-image=IMAGE"):
        read_wanted("fly:iad", "", on("fly"))
