"""Looks at a target's platform for `readiness`: whose turn it is, whether it is being deployed."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final

from pytest_sre.chaos.aborting import Ask
from pytest_sre.chaos.changes.notices import LeftNotice
from pytest_sre.chaos.deploying import deploy_under_way
from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.noted import NotedBoard
from pytest_sre.chaos.readiness import Terms, nothing_against_it
from pytest_sre.chaos.undoing.intents import intend
from pytest_sre.targets import Settings
from pytest_sre.turns.noticeboard import MachineBoard, board_machine
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import Turn, take_turn, turns_dir
from pytest_sre.undo.files import Journal, Kept
from pytest_sre.verdict import Inconclusive

# A process that was asleep since it wrote a notice down must not leave it any more.
_PROMPTLY_S: Final = 10.0


def terms_of(
    settings: Settings,
    hands: Hands,
    journal: Journal,
    *,
    run: str,
    button: Ask,
    budgets: Callable[[], Mapping[str, float]],
    label: Ask = nothing_against_it,
) -> Terms:
    """Say what is looked at before a target is perturbed.

    Args:
        settings: the target's.
        hands: what acts on it.
        journal: where each change is written down before it is made.
        run: which run it is.
        button: the stop button.
        budgets: how much of each error budget is left, by objective.
        label: says, of one who may take seconds to answer, why all chaos has to end.
    """
    fly, target = hands.fly, settings.target

    def turn(lasts_s: float) -> AbstractContextManager[Turn]:
        # All who look have to look at the same app's.
        app = target.apps[0].name
        bearer = board_machine(fly.machines(app))
        if not bearer:
            raise Inconclusive(f"{app} has no Machine to perturb")

        def noted(key: str) -> Kept:
            change = LeftNotice(app=app, machine=bearer, key=key)
            not_after = time.time() + _PROMPTLY_S
            return intend(journal, change, hands, run=run, target=target.name, not_after=not_after)

        board = NotedBoard(MachineBoard(fly, app, bearer), noted)
        folder = turns_dir(settings.root)
        return take_turn(CHAOS, folder, target.name, run=run, lasts_s=lasts_s, board=board)

    def deploying() -> str:
        apps = [spec.name for spec in target.apps]
        found = (deploy_under_way(app, fly.releases(app), fly.machines(app)) for app in apps)
        return next(filter(None, found), "")

    return Terms(
        target=target,
        run=run,
        journal=journal,
        button=button,
        label=label,
        turn=turn,
        deploying=deploying,
        budgets=budgets,
    )
