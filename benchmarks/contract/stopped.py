"""P8: stop means stop: all that is done to a target is undone as soon as anything says so.

A Machine is stopped, and then the stop file is written, the signal is sent, an issue gets the
label, an objective burns, a condition raises, or the turn is lost: its lock file is gone, or its
notice. The time is taken until the Machine runs again. GitHub is a local server, whose answers take
up to 0.2 s.

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

import github
from github_double import Access, Fault, GithubDouble
from perturbing import ACTIONS, APP, TARGET, Fleet, fleet, new_mark

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.aborting import AbortWatch, Condition
from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.chaos.readiness import LABEL_EVERY_S
from pytest_sre.chaos.stopping import (
    StopButton,
    heeding_signal,
    press,
    stop_file,
    stop_file_of_run,
)
from pytest_sre.issues.github import GithubTracker
from pytest_sre.run.stop_label import STOP_LABEL, StopLabel
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
def by_file(root: Path) -> Iterator[tuple[Condition, Trip]]:
    file = stop_file(root)
    try:
        yield Condition("the button", StopButton(root, {}).pressed), lambda: press(file)
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def by_signal(root: Path) -> Iterator[tuple[Condition, Trip]]:
    file = stop_file_of_run(root, "run")
    button = Condition("the button", StopButton(root, {}, "run").pressed)
    with heeding_signal(file):
        yield button, lambda: os.kill(os.getpid(), signal.SIGUSR1)
    file.unlink(missing_ok=True)


@contextlib.contextmanager
def by_label(_root: Path) -> Iterator[tuple[Condition, Trip]]:
    with GithubDouble() as double:
        double.faults = [Fault("slow", times=1_000, wait_s=0.2)]
        issue = double.repository.create("look at it", None, Access("x"))
        auth = github.Auth.Token(double.token)
        tracker = GithubTracker("acme/shop", auth, api_url=double.url)
        label = Condition("the label", StopLabel(lambda: tracker), every_s=LABEL_EVERY_S)
        labelled: dict[str, object] = {"labels": [STOP_LABEL]}
        yield label, lambda: double.repository.edit(issue, labelled, Access("x"))


@contextlib.contextmanager
def by_burning(_root: Path) -> Iterator[tuple[Condition, Trip]]:
    said: list[str] = []
    yield Condition("it", lambda: "".join(said)), lambda: said.append("it burns")


@contextlib.contextmanager
def by_raising(_root: Path) -> Iterator[tuple[Condition, Trip]]:
    broken: list[str] = []

    def ask() -> str:
        if broken:
            raise OSError("nobody answers any more")
        return ""

    yield Condition("it", ask), lambda: broken.append("it")


@contextlib.contextmanager
def by_lost_lock(root: Path) -> Iterator[tuple[Condition, Trip]]:
    folder = turns_dir(root)

    def remove() -> None:
        for path in folder.iterdir():
            path.unlink()

    with take_turn(CHAOS, folder, TARGET, run="run", lasts_s=60, board=Board()) as turn:
        yield Condition("the turn", turn.lost), remove


@contextlib.contextmanager
def by_lost_notice(root: Path) -> Iterator[tuple[Condition, Trip]]:
    board = Board()
    with take_turn(CHAOS, turns_dir(root), TARGET, run="run", lasts_s=60, board=board) as turn:
        yield Condition("the turn", turn.lost), board.kept.clear


WAYS = {
    "the stop file": by_file,
    "the signal": by_signal,
    "the label of an issue": by_label,
    "an objective burns": by_burning,
    "a condition raises": by_raising,
    "the turn's lock file is gone": by_lost_lock,
    "the turn's notice is gone": by_lost_notice,
}
BUTTONS = ("the stop file", "the signal", "the label of an issue")


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
    way: Callable[[Path], contextlib.AbstractContextManager[tuple[Condition, Trip]]],
    chance: random.Random,
) -> float:
    """Do something, have it stopped; how long it then took until all was as before, seconds."""
    with hands_of(str(perturbed.front.folder)) as hands, way(perturbed.root) as (condition, trip):
        injector = Injector(hands, Journal(undo_dir(perturbed.root)), run=new_mark(), target=TARGET)
        machines = hands.fly.machines(APP)
        seed = chance.randrange(1000)
        changes = changes_of(action, machines, app=APP, seed=seed, local=True)
        with injector.inject(action, changes) as injection:
            with AbortWatch(lambda _why: injection.undo()) as watch:
                watch.add(condition)
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
