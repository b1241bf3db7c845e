"""When a run may perturb its target: what `chaos.readiness` looks at, as a run knows it."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.permission import require_allowed_at_all
from pytest_sre.chaos.readiness import Readiness
from pytest_sre.chaos.stopping import StopButton
from pytest_sre.chaos.terms import terms_of
from pytest_sre.run.stop_label import stop_label
from pytest_sre.undo.files import Journal

if TYPE_CHECKING:
    from pytest_sre.run.run import Run


@dataclass(frozen=True)
class RunReadiness:
    """When a run may perturb its target."""

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


def readiness_of(
    run: "Run", hands: Hands, journal: Journal, steady: Callable[[], object]
) -> RunReadiness:
    """Give what says when a run may perturb its target.

    Args:
        run: the run.
        hands: what acts on its platform.
        journal: where each change is written down before it is made.
        steady: raises unless the target is in its steady state.
    """
    button = StopButton(run.settings.root, os.environ, run.recorder.path.stem)
    terms = terms_of(
        run.settings,
        hands,
        journal,
        run=run.recorder.path.stem,
        button=button.pressed,
        budgets=lambda: _budgets(run),
        label=stop_label(run.settings, run.tracker),
    )
    return RunReadiness(run, Readiness(replace(terms, steady=steady)))


def _budgets(run: "Run") -> Mapping[str, float]:
    told = run.objectives
    return {each.name: told.budget(each).remaining for each in run.settings.objectives}
