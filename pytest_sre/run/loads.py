"""What a run gives to loads: where they go, what they may bear, and who is told."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from pytest_sre.fly.config import Guest
from pytest_sre.fly.fleet import FlyApp
from pytest_sre.fly.models import Machine
from pytest_sre.load.facade import Load
from pytest_sre.load.ground import Ground
from pytest_sre.load.naming import host_of
from pytest_sre.load.recorded import requests_sent
from pytest_sre.recording.rows import LoadError, Row
from pytest_sre.run.evidence import Evidence
from pytest_sre.turns.noticeboard import MachineBoard, board_machine
from pytest_sre.turns.purposes import LOAD
from pytest_sre.turns.taking import Turn, take_turn, turns_dir
from pytest_sre.verdict import Inconclusive, NotAsked

if TYPE_CHECKING:
    from pytest_sre.run.run import Run


def load_of(run: "Run", evidence: Evidence, *, keeps_baselines: bool) -> Load:
    """Give one test of a run its loads, once the bake is over: it is not to observe them.

    Args:
        run: the run.
        evidence: the test's.
        keeps_baselines: whether its loads become baselines.

    Raises:
        NotAsked: the target has no public service.
        Inconclusive: the bake did not end.
    """
    ground = load_ground(run, keeps_baselines=keeps_baselines)
    keep, write = evidence.loads.append, load_writer(evidence)
    return Load(ground, write=write, keep=keep, test=evidence.test)


def load_ground(run: "Run", *, keeps_baselines: bool) -> Ground:
    """Give what the loads of a run have in common, once the bake is over.

    Raises:
        NotAsked: the target has no public service.
        Inconclusive: the bake did not end.
    """
    app = next((app for app in run.apps.values() if app.serving), None)
    if app is None:
        raise NotAsked(f"{run.settings.target.name} has no public service to put load on")
    if {"load", "chaos"} & run.settings.target.allow:
        run.wait_for_bake()
    return Ground(
        target=run.settings.target,
        app=app.name,
        base_url=app.url,
        hosts=tuple(host_of(each.url) for each in run.apps.values() if each.url),
        journeys=frozenset(run.known_journeys),
        journey_files=run.settings.journeys,
        root=run.settings.root,
        run=run.recorder.path.stem,
        turn=_turns(run, app),
        fleet=lambda: _fleet(app),
        sent=lambda: _sent(run),
        tell=lambda line: run.on_wait(line) if run.on_wait else None,
        asked=run.settings.load,
        keeps_baselines=keeps_baselines,
        crew=run.load_crew,
    )


def load_writer(evidence: Evidence) -> Callable[[Row], None]:
    """Give what records the loads of a test; of their rows it keeps what failed."""

    def write(row: Row) -> None:
        if isinstance(row, LoadError):
            evidence.rows.append(row)
        evidence.record(row)

    return write


def _turns(run: "Run", app: FlyApp) -> Callable[[float], AbstractContextManager[Turn]]:
    folder = turns_dir(run.settings.root)
    name, this_run = run.settings.target.name, run.recorder.path.stem

    def take(lasts_s: float) -> AbstractContextManager[Turn]:
        bearer = board_machine(app.live)
        if not bearer:
            raise Inconclusive(f"{app.name} has no Machine to put load on")
        board = MachineBoard(run.platform.fly, app.name, bearer)
        return take_turn(LOAD, folder, name, run=this_run, lasts_s=lasts_s, board=board)

    return take


def _sent(run: "Run") -> int:
    run.recorder.flush()
    if run.recorder.error:
        # What earlier loads sent cannot be read there, so no ceiling could be kept.
        raise Inconclusive(
            f"no load without a recording of it: {run.recorder.error}", cause="own recording"
        )
    return requests_sent(run.recording)


def _fleet(app: FlyApp) -> Mapping[str, int]:
    return Counter(_kind(machine) for machine in app.live if machine.state == "started")


def _kind(machine: Machine) -> str:
    guest = machine.settings.guest or Guest()
    size = f"{guest.cpu_kind}-{guest.cpus}x {guest.memory_mb} MB"
    return f"{machine.group} {machine.region} {size}"
