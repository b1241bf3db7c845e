"""P1: whoever perturbs a target is killed, and nothing of what it did stays.

A process injects, holds and undoes by turns what there is to do to Machines, to the network and to
the platform; it is killed (-9) at a random moment of a phase chosen at random. Its guardian has to
bring the fleet back.

Run as ``python benchmarks/contract/undone.py [--quick]``; ``KILLS=100`` makes it shorter.
"""

import os
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from perturbing import (
    ACTIONS,
    PHASES,
    SELF_ENDING,
    Fleet,
    Perturber,
    Told,
    fleet,
    marked,
    new_mark,
    shuffled_rounds,
)

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.actions import Action, KillMachines, kind_of

KILLS, QUICK_KILLS = int(os.environ.get("KILLS", "1000")), 5
SEED = 1
# A short run is one beside others, on processors that are busy.
LONGEST_S, QUICK_LONGEST_S = 1.0, 30.0
# How long a phase is watched for a moment to kill in.
SPAN_S = {"before": 0.2, "injecting": 0.06, "active": 0.1, "undoing": 0.06, "after": 0.05}


@dataclass(frozen=True)
class Outcome:
    """What was left of one that was killed.

    Attributes:
        was_perturbed: whether the fleet was not as before when it was killed.
        clean_s: how long it then was not, at the latest.
        left: what is left for good; empty when nothing is.
    """

    was_perturbed: bool
    clean_s: float
    left: str


def main() -> None:
    quick = wants_quick(__doc__ or "")
    kills = QUICK_KILLS if quick else KILLS
    longest_s = QUICK_LONGEST_S if quick else LONGEST_S
    chance, began = random.Random(SEED), time.monotonic()
    outcomes: dict[str, list[Outcome]] = {phase: [] for phase in PHASES}
    rounds = shuffled_rounds(kills, (*ACTIONS, *SELF_ENDING), chance)
    with fleet() as perturbed:
        for action, phase, moment in rounds:
            if isinstance(action, KillMachines):
                # A platform waits longer and longer before it restarts a process that is killed.
                perturbed.replace_machines()
            outcome = killed(perturbed, action, phase, moment * SPAN_S[phase], chance.random())
            outcomes[phase].append(outcome)
            if outcome.left:
                print(f"LEFT {kind_of(action)}, {phase}: {outcome.left}", file=sys.stderr)
                perturbed.begin_anew()
    every = [each for found in outcomes.values() for each in found]
    late_s = sorted(each.clean_s for each in every if each.was_perturbed)
    report(
        "undone",
        titles=("killed while", "times", "perturbed", "clean at the latest"),
        rows=[
            *(_row(phase, found) for phase, found in outcomes.items()),
            ("seed, taken", str(SEED), "", f"{time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("killed", len(every), "", ">=", kills),
            Target("not clean", sum(bool(each.left) for each in every), "", "<=", 0),
            Target("clean after the kill, p99", _p99(late_s), "s", "<=", longest_s),
            Target("killed while perturbed", len(late_s), "", ">=", kills / 5),
        ],
        libraries=["httpx", "msgspec"],
    )


def killed(perturbed: Fleet, action: Action, phase: str, wait_s: float, chance: float) -> Outcome:
    """Kill one in a phase, and watch the fleet until all of it has ended."""
    mark = new_mark()
    seed = int(chance * 1000)
    perturber = Perturber(Told(perturbed.root, perturbed.platform.state_dir, action, seed, mark))
    perturber.reach(phase)
    time.sleep(wait_s)
    killed_at = perturber.kill()
    last_dirty_s, was_perturbed = 0.0, False

    def has_settled() -> bool:
        nonlocal last_dirty_s, was_perturbed
        if perturbed.differs():
            last_dirty_s, was_perturbed = time.monotonic() - killed_at, True
            return False
        return not perturbed.intents

    settled = perturbed.until(has_settled)
    gone = perturbed.until(lambda: not marked(mark))
    left = perturbed.differs() or "; ".join(perturbed.intents)
    if not settled or left:
        left = left or "for too long"
    elif not gone:
        left = "processes"
    return Outcome(was_perturbed, last_dirty_s, left)


def _row(phase: str, outcomes: list[Outcome]) -> tuple[str, ...]:
    perturbed = [each for each in outcomes if each.was_perturbed]
    latest_s = max((each.clean_s for each in perturbed), default=0.0)
    return phase, str(len(outcomes)), str(len(perturbed)), f"{latest_s * 1e3:.0f} ms"


def _p99(ordered: list[float]) -> float:
    return ordered[int(len(ordered) * 0.99)] if ordered else 0.0


if __name__ == "__main__":
    main()
