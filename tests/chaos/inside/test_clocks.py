"""Clocks that are off: of local Machines by libfaketime, on Fly.io by ``date``; never this one."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from pytest_sre.chaos.actions import SkewClock, Which
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.changes.clock import skewed
from pytest_sre.chaos.changes.known import read_change, write_change
from pytest_sre.chaos.changes.scripts import REFUSED, making, reading, undoing
from pytest_sre.local.platform import LocalPlatformError
from tests.patience import until

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Machines on Fly run Linux")


def off_by(shop, machine):
    """How far a Machine's clock is off, seconds."""
    now, _ = shop.says("/clock", machine)
    return now - time.time()


@pytest.fixture
def skew(shop):
    """Make the first Machine's clock be off; skipped where no libfaketime works."""
    (change,) = shop.plan(SkewClock(which=Which(ids=(shop.machines[0].id,)), by_s=-7200))
    assert read_change(write_change(change)) == change
    try:
        change.make(shop.hands)
    except LocalPlatformError as error:
        if "expected libfaketime" in str(error):
            pytest.skip("no libfaketime works here")
        raise
    yield change
    change.undo(shop.hands)


def test_a_machines_clock_is_off_until_it_is_undone(shop, skew):
    off, right = shop.machines[0].id, shop.machines[1].id
    until(shop.is_well)
    assert off_by(shop, off) == pytest.approx(-7200, abs=120)
    assert off_by(shop, right) == pytest.approx(0, abs=120)
    before = shop.says("/clock", off)[1]
    assert not skew.is_undone(shop.hands)
    read = read_change(write_change(skew))
    for _ in range(2):
        read.undo(shop.hands)
        assert read.is_undone(shop.hands)
    # Without a restart; and what measures how long something takes noticed nothing.
    assert off_by(shop, off) == pytest.approx(0, abs=120)
    assert 0 < shop.says("/clock", off)[1] - before < 120


@pytest.mark.usefixtures("skew")
def test_a_machine_whose_clock_was_off_leaves_nothing_behind(shop):
    until(shop.is_well)
    machine = shop.machines[0].id
    (server,) = [each["pid"] for each in _processes(shop, machine)][:1]
    shop.fly.signal("shop", machine, "SIGKILL")
    until(lambda: not Path(f"/dev/shm/faketime_shm_{server}").exists())
    until(shop.is_well)
    assert off_by(shop, machine) == pytest.approx(-7200, abs=120)


def _processes(shop, machine):
    url = f"{shop.hands.local.api_url}/v1/apps/shop/machines/{machine}/ps"
    headers = {"authorization": f"Bearer {shop.hands.local.token}"}
    return httpx.get(url, headers=headers, timeout=60, trust_env=False).json()


def test_less_than_a_second_is_none(shop):
    with pytest.raises(NotInjected, match="expected a skew of at least a second"):
        shop.plan(SkewClock(by_s=0.4))


DATE = """#!/bin/sh
# A clock of its own: OFFSET has how far it is ahead of this computer's.
case "$1" in
  +%s) echo $(($({real} +%s) + $(cat "{folder}/offset"))) ;;
  -s) [ -e "{folder}/refused" ] && exit 1
      at=${{2#@}}; echo $((at - $({real} +%s))) > "{folder}/offset" ;;
esac
"""


class FakeClock:
    """A ``date`` that sets a clock of its own, and an ``id`` that says root."""

    def __init__(self, folder):
        self.folder = folder
        self.mark = f"sre-{os.urandom(6).hex()}-0123abcd"
        (folder / "offset").write_text("0\n")
        self._program("date", DATE.format(real=shutil.which("date"), folder=folder))
        self._program("id", "#!/bin/sh\necho 0\n")

    def _program(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    @property
    def offset(self):
        return int((self.folder / "offset").read_text())

    def run(self, command):
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout.strip()


@pytest.fixture
def clock(tmp_path):
    made = FakeClock(tmp_path)
    yield made
    made.run(undoing(skewed(1, made.mark), made.mark))


@linux
@pytest.mark.parametrize("by_s", [3600, -86_400])
def test_a_clock_is_set_off_and_back(clock, by_s):
    deed = skewed(by_s, clock.mark)
    assert clock.run(making(deed, clock.mark, 120)) == (0, "made")
    assert clock.offset == pytest.approx(by_s, abs=60)
    assert clock.run(reading(deed, clock.mark))[1].startswith("there")
    for _ in range(2):
        assert clock.run(undoing(deed, clock.mark)) == (0, "read")
        assert clock.run(reading(deed, clock.mark)) == (0, "read")
        assert abs(clock.offset) <= 2


@linux
def test_a_clock_is_right_again_by_itself(clock):
    deed = skewed(3600, clock.mark)
    assert clock.run(making(deed, clock.mark, 1)) == (0, "made")
    until(lambda: clock.run(reading(deed, clock.mark)) == (0, "read"))
    assert abs(clock.offset) <= 2


@linux
def test_a_clock_that_cannot_be_set_is_refused(clock):
    deed = skewed(3600, clock.mark)
    (clock.folder / "refused").touch()
    code, _ = clock.run(making(deed, clock.mark, 60))
    assert code == REFUSED
    assert clock.offset == 0
    (clock.folder / "refused").unlink()
    assert clock.run(undoing(deed, clock.mark)) == (0, "read")
    assert abs(clock.offset) <= 2


@linux
def test_a_clock_that_cannot_be_set_back_stays_known(clock):
    deed = skewed(3600, clock.mark)
    assert clock.run(making(deed, clock.mark, 120)) == (0, "made")
    (kept,) = Path("/tmp").glob(f".{clock.mark}")
    booted = kept.read_text()
    kept.write_text("\n")
    assert clock.run(undoing(deed, clock.mark)) == (0, "read")
    assert clock.run(reading(deed, clock.mark))[1].startswith("there")
    kept.write_text(booted)
    assert clock.run(undoing(deed, clock.mark)) == (0, "read")
    assert clock.run(reading(deed, clock.mark)) == (0, "read")
    assert abs(clock.offset) <= 2
