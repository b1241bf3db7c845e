"""Bad days inside Machines and between them: their disk, their names, their checks, their calls."""

import os
import shutil
import sys
import time

import psutil
import pytest

from pytest_sre.local.platform import LocalPlatformError
from tests.patience import until

FETCH = (
    "import sys, urllib.request as r, urllib.error as e\n"
    "try: print(r.urlopen(sys.argv[1], timeout=60).status)\n"
    "except e.HTTPError as error: print(error.code, error.read().decode())\n"
)
# Says each time when writing begins to fail or to succeed; asked again by a child, too.
WRITER = """
import os, time
path, told = os.environ["TMPDIR"] + "/data", None
child = os.fork()
who = "parent" if child else "child"
while True:
    try:
        with open(path + who, "w") as file:
            file.write("x" * 10)
        now = "written"
    except OSError as error:
        now = f"refused: {error.strerror}"
    if now != told:
        print(who, now, flush=True)
        told = now
    time.sleep(0.01)
"""
needs_limits = pytest.mark.skipif(
    not hasattr(psutil.Process, "rlimit"), reason="only Linux limits what is written"
)


@pytest.fixture
def bad(platform, client):
    """Switch a fault on for the test's own app."""

    def switch_on(kind, **told):
        return platform.add_fault({"kind": kind, "app": client.app, **told})["id"]

    yield switch_on
    platform.clear_faults()


def fetched(client, machine, url):
    found = client.exec(machine, sys.executable, "-S", "-c", FETCH, url)
    assert found["exit_code"] == 0, found
    return found["stdout"].strip()


def test_a_fault_has_the_name_it_is_given(platform, bad):
    assert bad("api-slow", name="mine") == "mine"
    assert [fault["id"] for fault in platform.faults()] == ["mine"]
    with pytest.raises(LocalPlatformError, match="expected a new name, found 'mine'"):
        bad("api-slow", name="mine")
    platform.remove_fault("mine")
    assert bad("api-slow", name="mine") == "mine"
    with pytest.raises(LocalPlatformError, match="expected a name of letters"):
        bad("api-slow", name="a/b")


@pytest.mark.usefixtures("bad")
def test_a_link_has_the_name_it_is_given_and_new_ones_keep_clear_of_it(platform):
    told = {"kind": "link", "latency_s": 0.1}
    assert platform.add_fault({**told, "name": "link-1"})["id"] == "link-1"
    assert platform.add_fault(told)["id"] != "link-1"
    with pytest.raises(LocalPlatformError, match="expected a new name"):
        platform.add_fault({**told, "name": "link-1"})
    platform.remove_fault("link-1")
    assert "link-1" not in [fault["id"] for fault in platform.faults()]


def test_checks_flap_whatever_their_interval_and_pass_again_afterwards(client, bad, platform):
    check = {"type": "http", "path": "/", "interval": "1h", "grace_period": "60s"}
    machine = client.create_web(service={"checks": [check]})
    fault = bad("check-flap", every_s=0.3)
    for healthy in (False, True, False):
        until(lambda healthy=healthy: client.is_healthy(machine) is healthy)
    platform.remove_fault(fault)
    until(lambda: client.is_healthy(machine))
    began = time.monotonic()
    while time.monotonic() < began + 0.7:
        assert client.is_healthy(machine)


def test_names_are_not_resolved_and_those_that_are_not_meant_are(client, bad, platform):
    machine = client.create_web()
    own, other = f"http://{client.app}.internal:8080/", f"http://web.process.{client.app}.internal"
    fault = bad("dns-failure", machine=machine, hosts=[f"{client.app}.internal"])
    assert fetched(client, machine, own).startswith("502")
    assert "no such host" in fetched(client, machine, own)
    assert "no such host" not in fetched(client, machine, f"{other}:8080/")
    platform.remove_fault(fault)
    assert fetched(client, machine, own) == "200"
    bad("dns-failure", machine=machine)
    assert "no such host" in fetched(client, machine, own)


@pytest.mark.usefixtures("bad")
def test_calls_are_refused_while_a_link_refuses_them(client, platform):
    machine = client.create_web()
    url = f"http://{client.app}.internal:8080/"
    link = {"kind": "link", "from": f"machine:{machine}", "refused": True, "name": "no"}
    platform.add_fault({**link, "to": f"app:{client.app}"})
    assert "refused the connection" in fetched(client, machine, url)
    platform.remove_fault("no")
    assert fetched(client, machine, url) == "200"
    platform.add_fault({**link, "to": "host:localhost.test"})
    assert fetched(client, machine, url) == "200"
    assert "refused the connection" in fetched(client, machine, "http://LOCALHOST.test:9/")


@pytest.mark.skipif(
    not hasattr(psutil.Process, "rlimit"), reason="only Linux limits what is written"
)
def test_a_full_disk_refuses_what_is_written_and_only_while_it_is_full(client, bad, platform):
    machine = client.python(WRITER)

    def said(who, what):
        lines = [line for line in client.messages(machine, "app") if line.startswith(who)]
        return lines and lines[-1].startswith(f"{who} {what}")

    def limits():
        tree = psutil.Process(client.pid(machine))
        return {each.rlimit(psutil.RLIMIT_FSIZE) for each in [tree, *tree.children()]}

    until(lambda: said("parent", "written") and said("child", "written"))
    before = limits()
    fault = bad("disk-full", machine=machine)
    until(lambda: said("parent", "refused") and said("child", "refused"))
    platform.remove_fault(fault)
    until(lambda: said("parent", "written") and said("child", "written"))
    assert limits() == before


@pytest.mark.skipif(
    not hasattr(psutil.Process, "rlimit"), reason="only Linux limits what is written"
)
def test_what_starts_while_the_disk_is_full_cannot_write_either(client, bad, platform):
    bad("disk-full")
    machine = client.python(WRITER)
    until(lambda: any("parent refused" in each for each in client.messages(machine)))
    platform.clear_faults()
    until(lambda: client.messages(machine, "app")[-1].endswith("written"))


@pytest.mark.skipif(not shutil.which("setsid"), reason="there is no setsid")
def test_what_a_command_leaves_running_ends_with_its_machine(client, tmp_path):
    machine, told = client.deaf(), tmp_path / "pid"
    # Its number is told when it has a session of its own; before, it would end with the command.
    stays = f"setsid sh -c 'echo $$ > {told}; exec sleep 300' > /dev/null 2>&1 &"
    script = f"{stays} while [ ! -s {told} ]; do sleep 0.05; done; cat {told}"
    pid = int(client.exec(machine, "sh", "-c", script)["stdout"])
    os.kill(pid, 0)
    client.call("POST", f"/{machine}/stop")
    client.wait(machine, "stopped")
    until(lambda: not _runs(pid))


def _runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
