"""A warm image's processes are forked, and are all the same what they would be otherwise."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_sre.local.images import Image
from pytest_sre.local.machines.forking import wanted_of
from tests.patience import until

REF = "registry.local/warm:1"
HELPER = 'print("helper loaded", flush=True)\n'
APP = """
import json, os, sys
known = "xml.dom.minidom" in sys.modules
import helper
import xml.dom.minidom
told = {
    "name": __name__, "argv": sys.argv, "known": known, "stdin": sys.stdin.read(),
    "leads": os.getpid() == os.getpgrp() == os.getsid(0), "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "open": os.listdir("/proc/self/fd") if sys.platform == "linux" else [],
}
print(json.dumps(told), flush=True)
print("to the errors", file=sys.stderr, flush=True)
if sys.argv[1:] == ["fail"]:
    raise ValueError("as asked")
if sys.argv[1:] == ["wait"]:
    import signal
    child = os.fork()
    signal.pause()
print("no newline", end="")
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def image(platform, tmp_path_factory) -> Iterator[Image]:
    root = tmp_path_factory.mktemp("warm")
    (root / "app.py").write_text(APP)
    (root / "helper.py").write_text(HELPER)
    made = Image(REF, str(root), env={"FROM": "the image"}, warm=True)
    platform.register_image(made)
    yield made
    assert not list(root.rglob("*.pyc"))


@pytest.fixture(params=[["-m", "app"], ["app.py"]], ids=["module", "script"])
def command(request, image) -> list[str]:  # noqa: ARG001 - registered by then
    return ["python", *request.param]


def create(client, command, **more):
    return client.create(command, image=REF, restart={"policy": "no"}, **more)


def told(client, machine):
    lines = until(lambda: [m for m in client.messages(machine, "app") if m[0] == "{"])
    return json.loads(lines[-1])


def test_a_fork_is_what_the_command_would_be(client, command, image):
    machine = create(client, [*command, "7"], wait="stopped", env={"OWN": "value"})

    seen = told(client, machine)
    assert seen["name"] == "__main__"
    assert seen["argv"][1:] == ["7"]
    assert (seen["stdin"], seen["leads"], seen["cwd"]) == ("", True, str(Path(image.root)))
    assert seen["environment"]["FLY_MACHINE_ID"] == machine
    assert seen["environment"]["OWN"] == "value"
    assert seen["environment"]["FROM"] == "the image"
    assert "SECRET_OF_THE_SESSION" not in seen["environment"]
    # The last is the listing's own.
    assert len(seen["open"]) in (0, 4)
    assert client.exits(machine)[0]["exit_code"] == 7
    messages = client.messages(machine, "app")
    assert {"helper loaded", "to the errors", "no newline"} <= set(messages)


def test_an_exception_is_told_as_ever(client, command):
    machine = create(client, [*command, "fail"], wait="stopped")

    assert client.exits(machine)[0]["exit_code"] == 1
    assert client.messages(machine, "app")[-1] == "ValueError: as asked"


def test_a_killed_fork_ends_with_all_that_it_started(client, command):
    machine = create(client, [*command, "wait"])
    told(client, machine)
    pids = until(
        lambda: len(found := [each["pid"] for each in _processes(client, machine)]) == 2 and found
    )

    client.call("POST", f"/{machine}/signal", json={"signal": "SIGKILL"})

    client.wait(machine, "stopped")
    (ended,) = client.exits(machine)
    assert (ended["exit_code"], ended["guest_signal"]) == (137, 9)
    until(lambda: not any(map(psutil.pid_exists, pids)))


def _processes(client, machine):
    return client.call("GET", f"/{machine}/ps").json()


@pytest.mark.usefixtures("image")
def test_libraries_are_loaded_beforehand_and_the_apps_own_code_never(client):
    command = ["python", "-m", "app", "0"]
    # Told at its end, for those that come later.
    create(client, command, wait="stopped")

    machine = create(client, command, wait="stopped")

    assert told(client, machine)["known"] is True
    assert "helper loaded" in client.messages(machine, "app")


@pytest.mark.usefixtures("image")
def test_what_is_no_python_runs_as_ever(client):
    machine = create(client, ["sh", "-c", "echo plain; exit 3"], wait="stopped")

    assert client.exits(machine)[0]["exit_code"] == 3
    assert client.messages(machine, "app") == ["plain"]


@pytest.mark.usefixtures("image")
def test_machines_start_again_after_their_fork_server_was_killed(client):
    first = create(client, ["python", "-m", "app", "wait"])
    told(client, first)
    (process,) = [each for each in _processes(client, first) if each["pid"] == client.pid(first)]
    server = psutil.Process(psutil.Process(process["pid"]).ppid())
    assert any("fork_server.py" in word for word in server.cmdline())

    server.kill()

    client.wait(first, "stopped")
    second = create(client, ["python", "-m", "app", "5"], wait="stopped")
    assert client.exits(second)[0]["exit_code"] == 5


SESSION = """
import sys
from pathlib import Path
from pytest_sre.local import Image, LocalPlatform
import httpx

platform = LocalPlatform.start(Path(sys.argv[1]))
platform.register_image(Image("registry.local/warm:1", sys.argv[2], warm=True))
with httpx.Client(
    base_url=platform.api_url, headers={"authorization": "Bearer " + platform.token},
    trust_env=False, timeout=90,
) as api:
    api.post("/v1/apps", json={"name": "shop"})
    config = {"image": "registry.local/warm:1", "init": {"cmd": ["python", "-m", "forever"]}}
    made = api.post("/v1/apps/shop/machines", json={"config": config}).json()
    path = f"/v1/apps/shop/machines/{made['id']}"
    api.get(f"{path}/wait", params={"state": "started", "timeout": 60})
    print(platform.pid, api.get(f"{path}/ps").json()[0]["pid"], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("killed", ["session", "server"])
def test_no_fork_outlives_whoever_started_it(tmp_path, killed):
    (tmp_path / "forever.py").write_text("import signal\nsignal.pause()\n")
    with subprocess.Popen(
        [sys.executable, "-c", SESSION, str(tmp_path / "state"), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as session:
        server, fork = map(int, session.stdout.readline().split())
        forked = psutil.Process(fork)
        parent = forked.parent()
        assert parent.pid != server
        os.kill(session.pid if killed == "session" else server, signal.SIGKILL)
        for process in forked, parent:
            process.wait(60)
        session.kill()


PYTHON = Path(sys.executable).parent


@given(
    st.lists(st.sampled_from(["python", "-m", "-c", "-S", "app", "app.py", "sh", "", "x"])),
    st.sampled_from([{}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONHASHSEED": "0"}]),
)
def test_only_plain_python_commands_are_forked(command, more):
    environment = {"PATH": f"{PYTHON}:/usr/bin:/bin", **more}

    wanted = wanted_of(command, environment, Path("/app"))

    if wanted is not None:
        assert "PYTHONHASHSEED" not in more
        named = ["-m", wanted.module] if wanted.module else [wanted.script]
        assert command == ["python", *named, *wanted.arguments]
