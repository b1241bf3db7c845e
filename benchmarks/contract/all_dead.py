"""P2: whoever perturbs a target is killed together with all that watches over it.

What can end by itself in the target has to be gone once its time is over, with nobody's help;
everything else, and all that was written down of it, by ``pytest-sre recover``. For the second part
the platform carries out each change up to 300 ms late, also when who asked is gone.

Run as ``python benchmarks/contract/all_dead.py [--quick]``; ``KILLS=50`` makes it shorter.
"""

import os
import random
import sys
import time
from pathlib import Path

import msgspec

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from front import changes_late, passes_all
from perturbing import (
    ACTIONS,
    SELF_ENDING,
    Fleet,
    Perturber,
    Told,
    fleet,
    new_mark,
)

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.actions import Action, kind_of
from pytest_sre.run.recovering import recover

KILLS, QUICK_KILLS = int(os.environ.get("KILLS", "300")), 2
SEED = 2
LASTS_S, LATE_S = 1.0, 0.3
# A short run is one beside others, on processors that are busy.
GRACE_S, QUICK_GRACE_S = 1.0, 30.0


def main() -> None:
    quick = wants_quick(__doc__ or "")
    kills = QUICK_KILLS if quick else KILLS
    grace_s = QUICK_GRACE_S if quick else GRACE_S
    chance, began = random.Random(SEED), time.monotonic()
    stayed_s: list[float] = []
    open_intents = recovered = 0
    left: list[str] = []
    phases = ("active", "injecting", "undoing")
    with fleet() as perturbed:
        for number in range(kills):
            action = msgspec.structs.replace(
                SELF_ENDING[number % len(SELF_ENDING)], lasts_s=LASTS_S
            )
            stayed_s.append(ended_by_itself(perturbed, action, phases[number % 3], chance))
            left += [f"{kind_of(action)}: {found}" for found in recovered_from(perturbed)]
        perturbed.front.rule = changes_late(chance, LATE_S)
        every = (*ACTIONS, *SELF_ENDING)
        for number in range(kills):
            action = every[number % len(every)]
            _killed(perturbed, action, phases[number % 3], chance, perturbed.front.folder)
            open_intents += bool(perturbed.intents)
            found = recovered_from(perturbed)
            recovered += not found
            left += [f"{kind_of(action)}: {each}" for each in found]
        perturbed.front.rule = passes_all
    for each in left:
        print(f"LEFT {each}", file=sys.stderr)
    perturbing = [each for each in stayed_s if each > 0]
    report(
        "all_dead",
        titles=("what", "figure"),
        rows=[
            ("killed with its guardian, a fault with a time limit", str(len(stayed_s))),
            ("of these while it was there", str(len(perturbing))),
            ("it stayed, at the longest", f"{max(stayed_s):.2f} s, of {LASTS_S:g} s"),
            ("killed with its guardian, anything", str(kills)),
            ("of these with intents left", str(open_intents)),
            ("seed, taken", f"{SEED}, {time.monotonic() - began:.0f} s"),
        ],
        targets=[
            Target("killed while a fault was there", len(perturbing), "", ">=", kills / 4),
            Target("a fault without help", max(stayed_s), "s", "<=", LASTS_S + grace_s),
            Target("killed with intents left", open_intents, "", ">=", kills / 4),
            Target("clean by recover", recovered, "", ">=", kills),
            Target("not clean", len(left), "", "<=", 0),
        ],
        libraries=["httpx", "msgspec"],
    )


def ended_by_itself(perturbed: Fleet, action: Action, phase: str, chance: random.Random) -> float:
    """Kill all that knows of a fault, and wait for its end; how long it stayed, seconds."""
    killed_at = _killed(perturbed, action, phase, chance, perturbed.platform.state_dir)
    stayed_s = 0.0
    # One that comes late could come after a look at an empty list.
    ends_at = killed_at + 0.1
    while perturbed.seen().faults or time.monotonic() < ends_at:
        if perturbed.seen().faults:
            stayed_s = time.monotonic() - killed_at
        if stayed_s > LASTS_S + QUICK_GRACE_S:
            break
        time.sleep(0.01)
    return stayed_s


def recovered_from(perturbed: Fleet) -> list[str]:
    """Run ``recover``; what is left then."""
    outcome = recover(perturbed.root)
    perturbed.until(lambda: not perturbed.front.pending)
    # What a call that comes last has begun, such as a start, may take a moment.
    perturbed.until(lambda: not perturbed.differs(), within_s=2.0)
    found = [each for each in (perturbed.differs(), *perturbed.intents) if each]
    return found or ([f"exit code: {outcome.lines}"] if outcome.exit_code else [])


def _killed(
    perturbed: Fleet, action: Action, phase: str, chance: random.Random, handle: Path
) -> float:
    told = Told(perturbed.root, handle, action, chance.randrange(1000), new_mark())
    perturber = Perturber(told)
    perturber.reach(phase)
    time.sleep(chance.uniform(0, LATE_S))
    return perturber.kill_all()


if __name__ == "__main__":
    main()
