"""Where loads are made, and who is told of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pytest_sre.load.workers import Crew
from pytest_sre.targets import Target
from pytest_sre.targets.settings import LoadSettings


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a run gives to the loads of its tests.

    Attributes:
        target: what bears the load.
        app: the app that it goes to first.
        base_url: the app's address.
        hosts: what may be asked, as ``host:port``; nothing else ever is.
        journeys: the names of the journeys that are registered.
        journey_files: the Python files that register them.
        root: the folder that the paths of locustfiles are relative to.
        run: which run this is.
        turn: gives the right to be the only load, for at most so many seconds.
        fleet: tells how many Machines of which kind there are.
        sent: tells how many requests the loads of this run have sent so far.
        tell: shows a line in the terminal; an empty one takes it away.
        asked: the load that the project asks for of each journey.
        keeps_baselines: whether loads become the baselines that they would be compared with.
        crew: who makes the loads; processes of this machine, as each load says, when None.
    """

    target: Target
    app: str
    base_url: str
    hosts: Collection[str]
    journeys: Collection[str]
    journey_files: Sequence[Path]
    root: Path
    run: str
    turn: Callable[[float], AbstractContextManager[object]]
    fleet: Callable[[], Mapping[str, int]]
    sent: Callable[[], int]
    tell: Callable[[str], None]
    asked: LoadSettings
    keeps_baselines: bool
    crew: Crew | None = None
