"""A disk that is filled for real: a small one, in a mount namespace of the test's own."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from pytest_sre.chaos.changes.disk import filled
from pytest_sre.chaos.changes.scripts import REFUSED, making, reading, undoing
from tests.patience import until


def missing() -> str:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux makes a disk of its own"
    absent = [tool for tool in ("unshare", "nsenter", "setsid", "dd") if not shutil.which(tool)]
    if absent:
        return f"there is no {', '.join(absent)}"
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False, timeout=60)
    return "" if tried.returncode == 0 else "there are no mount namespaces"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "none")


@pytest.fixture
def mark():
    return f"sre-{os.urandom(6).hex()}-0123abcd"


@pytest.fixture
def run(tmp_path):
    """Run a command where ``tmp_path`` is a disk of one megabyte."""
    mount = f"mount -t tmpfs -o size=1m none '{tmp_path}' && echo up && exec sleep 300"
    inside = subprocess.Popen(["unshare", "-m", "sh", "-c", mount], stdout=subprocess.PIPE)
    with contextlib.ExitStack() as held:
        held.callback(inside.stdout.close)
        held.callback(inside.wait)
        held.callback(inside.kill)
        if inside.stdout.readline() != b"up\n":
            pytest.skip("nothing can be mounted")

        def execute(command):
            words = ["nsenter", "-t", str(inside.pid), "-m", *command]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
            return done.returncode, done.stdout.strip()

        yield execute


def room(run, path):
    """How much can be written to the disk, in kilobytes."""
    write = f"dd if=/dev/zero of='{path}/own' bs=1024 2>/dev/null; wc -c <'{path}/own'"
    _, size = run(("sh", "-c", f"{write}; rm '{path}/own'"))
    return int(size) // 1024


def test_a_disk_is_full_until_it_is_undone(run, tmp_path, mark):
    deed = filled(str(tmp_path), mark)
    assert room(run, tmp_path) > 900
    assert run(making(deed, mark, 120)) == (0, "made")
    assert room(run, tmp_path) == 0
    assert run(reading(deed, mark))[1].startswith("there")
    for _ in range(2):
        assert run(undoing(deed, mark)) == (0, "read")
        assert run(reading(deed, mark)) == (0, "read")
    assert room(run, tmp_path) > 900


def test_a_full_disk_has_room_again_by_itself(run, tmp_path, mark):
    deed = filled(str(tmp_path), mark)
    assert run(making(deed, mark, 1)) == (0, "made")
    until(lambda: run(reading(deed, mark)) == (0, "read"))
    assert room(run, tmp_path) > 900


def test_a_folder_that_is_none_is_refused(run, tmp_path, mark):
    deed = filled(f"{tmp_path}/it's none", mark)
    said = f"there is no directory {tmp_path}/it's none"
    assert run(making(deed, mark, 60)) == (REFUSED, said)
    assert run(undoing(deed, mark)) == (0, "read")
