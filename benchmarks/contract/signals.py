"""P4: whatever signal ends a session of pytest, what it did to the target is undone first.

Real sessions of pytest stop a Machine, and are sent a signal, once or twice, while a fixture is set
up, while the Machine is being stopped, while it is down, while the steady state is looked at, or
while it is being started again; serial, and with two workers of pytest-xdist. Interrupts, hang-ups
and quits go to the whole process group, as a terminal sends them; the others to pytest alone.

Exit codes: 2 is pytest's own for an interrupt; 128 + number is ours for the others.

Run as ``python benchmarks/contract/signals.py [--quick]``; ``TIMES=1`` makes it shorter,
``SEED=5`` another.
"""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from front import PASSED, Treatment
from perturbing import MARK, PATIENCE_S, Fleet, fleet, marked, new_mark

from benchmarks.form import Target, report, wants_quick

TIMES = int(os.environ.get("TIMES", "10"))
SEED = int(os.environ.get("SEED", "4"))
SLOW_S = 1.0
SIGNALS = {
    "INT": (signal.SIGINT,),
    "2x INT": (signal.SIGINT, signal.SIGINT),
    "TERM": (signal.SIGTERM,),
    "2x TERM": (signal.SIGTERM, signal.SIGTERM),
    "HUP": (signal.SIGHUP,),
    "QUIT": (signal.SIGQUIT,),
}
PHASES = ("setup", "action", "pause", "hypothesis", "undo")
TO_ALL = {signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
CODES = {"INT": {2}, "TERM": {143}, "HUP": {129}, "QUIT": {131}}
PROJECT = {
    "fly.toml": 'app = "shop"\n[processes]\nweb = "true"\n',
    "sre.toml": '[targets.local]\nplatform = "local"\napps = ["fly.toml"]\n'
    'allow = ["observe", "chaos"]\n',
    "test_signals.py": """
import pathlib, time, pytest

def enter(phase):
    pathlib.Path(phase + ".entered").touch()

@pytest.fixture
def prepared(chaos, fly_app):
    with chaos.cordon_machine(fly_app, group="store"):
        enter("setup")
        time.sleep(0.3)
        yield

def test_first(fly_app, chaos, prepared):
    enter("action")
    with chaos.stop_machine(fly_app, group="web", any=1):
        enter("pause")
        time.sleep(0.5)
        enter("hypothesis")
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert fly_app.machines
        enter("undo")

def test_next(chaos):
    pathlib.Path("next.entered").touch()
    time.sleep(1)
""",
}


@dataclass(frozen=True)
class Case:
    """One session, and when it is sent what."""

    name: str
    phase: str
    workers: int

    @property
    def code(self) -> set[int]:
        return CODES[self.name.removeprefix("2x ")]


def main() -> None:
    quick = wants_quick(__doc__ or "")
    chance, began = random.Random(SEED), time.monotonic()
    cases = [Case(*each) for each in itertools.product(SIGNALS, PHASES, (0, 2))]
    chance.shuffle(cases)
    cases = [Case("TERM", "pause", 0), Case("2x INT", "undo", 0)] if quick else cases * TIMES
    wrong: list[str] = []
    codes: dict[str, Counter[int]] = {name: Counter() for name in SIGNALS}
    took_s: list[float] = []
    with fleet() as perturbed:
        for name, text in PROJECT.items():
            (perturbed.root / name).write_text(text)
        # Ended by hand, it reports what is done.
        with contextlib.suppress(KeyboardInterrupt):
            for case in cases:
                code, ended_s, found = sent(perturbed, case, chance)
                codes[case.name][code] += 1
                took_s.append(ended_s)
                wrong += found
                for each in found:
                    print(f"WRONG {case}: {each}", file=sys.stderr, flush=True)
    report(
        "signals",
        titles=("signal", "exit codes, times"),
        rows=[
            *(
                (name, ", ".join(f"{c}: {n}" for c, n in sorted(found.items())))
                for name, found in codes.items()
            ),
            ("until pytest had ended, at the longest", f"{max(took_s):.1f} s"),
            ("seed, taken", f"{SEED}, {time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("sessions", len(took_s), "", ">=", len(cases)),
            Target("wrong", len(wrong), "", "<=", 0),
        ],
        libraries=["pytest", "pytest-xdist"],
    )


def sent(perturbed: Fleet, case: Case, chance: random.Random) -> tuple[int, float, list[str]]:
    """Send a session what it is to be sent; its exit code, how long it took, and what is wrong."""
    for left in perturbed.root.glob("*.entered"):
        left.unlink()
    mark = new_mark()
    perturbed.front.rule = _slow
    session = _session(perturbed, case.workers, mark)
    try:
        if not perturbed.until((perturbed.root / f"{case.phase}.entered").exists):
            return -1, 0.0, [f"never in that phase: {_end(session)[-800:]}"]
        time.sleep(chance.uniform(0, 0.3))
        sent_at = time.monotonic()
        for number, each in enumerate(SIGNALS[case.name]):
            time.sleep(0.1 * number)
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if each in TO_ALL else os.kill)(session.pid, each)
        said = session.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        return -1, PATIENCE_S, [f"it does not end: {_end(session)[-800:]}"]
    took_s = time.monotonic() - sent_at
    found = []
    perturbed.until(lambda: not perturbed.differs(), within_s=0.5 if session.returncode else 0)
    if perturbed.differs():
        found.append(f"not undone when it had ended: {perturbed.differs()}")
    perturbed.until(lambda: not perturbed.intents and not perturbed.differs())
    if perturbed.intents or perturbed.differs():
        found.append(f"never undone: {perturbed.intents} {perturbed.differs()}")
    if not perturbed.until(lambda: not marked(mark)):
        found.append("processes are left")
    if (perturbed.root / "next.entered").exists():
        found.append("the next test was begun")
    if session.returncode not in case.code:
        found.append(f"exit code {session.returncode}: {said[-800:]}")
    return session.returncode, took_s, found


def _slow(method: str, path: str) -> Treatment:
    is_slow = method == "POST" and path.endswith(("/stop", "/start"))
    return Treatment(held_s=SLOW_S) if is_slow else PASSED


def _session(perturbed: Fleet, workers: int, mark: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pytest", "--sre-target=local", "--sre-bake=100ms"]
    spread = ["-n", str(workers), "--dist", "loadfile"] if workers else []
    return subprocess.Popen(
        [*command, *spread, "-q", "-p", "no:cacheprovider", "test_signals.py"],
        cwd=perturbed.root,
        env=os.environ | {MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _end(session: "subprocess.Popen[str]") -> str:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session.pid, signal.SIGKILL)
    return str(session.communicate()[0])


if __name__ == "__main__":
    main()
