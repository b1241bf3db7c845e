import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from pytest_sre.local import commands
from pytest_sre.local.leftovers import clear_leftovers
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from tests.patience import until

# A session in short: it starts the platform, and two Machines, one of which will not stop by
# itself, then says who they are and waits.
SESSION = """
import json, sys, time
from pathlib import Path
import httpx
from pytest_sre.local import Image, LocalPlatform

platform = LocalPlatform.start(Path(sys.argv[1]))
platform.register_image(Image("registry.local/test:1", sys.argv[2]))
api = httpx.Client(
    base_url=platform.api_url,
    headers={"authorization": "Bearer " + platform.token},
    trust_env=False,
    timeout=90,
)
api.post("/v1/apps", json={"name": "shop"})
stubborn = "trap '' INT TERM HUP; echo up; while :; do sleep 1000; done"
for command in (["sleep", "1000"], ["sh", "-c", stubborn]):
    config = {"image": "registry.local/test:1", "init": {"cmd": command}}
    made = api.post("/v1/apps/shop/machines", json={"config": config}).json()
    path = f"/v1/apps/shop/machines/{made['id']}"
    api.get(f"{path}/wait", params={"state": "started", "timeout": 60})
pids = [
    process["pid"]
    for machine in api.get("/v1/apps/shop/machines").json()
    for process in api.get(f"/v1/apps/shop/machines/{machine['id']}/ps").json()
]
urls = [platform.api_url, platform.app_url("shop")]
print(json.dumps({"server": platform.pid, "pids": pids, "urls": urls}), flush=True)
if sys.argv[3] == "stop":
    platform.stop()
else:
    time.sleep(1000)
"""


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_open(url):
    try:
        httpx.get(url, trust_env=False, verify=False, timeout=90)
    except httpx.TransportError:
        return False
    return True


def run_session(state_dir, how):
    """Start a session in a process of its own; the process, and what it started."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(state_dir), str(state_dir.parent), how],
        stdout=subprocess.PIPE,
        cwd=root,
        start_new_session=True,
    )
    with process.stdout as output:
        started = json.loads(output.readline())
    return process, started


@pytest.mark.parametrize("how", ["stop", "SIGKILL", "SIGTERM", "SIGINT to its group"])
def test_nothing_is_left_however_the_session_ends(tmp_path, how):
    state_dir = tmp_path / "local"
    process, started = run_session(state_dir, how)
    everything = [started["server"], *started["pids"]]
    if how != "stop":
        assert all(is_running(pid) for pid in everything)
        number = getattr(signal, how.split()[0])
        (os.killpg if "group" in how else os.kill)(process.pid, number)
    process.wait(60)
    until(lambda: not any(is_running(pid) for pid in everything))
    until(lambda: not state_dir.exists())
    assert not any(is_open(url) for url in started["urls"])


@pytest.mark.parametrize("where", ["in the same place", "in another place"])
def test_what_a_killed_server_left_is_ended_later(tmp_path, where):
    state_dir = tmp_path / "local"
    process, started = run_session(state_dir, "wait")
    try:
        os.kill(started["server"], signal.SIGKILL)
        until(lambda: not is_running(started["server"]))
        assert all(is_running(pid) for pid in started["pids"])
        other = state_dir if where == "in the same place" else tmp_path / "other"
        with LocalPlatform.start(other) as platform:
            if other != state_dir:
                # The Machines, and a Prometheus where one was begun.
                assert clear_leftovers(tmp_path) >= 2
            until(lambda: not any(is_running(pid) for pid in started["pids"]))
            assert is_running(platform.pid)
    finally:
        process.kill()
        process.wait()
    assert not state_dir.exists()


def test_the_server_takes_sigterm_as_its_end(tmp_path):
    state_dir = tmp_path / "local"
    process, started = run_session(state_dir, "wait")
    try:
        os.kill(started["server"], signal.SIGTERM)
        until(lambda: not any(is_running(pid) for pid in started["pids"]))
        until(lambda: not state_dir.exists())
    finally:
        process.kill()
        process.wait()


def test_up_status_and_down(tmp_path, app_image):
    state_dir = tmp_path / "local"
    assert commands.status(state_dir).exit_code == 1
    LocalPlatform.up(state_dir).close()
    try:
        with pytest.raises(LocalPlatformError, match="expected no local platform"):
            LocalPlatform.start(state_dir)
        found = LocalPlatform.attach(state_dir)
        assert found is not None
        assert oct((state_dir / "platform.json").stat().st_mode & 0o777) == "0o600"
        found.register_image(app_image)
        headers = {"authorization": f"Bearer {found.token}"}
        with httpx.Client(
            base_url=found.api_url, headers=headers, trust_env=False, verify=False
        ) as api:
            api.post("/v1/apps", json={"name": "shop"})
            config = {"image": app_image.ref, "init": {"cmd": ["sleep", "1000"]}}
            machine = api.post("/v1/apps/shop/machines", json={"config": config}).json()["id"]
        with pytest.raises(LocalPlatformError, match="found: shop"):
            found.app_url("sohp")
        table = "\n".join(commands.status(state_dir).lines)
        assert machine in table
        assert found.app_url("shop") in table
        shown = json.loads(commands.status(state_dir, as_json=True).lines[0])
        assert shown["apps"][0]["machines"][0]["id"] == machine
        assert found.token not in table + json.dumps(shown)
        found.close()
    finally:
        ended = commands.down(state_dir)
    assert ended == commands.Outcome(0, ("the local platform was stopped; nothing is left of it",))
    assert not state_dir.exists()
    assert commands.down(state_dir).exit_code == 0


def test_a_server_that_cannot_start_is_explained_by_its_last_words(tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "platform.json.partial").mkdir()
    with pytest.raises(LocalPlatformError) as caught:
        LocalPlatform.start(tmp_path / "local")
    assert "expected the local platform to start, found its end" in str(caught.value)
    assert "platform.json.partial" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 4
