"""However a run ends, and in whatever phase, nothing of it is left on the machine."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from pytest_sre.recording.rows import Exchange, TestRun
from tests.patience import until

# A test that lasts until the run is ended, so that the run is in the middle of its tests.
LONG_TEST = """
import pathlib, threading

def test_that_lasts(fly_app):
    pathlib.Path("begun").touch()
    threading.Event().wait(200)
"""


def test_normal_end(shop, outcome_of):
    before = shop.files
    run = shop.spawn("--sre-bake=1s")
    sockets = while_deploying(shop)
    outcome = outcome_of(run)
    assert "release verdict" in outcome.text
    assert_nothing_is_left(shop, before, sockets)


@pytest.mark.parametrize("phase", ["start", "deploy", "tests", "bake"])
@pytest.mark.parametrize(
    ("ending", "code"), [("Ctrl-C", 2), ("SIGTERM", 128 + signal.SIGTERM), ("SIGKILL", -9)]
)
def test_run_is_ended(shop, outcome_of, ending, code, phase):
    long_test = [shop.add("drills/test_long.py", LONG_TEST)] if phase == "tests" else []
    before = shop.files
    run = shop.spawn("--sre-bake=60s", *long_test)
    sockets = PHASES[phase](shop)
    end(run, ending)
    outcome = outcome_of(run)
    (shop.root / "begun").unlink(missing_ok=True)
    assert outcome.code == code, outcome.text
    assert "HEALTHY  " not in outcome.text.replace("UNHEALTHY", "")
    assert_nothing_is_left(shop, before, sockets)


def test_server_is_killed_and_the_run_ends_by_itself(shop, outcome_of):
    before = shop.files
    run = shop.spawn("--sre-bake=5s")
    # Not later: on a busy machine the run may be over soon after its bake is.
    until(lambda: shop.recorded(Exchange, source="bake"))
    server = server_of(shop)
    sockets = open_sockets(shop)
    server.kill()
    outcome = outcome_of(run)
    assert outcome.code == 1
    assert outcome.verdict != "HEALTHY", outcome.text
    assert_nothing_is_left(shop, before, sockets)


def test_server_and_run_are_killed_and_the_next_run_clears_up(shop, outcome_of):
    before = shop.files
    run = shop.spawn("--sre-bake=60s")
    sockets = in_the_bake(shop)
    os.kill(run.pid, signal.SIGSTOP)
    server_of(shop).kill()
    run.kill()
    outcome_of(run)
    orphans = until(lambda: found if len(found := shop.processes) == 5 else None)
    shop.verify("--sre-bake=100ms", "-k", "no_test_has_this_name")
    assert not any(orphan.is_running() for orphan in orphans)
    assert_nothing_is_left(shop, before, sockets)


def while_starting(shop):
    """The server's process is there."""
    until(lambda: len(shop.processes) > 1)
    return set()


def while_deploying(shop):
    """The first Machines are there."""
    until(lambda: len(shop.processes) > 2)
    return open_sockets(shop)


def in_a_test(shop):
    """A test has begun that will not end by itself."""
    until(lambda: (shop.root / "begun").exists())
    return open_sockets(shop)


def in_the_bake(shop):
    """The tests that do not wait for it have ended; the bake asks on."""
    until(lambda: shop.recorded(TestRun) > 30 and shop.recorded(Exchange, source="bake"))
    return open_sockets(shop)


PHASES = {
    "start": while_starting,
    "deploy": while_deploying,
    "tests": in_a_test,
    "bake": in_the_bake,
}


def end(run, ending):
    """End a run as a terminal does, as a pipeline does, or as nobody should."""
    if ending == "Ctrl-C":
        os.killpg(run.pid, signal.SIGINT)
    else:
        run.send_signal(signal.Signals[ending])


def server_of(shop):
    return next(p for p in shop.processes if "--state-dir" in p.cmdline())


def open_sockets(shop):
    """The sockets that the run's processes listen on."""
    ports = set()
    for process in shop.processes:
        with contextlib.suppress(psutil.Error):
            listening = process.net_connections("tcp")
            ports |= {each.laddr.port for each in listening if each.status == psutil.CONN_LISTEN}
    return {(port, inode) for port, inode in listening_sockets() if port in ports}


def listening_sockets():
    """All of this machine by port and inode: another program may have a port a moment later."""
    if sys.platform != "linux":
        return set()
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listen = "0A"
    return {(int(row[1].partition(":")[2], 16), row[9]) for row in rows if row[3] == listen}


def assert_nothing_is_left(shop, before, sockets):
    until(lambda: shop.processes == [])
    assert sockets & listening_sockets() == set()
    assert shop.files == before
    state = shop.root / ".sre" / "local"
    until(lambda: not state.exists() or list(state.iterdir()) == [])
