"""P8: stop means stop: all that is done to a target is undone as soon as anything says so.

A Machine is stopped, and then the stop file is written, the signal is sent, a label is seen, an
objective burns, a condition raises, or the turn is lost: its lock file is gone, or its notice. The
time is taken until the Machine runs again.

Run as ``python benchmarks/contract/stopped.py [--quick]``; ``TIMES=12`` makes it shorter.
"""

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from perturbing import ACTIONS, APP, TARGET, Fleet, fleet, new_mark

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.aborting import AbortWatch, Ask, Condition
from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.chaos.stopping import (
    StopButton,
    heeding_signal,
    press,
    stop_file,
    stop_file_of_run,
)
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import take_turn, turns_dir
from pytest_sre.undo.files import Journal, undo_dir

TIMES = int(os.environ.get("TIMES", "100"))
SEED = 8
# A short run is one beside others, on processors that are busy.
LONGEST_S, BUTTON_S, QUICK_LONGEST_S = 2.0, 1.0, 30.0
Trip = Callable[[], object]
"""Makes it end."""


class Board:
    """Where notices are left."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def notices(self) -> Mapping[str, str]:
        return dict(self.kept)

    def leave(self, key: str, text: str) -> None:
        self.kept[key] = text

    def remove(self, key: str) -> None:
        self.kept.pop(key, None)


@contextlib.contextmanager
def by_file(root: Path) -> Iterator[tuple[Ask, Trip]]:
    file = stop_file(root)
    try:
        yield StopButton(root, {}).pressed, lambda: press(file)
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def by_signal(root: Path) -> Iterator[tuple[Ask, Trip]]:
    file = stop_file_of_run(root, "run")
    with heeding_signal(file):
        yield StopButton(root, {}, "run").pressed, lambda: os.kill(os.getpid(), signal.SIGUSR1)
    file.unlink(missing_ok=True)


@contextlib.contextmanager
def by_label(_root: Path) -> Iterator[tuple[Ask, Trip]]:
    said: list[str] = []
    yield lambda: said[0] if said else "", lambda: said.append("issue 7 says so")


@contextlib.contextmanager
def by_raising(_root: Path) -> Iterator[tuple[Ask, Trip]]:
    broken: list[str] = []

    def ask() -> str:
        if broken:
            raise OSError("nobody answers any more")
        return ""

    yield ask, lambda: broken.append("it")


@contextlib.contextmanager
def by_lost_lock(root: Path) -> Iterator[tuple[Ask, Trip]]:
    folder = turns_dir(root)

    def remove() -> None:
        for path in folder.iterdir():
            path.unlink()

    with take_turn(CHAOS, folder, TARGET, run="run", lasts_s=60, board=Board()) as turn:
        yield turn.lost, remove


@contextlib.contextmanager
def by_lost_notice(root: Path) -> Iterator[tuple[Ask, Trip]]:
    board = Board()
    with take_turn(CHAOS, turns_dir(root), TARGET, run="run", lasts_s=60, board=board) as turn:
        yield turn.lost, board.kept.clear


WAYS = {
    "the stop file": by_file,
    "the signal": by_signal,
    "a label is seen, or an objective burns": by_label,
    "a condition raises": by_raising,
    "the turn's lock file is gone": by_lost_lock,
    "the turn's notice is gone": by_lost_notice,
}
BUTTONS = ("the stop file", "the signal")


def main() -> None:
    quick = wants_quick(__doc__ or "")
    times = len(WAYS) if quick else TIMES
    chance, began = random.Random(SEED), time.monotonic()
    took_s: dict[str, list[float]] = {name: [] for name in WAYS}
    with fleet() as perturbed:
        for number in range(times):
            name = [*WAYS][number % len(WAYS)]
            action = ACTIONS[number % 4]
            took_s[name].append(stopped(perturbed, action, WAYS[name], chance))
    every = [each for found in took_s.values() for each in found]
    pressed = [each for name in BUTTONS for each in took_s[name]]
    report(
        "stopped",
        titles=("by", "times", "undone, at the latest"),
        rows=[
            *(
                (name, str(len(found)), f"{max(found, default=0):.2f} s")
                for name, found in took_s.items()
            ),
            ("seed, taken", str(SEED), f"{time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("stopped", len(every), "", ">=", times),
            Target("undone", max(every), "s", "<=", QUICK_LONGEST_S if quick else LONGEST_S),
            Target("by a button", max(pressed), "s", "<=", QUICK_LONGEST_S if quick else BUTTON_S),
        ],
        libraries=["httpx", "msgspec"],
    )


def stopped(
    perturbed: Fleet,
    action: Action,
    way: Callable[[Path], contextlib.AbstractContextManager[tuple[Ask, Trip]]],
    chance: random.Random,
) -> float:
    """Do something, have it stopped; how long it then took until all was as before, seconds."""
    with hands_of(str(perturbed.front.folder)) as hands, way(perturbed.root) as (ask, trip):
        injector = Injector(hands, Journal(undo_dir(perturbed.root)), run=new_mark(), target=TARGET)
        machines = hands.fly.machines(APP)
        seed = chance.randrange(1000)
        changes = changes_of(action, machines, app=APP, seed=seed, local=True)
        with injector.inject(action, changes) as injection:
            with AbortWatch(lambda _why: injection.undo()) as watch:
                watch.add(Condition("it", ask))
                time.sleep(chance.uniform(0, 0.9))
                assert perturbed.differs(), "it ended before it was stopped"
                trip()
                began = time.monotonic()
                assert perturbed.until(lambda: not perturbed.differs())
                took_s = time.monotonic() - began
            assert watch.why
    return took_s


if __name__ == "__main__":
    main()
