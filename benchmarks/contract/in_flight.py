"""P3: a call that is under way when its caller is killed is undone, too, whenever it takes effect.

The platform carries out each change 0 to 500 ms after it was asked for, also when who asked is
gone. Who perturbs it is killed (-9) while a change or its undoing is under way.

Run as ``python benchmarks/contract/in_flight.py [--quick]``; ``KILLS=50`` makes it shorter.
"""

import os
import random
import sys
import time
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from front import changes_late
from perturbing import (
    ACTIONS,
    SELF_ENDING,
    Fleet,
    Perturber,
    Told,
    fleet,
    marked,
    new_mark,
)

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.actions import Action, kind_of

KILLS, QUICK_KILLS = int(os.environ.get("KILLS", "500")), 3
SEED = 3
LATE_S = 0.5


def main() -> None:
    kills = QUICK_KILLS if wants_quick(__doc__ or "") else KILLS
    chance, began = random.Random(SEED), time.monotonic()
    actions = [*ACTIONS, *SELF_ENDING]
    took_s: list[float] = []
    left = under_way = 0
    with fleet() as perturbed:
        perturbed.front.rule = changes_late(chance, LATE_S)
        for number in range(kills):
            action = actions[number % len(actions)]
            phase = "undoing" if number % 4 == 2 else "injecting"
            was_under_way, clean_s, found = killed(perturbed, action, phase, chance)
            under_way += was_under_way
            took_s.append(clean_s)
            left += bool(found)
            if found:
                print(f"LEFT {kind_of(action)}, {phase}: {found}", file=sys.stderr)
                perturbed.begin_anew()
    report(
        "in_flight",
        titles=("what", "figure"),
        rows=[
            ("killed", str(kills)),
            ("with a call under way", str(under_way)),
            ("until all was proven to be undone, median", f"{sorted(took_s)[kills // 2]:.1f} s"),
            ("the longest", f"{max(took_s):.1f} s"),
            ("seed, taken", f"{SEED}, {time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("killed with a call under way", under_way, "", ">=", kills // 4),
            Target("not clean", left, "", "<=", 0),
        ],
        libraries=["httpx", "msgspec"],
    )


def killed(
    perturbed: Fleet, action: Action, phase: str, chance: random.Random
) -> tuple[bool, float, str]:
    """Kill one: whether a call was under way, how long it took to end all, and what is left."""
    mark, seed = new_mark(), chance.randrange(1000)
    perturber = Perturber(Told(perturbed.root, perturbed.front.folder, action, seed, mark))
    perturber.reach(phase)
    perturbed.until(lambda: perturbed.front.pending)
    time.sleep(chance.uniform(0, 1.5 * LATE_S))
    killed_at = perturber.kill()
    was_under_way = perturbed.front.pending > 0
    perturbed.until(lambda: not perturbed.intents and not marked(mark))
    took_s = time.monotonic() - killed_at
    perturbed.until(lambda: not perturbed.front.pending)
    # What a call that comes last has begun, such as a start, may take a moment.
    perturbed.until(lambda: not perturbed.differs(), within_s=2.0)
    return was_under_way, took_s, perturbed.differs() or "; ".join(perturbed.intents)


if __name__ == "__main__":
    main()
