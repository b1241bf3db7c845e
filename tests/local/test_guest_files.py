"""``[[files]]``: what is put into a Machine, and that nothing is written beside it."""

import base64
import os
from pathlib import Path, PurePosixPath

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.fly.config import MachineConfig
from pytest_sre.local.machines.guest_files import planned_files, write_files

FOREVER = ["sleep", "1000"]
SECRETS = {"TLS_KEY": base64.b64encode(b"key").decode()}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plan(*files: dict[str, object]):
    return planned_files(msgspec.convert({"files": list(files)}, MachineConfig), SECRETS)


def test_content_comes_from_the_configuration_or_a_secret():
    own, secret = plan(
        {"guest_path": "/etc/app.toml", "raw_value": encoded("a = 1"), "mode": 0o600},
        {"guest_path": "/run/key", "secret_name": "TLS_KEY"},
    )
    assert (own.path, own.content, own.mode) == (PurePosixPath("etc/app.toml"), b"a = 1", 0o600)
    assert (secret.content, secret.mode) == (b"key", 0o644)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"guest_path": "relative", "raw_value": ""}, "not a plain absolute path: 'relative'"),
        ({"guest_path": "/a/../../b", "raw_value": ""}, "not a plain absolute path"),
        ({"guest_path": "/", "raw_value": ""}, "not a plain absolute path"),
        ({"guest_path": "/a\0b", "raw_value": ""}, "not a plain absolute path"),
        ({"guest_path": "/a", "raw_value": "?"}, "/a: raw_value is not base64"),
        ({"guest_path": "/a", "secret_name": "NONE"}, "secret 'NONE' is not set"),
        ({"guest_path": "/a", "image_config": "x"}, "expected raw_value or secret_name"),
    ],
)
def test_a_file_that_cannot_be_is_refused(file, expected):
    with pytest.raises(ValueError, match=r"config\.files") as refused:
        plan(file)
    assert expected in str(refused.value)


@pytest.mark.parametrize(("one", "two"), [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a")])
def test_a_path_is_taken_once(one, two):
    with pytest.raises(ValueError, match="taken twice"):
        plan({"guest_path": one, "raw_value": ""}, {"guest_path": two, "raw_value": ""})


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "~", "\\"]), max_size=6))
def test_whatever_the_path_nothing_is_written_outside(tmp_path_factory, parts):
    outside = tmp_path_factory.mktemp("outside")
    root = outside / "root"
    try:
        files = plan({"guest_path": "/" + "/".join(parts), "raw_value": encoded("x")})
    except ValueError:
        return
    write_files(root, files)
    assert os.listdir(outside) == ["root"]  # noqa: PTH208
    assert [path.read_text() for path in root.rglob("*") if path.is_file()] == ["x"]


def test_a_link_that_a_process_left_leads_nowhere(tmp_path: Path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "etc").symlink_to(outside)
    write_files(root, plan({"guest_path": "/etc/app.toml", "raw_value": encoded("x")}))
    assert list(outside.iterdir()) == []
    assert (root / "etc" / "app.toml").read_text() == "x"


def test_a_machine_finds_its_files_as_they_were_at_each_start(client):
    machine = client.create(
        FOREVER, files=[{"guest_path": "/etc/app.toml", "raw_value": encoded("a = 1")}]
    )
    script = 'cat "$FLY_FILES_DIR/etc/app.toml"; echo changed > "$FLY_FILES_DIR/etc/app.toml"'
    assert client.exec(machine, "sh", "-c", script)["stdout"] == "a = 1"
    client.call("POST", f"/{machine}/restart")
    client.wait(machine, "started")
    assert client.exec(machine, "sh", "-c", script)["stdout"] == "a = 1"


def test_a_file_outside_of_the_machine_is_400(client):
    files = [{"guest_path": "/../../escaped", "raw_value": encoded("x")}]
    config = {"image": "registry.local/test:1", "files": files}
    answer = client.call("POST", "", json={"config": config})
    assert answer.status_code == 400
    assert "guest_path" in answer.json()["error"]
