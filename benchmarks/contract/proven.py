"""P5: an undoing that is answered, or not, is not believed: it is read back, or an alarm is given.

While what was done is undone, changes are answered 500, 404, 429, 409, with a cut connection, with
200 and no effect, with 500 although they were done; or nothing can be read; or the Machine was
replaced meanwhile. Half of the times this passes: then all has to be undone. The other half it
lasts: then it has to be said what is left and how to undo it by hand, and ``recover`` undoes it
once the platform is well again.

Run as ``python benchmarks/contract/proven.py [--quick]``; ``TIMES=10`` makes it shorter.
"""

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "doubles"))

from front import CUT, PASSED, Rule, Treatment, passes_all
from perturbing import (
    APP,
    SELF_ENDING,
    TARGET,
    Fleet,
    fleet,
    new_mark,
)

from benchmarks.form import Target, report, wants_quick
from pytest_sre.chaos.actions import (
    Action,
    CordonMachines,
    LoseRegion,
    Scale,
    StopMachines,
    SuspendMachines,
    Which,
)
from pytest_sre.chaos.hands import hands_of
from pytest_sre.chaos.injecting import Injector
from pytest_sre.chaos.planning import changes_of
from pytest_sre.run.recovering import recover
from pytest_sre.undo.files import Journal, undo_dir

TIMES, QUICK_TIMES = int(os.environ.get("TIMES", "50")), 1
SEED = 5
PASSES_AFTER_S, UNDO_TIMEOUT_S = 0.4, 1.2
# Longer than one attempt to undo something is given.
HELD_S = 15.0
HELD = "machine ID 148e21 lease currently held by 0@tokens.fly.io, expires at 2030-01-01T00:00:00Z"
ANSWERS: Mapping[str, Treatment] = {
    "500": Treatment(is_passed=False, status=500),
    "503": Treatment(is_passed=False, status=503),
    "404": Treatment(is_passed=False, status=404, text='{"error": "machine not found"}'),
    "429": Treatment(is_passed=False, status=429, headers={"retry-after": "1"}),
    "409, a lease": Treatment(is_passed=False, status=409, text=f'{{"error": "{HELD}"}}'),
    "a cut connection": CUT,
    "200 without effect": Treatment(is_passed=False, status=200, text='{"ok": true}'),
    "500 though done": Treatment(status=500),
}
NO_ANSWER = "no answer"
UNREADABLE = "nothing can be read"
NOT_FOUND = "Machines are not found, though listed"
REPLACED = "replaced meanwhile"
DISTURBED = (*ANSWERS, NO_ANSWER, UNREADABLE, NOT_FOUND)
QUICK = ("500", "200 without effect")
# What asks for a Machine alone, as the list of all does not.
_OF_A_MACHINE = f"/v1/apps/{APP}/machines/"
ACTIONS: tuple[Action, ...] = (
    StopMachines(which=Which(group="web", count=1)),
    CordonMachines(which=Which(group="web", count=2)),
    SuspendMachines(which=Which(group="store")),
    LoseRegion(region="iad"),
    Scale(group="web", count=2),
    Scale(group="web", count=4),
    *SELF_ENDING,
)


def main() -> None:
    quick = wants_quick(__doc__ or "")
    times = QUICK_TIMES if quick else TIMES
    disturbed = QUICK if quick else DISTURBED
    chance, began = random.Random(SEED), time.monotonic()
    told: dict[str, Counter[str]] = {name: Counter() for name in disturbed}
    with fleet() as perturbed:
        for place, (name, found) in enumerate(told.items()):
            for number in range(times):
                action = ACTIONS[chance.randrange(len(ACTIONS))]
                lasts = (number + place) % 2 == 1
                outcome = undone(perturbed, action, rule_of(name), chance, lasts=lasts)
                found[outcome] += 1
                if outcome not in ("undone", "alarmed, recovered"):
                    print(f"{name}: {action}: {outcome}", file=sys.stderr)
                    perturbed.begin_anew()
        told[REPLACED] = Counter(replaced(perturbed, chance) for _ in range(times))
    every = sum(told.values(), Counter[str]())
    fine = every["undone"] + every["alarmed, recovered"]
    report(
        "proven",
        titles=("while undoing", "undone", "alarmed, recovered", "others"),
        rows=[
            *(_row(name, found) for name, found in told.items()),
            ("seed, taken", str(SEED), f"{time.monotonic() - began:.0f} s", ""),
        ],
        targets=[
            Target("undoings disturbed", every.total(), "", ">=", times * len(told)),
            Target("silent, or not recovered", every.total() - fine, "", "<=", 0),
            Target("alarmed", every["alarmed, recovered"], "", ">=", times),
        ],
        libraries=["httpx", "msgspec"],
    )


def rule_of(name: str) -> Rule:
    """How calls are treated while undoing is disturbed."""

    def rule(method: str, path: str) -> Treatment:
        match name:
            case "no answer":
                return Treatment(is_passed=False, status=503, held_s=HELD_S)
            case "nothing can be read":
                return ANSWERS["500"] if method == "GET" else PASSED
            case "Machines are not found, though listed":
                return ANSWERS["404"] if path.startswith(_OF_A_MACHINE) else PASSED
        return PASSED if method == "GET" else ANSWERS[name]

    return rule


def undone(
    perturbed: Fleet, action: Action, rule: Rule, chance: random.Random, *, lasts: bool
) -> str:
    """Undo under a rule that lasts, or passes; what came of it."""
    ends_at = time.monotonic() + (1e9 if lasts else PASSES_AFTER_S)

    def for_a_while(method: str, path: str) -> Treatment:
        return rule(method, path) if time.monotonic() < ends_at else PASSED

    return _settled(perturbed, action, chance, disturb=lambda: _set(perturbed, for_a_while))


def replaced(perturbed: Fleet, chance: random.Random) -> str:
    """Undo after the Machines were replaced by others."""
    action = ACTIONS[chance.randrange(3)]
    return _settled(perturbed, action, chance, disturb=perturbed.replace_machines)


def _set(perturbed: Fleet, rule: Rule) -> None:
    perturbed.front.rule = rule


def _settled(
    perturbed: Fleet, action: Action, chance: random.Random, *, disturb: Callable[[], None]
) -> str:
    with hands_of(str(perturbed.front.folder)) as hands:
        injector = Injector(
            hands,
            Journal(undo_dir(perturbed.root)),
            run=new_mark(),
            target=TARGET,
            undo_timeout_s=UNDO_TIMEOUT_S,
            tell=lambda _: None,
        )
        fleet_now = hands.fly.machines(APP)
        seed = chance.randrange(1000)
        injection = injector.inject(
            action, changes_of(action, fleet_now, app=APP, seed=seed, local=True)
        )
        disturb()
        ended = injection.undo()
    perturbed.front.rule = passes_all
    if ended.clean:
        return f"SILENT: {found}" if (found := _left(perturbed)) else "undone"
    if not ended.left:
        return "ALARMED, BUT NOT OF WHAT"
    if not perturbed.intents:
        return "ALARMED, AND FORGOTTEN"
    recovered = recover(perturbed.root)
    found = _left(perturbed)
    if recovered.exit_code or found:
        return f"NOT RECOVERED: {found or recovered.lines}"
    return "alarmed, recovered"


def _left(perturbed: Fleet) -> str:
    perturbed.until(lambda: not perturbed.differs(), within_s=2.0)
    return perturbed.differs() or "; ".join(perturbed.intents)


def _row(name: str, found: Counter[str]) -> tuple[str, ...]:
    fine = found["undone"], found["alarmed, recovered"]
    return (name, *map(str, fine), str(found.total() - sum(fine)))


if __name__ == "__main__":
    main()
