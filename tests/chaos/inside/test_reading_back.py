"""A command that fails reads nothing, and that is no proof that nothing is left."""

import os
import subprocess
import sys

import pytest

from pytest_sre.chaos.changes.disk import FilledDisk
from pytest_sre.chaos.changes.links import CutOff, SlowedPackets
from pytest_sre.chaos.changes.pressure import HeldMemory
from pytest_sre.chaos.changes.scripts import Deed, making, reading
from pytest_sre.fly.errors import PreconditionFailed
from pytest_sre.fly.models import ExecResult
from tests.patience import until

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Machines on Fly run Linux"
)
LOCKED = 'echo "Another app is currently holding the xtables lock" >&2; exit 4'
NO_IPV6 = (
    'echo "can\'t initialize table: Table does not exist (do you need to insmod?)" >&2; exit 3'
)
NO_DEVICE = "echo 'Cannot find device \"eth0\"' >&2; exit 1"


class Machine:
    """Executes in a shell of this computer, with tools of its own."""

    def __init__(self, folder):
        self.folder, self.fly = folder, self
        self.path, self.answer = f"{folder}:{os.environ['PATH']}", None
        for tool in ("iptables", "ip6tables", "tc", "getent", "sort"):
            self.has(tool, "exit 0")
        self.has("id", "echo 0")

    def has(self, tool, script):
        path = self.folder / tool
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def exec(self, _app, _machine, command, *, timeout_s):
        if self.answer:
            return self.answer
        done = subprocess.run(
            command,
            env={**os.environ, "PATH": self.path, "FLY_PRIVATE_IP": "fdaa::3"},
            capture_output=True,
            text=True,
            check=False,
            timeout=6 * timeout_s,
        )
        return ExecResult(done.returncode, None, done.stdout, done.stderr)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def told(kind, **more):
    """A change of which nothing is there, as nobody ever made it."""
    mark = f"sre-{os.urandom(6).hex()}-0123abcd"
    usual = {"app": "shop", "machine": "m1", "group": "web", "region": "iad"}
    return kind(**usual, mark=mark, lasts_s=60, **more)


CUT, SLOWED = told(CutOff), told(SlowedPackets, latency_s=0.1)
HELD, FILLED = told(HeldMemory), told(FilledDisk, path="/")


@pytest.mark.parametrize(
    ("change", "tool", "script", "said"),
    [
        (
            CUT,
            "iptables",
            LOCKED,
            "iptables ended with exit code 4: Another app is currently holding",
        ),
        (
            CUT,
            "ip6tables",
            LOCKED,
            "ip6tables ended with exit code 4: Another app is currently holding",
        ),
        (
            SLOWED,
            "tc",
            "echo 'No buffer space' >&2; exit 2",
            "tc ended with exit code 2: No buffer space",
        ),
        (CUT, "id", "exit 1", "id ended with exit code 1"),
        (HELD, "grep", "kill -9 $$", "grep ended with exit code 137"),
        (
            HELD,
            "grep",
            "echo 'grep: memory exhausted' >&2; exit 2",
            "grep ended with exit code 2: grep: memory",
        ),
        (FILLED, "grep", "exit 127", "grep ended with exit code 127"),
    ],
    ids=["ipv4", "ipv6", "slowed", "who", "killed", "memory", "no library"],
)
def test_what_cannot_be_read_is_not_undone_and_it_is_said_why(machine, change, tool, script, said):
    assert change.is_undone(machine)
    machine.has(tool, script)
    with pytest.raises(PreconditionFailed, match=said):
        change.is_undone(machine)
    command = making(change.deed, change.mark, 60)
    assert machine.exec("", "", command, timeout_s=60).stdout.strip() != "made"


@pytest.mark.parametrize(
    ("change", "tool", "script"),
    [
        (CUT, "ip6tables", NO_IPV6),
        (CUT, "iptables", "echo 'Protocol not supported' >&2; exit 1"),
        (SLOWED, "tc", NO_DEVICE),
        (CUT, "id", "echo 1000"),
    ],
    ids=["no ipv6", "no ipv4", "no device", "not root"],
)
def test_where_it_can_never_have_been_nothing_is_left(machine, change, tool, script):
    machine.has(tool, script)
    assert change.is_undone(machine)


def test_rules_of_one_family_are_found_where_there_is_no_other(machine):
    machine.has("ip6tables", NO_IPV6)
    machine.has("iptables", "echo '-A OUTPUT -j SRE-0123abcd'")
    assert not CUT.is_undone(machine)


def test_an_image_without_the_tool_has_nothing_of_it(machine):
    bare = machine.folder / "bare"
    bare.mkdir()
    (bare / "sh").symlink_to("/bin/sh")
    machine.path = str(bare)
    assert CUT.is_undone(machine)


@pytest.mark.parametrize(
    ("code", "said", "is_undone"),
    [
        (127, "sh: No such file or directory\n", True),
        (127, 'exec: "sh": executable file not found in $PATH', True),
        (127, "sh: Cannot allocate memory\n", False),
        (127, "sh: error while loading shared libraries: libc.so.6: failed to map", False),
        (126, "sh: Resource temporarily unavailable", False),
        (None, "", False),
    ],
    ids=["none", "none in path", "memory", "no library", "processes", "silence"],
)
def test_only_an_image_without_a_shell_needs_no_reading(machine, code, said, is_undone):
    machine.answer = ExecResult(code, None, "", said)
    if is_undone:
        assert HELD.is_undone(machine)
    else:
        with pytest.raises(PreconditionFailed):
            HELD.is_undone(machine)


def test_the_watchdog_goes_on_until_nothing_is_left(machine):
    there, tried = machine.folder / "there", machine.folder / "tried"
    deed = Deed(
        make=f"touch {there}",
        undo=f"echo >>{tried}; [ $(wc -l <{tried}) -lt 4 ] || rm -f {there}",
        left=f"[ ! -e {there} ] || echo there",
        needs_root=False,
    )
    mark = f"sre-{os.urandom(6).hex()}-0123abcd"
    made = machine.exec("", "", making(deed, mark, 1), timeout_s=60)
    assert (made.stdout, there.exists()) == ("made\n", True)
    until(lambda: not there.exists())
    until(
        lambda: machine.exec("", "", reading(deed, mark), timeout_s=60).stdout.split() == ["read"]
    )
