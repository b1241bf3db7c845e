"""When a run may perturb its target: what `chaos.readiness` looks at, as a run knows it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_sre.chaos.aborting import Ask
from pytest_sre.chaos.deploying import deploy_under_way
from pytest_sre.chaos.permission import require_allowed_at_all
from pytest_sre.chaos.readiness import Readiness, Terms
from pytest_sre.chaos.stopping import StopButton
from pytest_sre.turns.noticeboard import MachineBoard, board_machine
from pytest_sre.turns.purposes import CHAOS
from pytest_sre.turns.taking import Turn, take_turn, turns_dir
from pytest_sre.undo.files import Journal
from pytest_sre.verdict import Inconclusive

if TYPE_CHECKING:
    from pytest_sre.run.run import Run


@dataclass(frozen=True)
class RunReadiness:
    """When a run may perturb its target.

    Attributes:
        button: the stop button; its signal is to be heeded while something is perturbed.
    """

    button: StopButton
    _run: "Run"
    _readiness: Readiness

    @contextlib.contextmanager
    def ready(self, lasts_s: float) -> Iterator[None]:
        """Have the right to perturb the target; see `Readiness.ready`."""
        require_allowed_at_all(self._run.settings.target)
        # The bake is not to observe what is done on purpose.
        self._run.wait_for_bake()
        with self._readiness.ready(lasts_s):
            yield

    def stopped(self) -> str:
        """Say why all that is perturbed has to be undone now; see `Readiness.stopped`."""
        return self._readiness.stopped()


def readiness_of(run: "Run", journal: Journal, *, label: Ask | None = None) -> RunReadiness:
    """Give what says when a run may perturb its target.

    Args:
        run: the run.
        journal: where each change is written down before it is made.
        label: says, of a tracker that may take seconds to answer, why all chaos has to end.
    """
    button = StopButton(run.settings.root, os.environ)
    terms = Terms(
        target=run.settings.target,
        journal=journal,
        button=button.pressed,
        turn=_turns(run),
        deploying=lambda: _deploying(run),
        budgets=lambda: _budgets(run),
        label=label or _silent,
    )
    return RunReadiness(button, run, Readiness(terms))


def _silent() -> str:
    return ""


def _turns(run: "Run") -> Callable[[float], AbstractContextManager[Turn]]:
    target, this_run = run.settings.target.name, run.recorder.path.stem

    def take(lasts_s: float) -> AbstractContextManager[Turn]:
        # All who look have to look at the same app's.
        app = next(iter(run.apps.values()))
        bearer = board_machine(app.live)
        if not bearer:
            raise Inconclusive(f"{app.name} has no Machine to perturb")
        board = MachineBoard(run.platform.fly, app.name, bearer)
        folder = turns_dir(run.settings.root)
        return take_turn(CHAOS, folder, target, run=this_run, lasts_s=lasts_s, board=board)

    return take


def _deploying(run: "Run") -> str:
    fly = run.platform.fly
    found = (deploy_under_way(app, fly.releases(app), fly.machines(app)) for app in run.apps)
    return next(filter(None, found), "")


def _budgets(run: "Run") -> Mapping[str, float]:
    told = run.objectives
    return {each.name: told.budget(each).remaining for each in run.settings.objectives}
