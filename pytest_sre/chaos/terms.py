"""Looks at a target's platform for `readiness`: whose turn it is, whether it is being deployed."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from pytest_sre.chaos.aborting import Ask
from pytest_sre.chaos.deploying import deploy_under_way
from pytest_sre.chaos.readiness import Terms, nothing_against_it
from pytest_sre.fly.client import Fly
from pytest_sre.targets import Settings
from pytest_sre.turns.noticeboard import MachineBoard, board_machine
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import Turn, take_turn, turns_dir
from pytest_sre.undo.files import Journal
from pytest_sre.verdict import Inconclusive


def terms_of(
    settings: Settings,
    fly: Fly,
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
        fly: its platform's client.
        journal: where each change is written down before it is made.
        run: which run it is.
        button: the stop button.
        budgets: how much of each error budget is left, by objective.
        label: says, of one who may take seconds to answer, why all chaos has to end.
    """

    def turn(lasts_s: float) -> AbstractContextManager[Turn]:
        # All who look have to look at the same app's.
        app = settings.target.apps[0].name
        bearer = board_machine(fly.machines(app))
        if not bearer:
            raise Inconclusive(f"{app} has no Machine to perturb")
        board = MachineBoard(fly, app, bearer)
        folder, target = turns_dir(settings.root), settings.target.name
        return take_turn(CHAOS, folder, target, run=run, lasts_s=lasts_s, board=board)

    def deploying() -> str:
        apps = [spec.name for spec in settings.target.apps]
        found = (deploy_under_way(app, fly.releases(app), fly.machines(app)) for app in apps)
        return next(filter(None, found), "")

    return Terms(
        target=settings.target,
        journal=journal,
        button=button,
        label=label,
        turn=turn,
        deploying=deploying,
        budgets=budgets,
    )
