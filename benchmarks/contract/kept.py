"""P10: no failure is lost: what was on the screen when a run was killed (-9) is in the outbox.

Real pytest sessions verify the demo shop on a local platform with ``--sre-issues=file``; each is
killed at a random moment while its tests fail.

Run as ``python benchmarks/contract/kept.py [--quick]``; ``KILLS=100`` makes it shorter.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.form import Target, report, wants_quick
from pytest_sre.issues.journal import dead_runs
from pytest_sre.issues.outbox import Outbox
from pytest_sre.local.places import by_hand_dir
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.redaction import Redactor
from pytest_sre.run.platforms import client_of, deploy_locally
from pytest_sre.run.sightings import sighting_of_dead
from pytest_sre.targets import load_settings

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("KILLS", "1000"))
QUICK_KILLS = 3
LONGEST_S = 2.0
SEED = 10
SUITE = """
import time
import pytest

@pytest.mark.parametrize("number", range(400))
def test_mine(fly_app, number):
    time.sleep(0.005)
    assert number % 3 == 1, f"order {number} is lost"
"""
FAILED = re.compile(r"::(test_mine\[\d+\]) FAILED")
BEGUN = re.compile(r"::(test_mine\[\d+\]) (?!FAILED|PASSED)")


@dataclass(frozen=True)
class Killed:
    """A session that was killed: what was on the screen, and what its project knows of it."""

    shown: frozenset[str]
    known: frozenset[str]
    in_progress: str
    during: str
    unreadable: int
    sent: int


def main() -> None:
    kills = QUICK_KILLS if wants_quick(__doc__ or "") else KILLS
    chance, began = random.Random(SEED), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, shop(Path(folder) / "shop") as root:
        killed = [kill_one(root, chance.uniform(0, LONGEST_S)) for _ in range(kills)]
    lost = sum(len(each.shown - each.known) for each in killed)
    # A test whose end was being written down when the kill came is named as failed, too.
    unnamed = sum(
        each.in_progress not in {"", each.during} and each.in_progress not in each.known
        for each in killed
    )
    report(
        "no failure is lost",
        titles=("what", "figure"),
        rows=[
            ("sessions killed", str(len(killed))),
            ("failures shown before", str(sum(len(each.shown) for each in killed))),
            ("failures known after", str(sum(len(each.known) for each in killed))),
            ("sessions with a test in progress", str(sum(bool(e.in_progress) for e in killed))),
            ("taken", f"{time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("failures lost", lost, "", "<=", 0),
            Target("tests in progress that are not named", unnamed, "", "<=", 0),
            Target("outboxes that cannot be read", sum(e.unreadable for e in killed), "", "<=", 0),
            Target("sessions with a sighting to deliver", _share(killed), "", ">=", 1.0),
        ],
        libraries=["pytest", "msgspec"],
    )


def _share(killed: list[Killed]) -> float:
    failing = [each for each in killed if each.shown]
    return sum(each.sent > 0 for each in failing) / max(1, len(failing))


@contextlib.contextmanager
def shop(root: Path):
    """A copy of the demo shop whose platform is up, with a suite that fails."""
    shutil.copytree(ROOT / "examples" / "shop", root)
    suite = root / "suites" / "mine" / "test_mine.py"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE, encoding="utf-8")
    platform = LocalPlatform.up(by_hand_dir(root))
    client = client_of(platform)
    try:
        (spec,) = load_settings(root, "local").target.apps
        deploy_locally(client, platform, spec, None)
        yield root
    finally:
        client.close()
        platform.stop()


def kill_one(root: Path, after_s: float) -> Killed:
    """Run a session, and kill it so long after its first failure is shown."""
    shutil.rmtree(root / ".sre" / "runs", ignore_errors=True)
    shutil.rmtree(root / ".sre" / "outbox", ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-v", "--tb=no", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--sre-target=local", "--sre-issues=file", "--sre-bake=1s"]
    process = subprocess.Popen(
        [*command, "suites/mine"],
        cwd=root,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "150"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    pieces: list[bytes] = []
    reader = threading.Thread(target=_read, args=(process, pieces))
    reader.start()
    deadline = time.monotonic() + 60
    while not FAILED.search(_text(pieces)) and process.poll() is None:
        assert time.monotonic() < deadline, _text(pieces)
        time.sleep(0.005)
    assert process.poll() is None, _text(pieces)
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    reader.join(30)
    return _found(root / ".sre" / "outbox", _text(pieces))


def _read(process: "subprocess.Popen[bytes]", pieces: list[bytes]) -> None:
    assert process.stdout is not None
    while piece := os.read(process.stdout.fileno(), 65_536):
        pieces.append(piece)
    process.stdout.close()


def _text(pieces: list[bytes]) -> str:
    return b"".join(pieces).decode("utf-8", "replace")


def _found(folder: Path, text: str) -> Killed:
    dead = [run for _, run in dead_runs(folder)]
    known = {failure.test.rpartition("::")[2] for run in dead for failure in run.failures}
    begun = BEGUN.findall(text + " ")
    during = dead[0].during.rpartition("::")[2] if dead else ""
    settings = load_settings(folder.parent.parent, "local").issues
    sightings = [sighting_of_dead(run, settings, Redactor()) for run in dead]
    waiting = list(Outbox(folder).waiting())
    return Killed(
        frozenset(FAILED.findall(text)),
        frozenset(known),
        begun[-1] if begun else "",
        during,
        len(list(folder.glob("*.broken"))) + (not dead and not waiting),
        sum(len(each.findings) for each in sightings) + len(waiting),
    )


if __name__ == "__main__":
    main()
