"""Where chaos happens, and who is told of it: what a run gives to the experiments of its tests."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from pytest_sre.chaos.hands import Hands
from pytest_sre.chaos.radius import Radius
from pytest_sre.recording.rows import Row
from pytest_sre.targets import Settings
from pytest_sre.undo.files import Journal


def _nobody(_text: str, _at: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a run gives to chaos.

    Attributes:
        settings: what is perturbed, and what may be done to it.
        hands: by what.
        journal: where each change is written down before it is made.
        app: the app that is meant when an action names none.
        run: which run this is.
        seed: decides which Machines are chosen.
        test: the node id of the test.
        ready: gives the right to perturb the target for at most so many seconds: nobody else does,
            no deploy is in progress, the budget allows it, nothing is left by an earlier run.
            Raises Inconclusive or NotAsked otherwise; nothing was touched.
        stopped: says why all chaos has to end now, such as a stop file; empty when it need not.
        write: records what is seen and done.
        tell: shows a line in the terminal; an empty one takes it away.
        note: adds to the log of the target's open incidents what was done, and when, Unix seconds.
        radius: what of the target is perturbed, whoever does it here.
    """

    settings: Settings
    hands: Hands
    journal: Journal
    app: str
    run: str
    seed: int
    test: str
    ready: Callable[[float], AbstractContextManager[None]]
    stopped: Callable[[], str]
    write: Callable[[Row], None]
    tell: Callable[[str], None]
    note: Callable[[str, float], None] = _nobody
    radius: Radius = field(default_factory=Radius)
