"""What a run gives to chaos: by what the target is perturbed, when it may be, who is told."""

import contextlib
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_sre.chaos.arguments import parameters_of
from pytest_sre.chaos.experiments.files import SUFFIXES
from pytest_sre.chaos.experiments.reading import read_experiment
from pytest_sre.chaos.experiments.result import ExperimentResult
from pytest_sre.chaos.experiments.running import run_experiment
from pytest_sre.chaos.facade import Chaos
from pytest_sre.chaos.faults import Faults
from pytest_sre.chaos.ground import Ground
from pytest_sre.chaos.hands import LOCAL_IN_FLIGHT_S, Hands
from pytest_sre.chaos.steadiness import Look, Seen, wait_until_steady
from pytest_sre.chaos.watched import WatchedFaults
from pytest_sre.chaos.watching import Watch
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp, is_well
from pytest_sre.journeys import Journey
from pytest_sre.journeys.run import JourneyRunner
from pytest_sre.load.making import Maker
from pytest_sre.local.platform import LocalPlatform, LocalPlatformError
from pytest_sre.recording.rows import OwnFault
from pytest_sre.run.acting import tell_incidents
from pytest_sre.run.chaos_terms import readiness_of
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.loads import load_ground, load_writer
from pytest_sre.run.platforms import Platform
from pytest_sre.undo.files import Journal, undo_dir
from pytest_sre.verdict import Inconclusive

if TYPE_CHECKING:
    from pytest_sre.run.run import Run

STEADY_BEFORE_S: Final = 10.0
"""Within which a target has to be in its steady state before anything is done to it."""

STEADY_AGAIN_S: Final = 60.0
"""Within which a target has to be in its steady state again when a test has undone all it did."""

EXPERIMENTS: Final = "chaos"
"""The folder of a project's experiments."""


@contextlib.contextmanager
def chaos_of(
    run: "Run", evidence: Evidence, *, final: tuple[type[BaseException], ...] = ()
) -> Iterator[Chaos]:
    """Give one test of a run its chaos; undo all of it in the end, and wait for the target.

    Args:
        run: the run.
        evidence: the test's.
        final: exceptions by which more than the test ends.

    Raises:
        LocalPlatformError: the local platform of the run is gone.
        NotClean: it is not proven that nothing is left.
        AssertionError: the target does not come back to its steady state.
        Inconclusive: the test passed without having begun what it asked for.
    """
    with chaos_ground(run, evidence) as ground:
        faults = _watched_faults(ground, evidence, final)
        look = steady_look(run)
        run.before_end.append(faults.end)
        try:
            chaos = Chaos(faults, look, lambda name, values: _play(ground, evidence, name, values))
            yield chaos
        finally:
            if faults.end in run.before_end:
                run.before_end.remove(faults.end)
                faults.end()
        if faults.has_begun and not run.has_ended:
            # The next test is not to see what this one did.
            wait_until_steady(look, within_s=STEADY_AGAIN_S)
        if evidence.has_passed:
            chaos.require_begun()


def _watched_faults(
    ground: Ground, evidence: Evidence, final: tuple[type[BaseException], ...]
) -> WatchedFaults:
    """Give what a test does to its target, under watch."""
    faults = WatchedFaults(Faults(ground), ground, final)
    faults.end_when("the traffic that watches", lambda: _first(evidence.stops))
    return faults


def _play(
    ground: Ground, evidence: Evidence, name: str, values: Mapping[str, object]
) -> ExperimentResult:
    """Run an experiment, which also ends by what the test's own traffic says."""

    def stopped() -> str:
        return ground.stopped() or _first(evidence.stops)

    experiment = read_experiment(_experiment_file(ground.settings.root, name), ground.settings.root)
    told = parameters_of(experiment, values)
    return run_experiment(experiment, replace(ground, stopped=stopped), values=told)


def _experiment_file(root: Path, name: str) -> Path:
    """Find an experiment by its name in ``chaos/``, or by the path of its file.

    Raises:
        Inconclusive: there is none.
    """
    if Path(name).suffix:
        return root / name
    folder = root / EXPERIMENTS
    files = [*filter(Path.is_file, (folder / f"{name}{suffix}" for suffix in sorted(SUFFIXES)))]
    if not files:
        found = (path.stem for path in folder.glob("*") if path.suffix in SUFFIXES)
        there = ", ".join(sorted(found)) or "none"
        raise Inconclusive(
            f"expected an experiment {EXPERIMENTS}/{name}.yaml, found none; there are: {there}",
            cause=f"own test: no experiment {name}",
        )
    return files[0]


def _first(conditions: Sequence[Callable[[], str]]) -> str:
    return next(filter(None, (condition() for condition in conditions)), "")


@contextlib.contextmanager
def watch_of(run: "Run", evidence: Evidence) -> Iterator[Watch]:
    """Give one test of a run the traffic by which it watches its target.

    Raises:
        NotAsked: the target has no public service.
        Inconclusive: the test passed without having begun what it asked for.
    """
    ground = load_ground(run, keeps_baselines=False)
    maker = Maker(ground, write=load_writer(evidence), test=evidence.test)
    watch = Watch(maker, ground.run, keep=evidence.loads.append, watched=evidence.stops.append)
    yield watch
    if evidence.has_passed:
        watch.require_begun()


@contextlib.contextmanager
def chaos_ground(run: "Run", evidence: Evidence) -> Iterator[Ground]:
    """Give the ground on which one test of a run perturbs the target, for as long as it does.

    Args:
        run: the run.
        evidence: the test's; what is done is recorded in its name.

    Raises:
        LocalPlatformError: the local platform of the run is gone.
    """
    settings = run.settings
    journal = Journal(undo_dir(settings.root))
    look = steady_look(run)
    with _hands(run.platform) as hands:
        readiness = readiness_of(
            run, hands, journal, lambda: wait_until_steady(look, within_s=STEADY_BEFORE_S)
        )
        yield Ground(
            settings=settings,
            hands=hands,
            journal=journal,
            app=settings.target.apps[0].name,
            run=run.recorder.path.stem,
            seed=zlib.crc32(run.recorder.path.stem.encode()),
            test=evidence.test,
            ready=readiness.ready,
            stopped=readiness.stopped,
            write=evidence.write,
            tell=lambda line: run.on_wait(line) if run.on_wait else None,
            note=_noting(run),
        )


def steady_look(run: "Run") -> Look:
    """Give what looks whether a run's target is in its steady state: Machines, checks, journeys."""

    def look() -> Sequence[Seen]:
        apps = [_app_condition(app, run) for app in run.apps.values()]
        return [*apps, *_journey_conditions(run)]

    return look


def _app_condition(app: FlyApp, run: "Run") -> Seen:
    name = f"Machines of {app.name}"
    try:
        asleep = {machine.id for machine in app.machines if machine.is_asleep}
        # Not as they were listed a moment ago: it is about what has changed since.
        listed = run.platform.fly.machines(app.name)
    except (FlyError, Inconclusive) as error:
        return Seen(name, None, _line(error))
    unwell = [app.label_of(m) for m in listed if not is_well(m) and m.id not in asleep]
    gone = {machine.label for machine in app.machines} - {app.label_of(m) for m in listed}
    said = [f"{label} is not well" for label in unwell] + [f"{label} is gone" for label in gone]
    return Seen(name, not said, ", ".join(said))


def _journey_conditions(run: "Run") -> Iterator[Seen]:
    app = next((app for app in run.apps.values() if app.serving), None)
    if app is None:
        return
    # Not recorded: what fails here, while the target is perturbed, is not the release's.
    with JourneyRunner(app.url, app=app.name, source="chaos", write=lambda _row: None) as runner:
        for name, journey in sorted(run.known_journeys.items()):
            yield _walked(runner, name, journey)


def _walked(runner: JourneyRunner, name: str, journey: Journey) -> Seen:
    try:
        runner.run(journey)
    except AssertionError as error:
        return Seen(f"journey {name}", holds=False, said=_line(error))
    except Inconclusive as error:
        return Seen(f"journey {name}", holds=None, said=_line(error))
    return Seen(f"journey {name}", holds=True)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


@contextlib.contextmanager
def _hands(platform: Platform) -> Iterator[Hands]:
    if not platform.handle:
        yield Hands(platform.fly)
        return
    local = LocalPlatform.attach(Path(platform.handle))
    if local is None:
        raise LocalPlatformError(f"the local platform of this run is gone: {platform.handle}")
    with contextlib.closing(local):
        yield Hands(platform.fly, local, in_flight_s=LOCAL_IN_FLIGHT_S)


def _noting(run: "Run") -> Callable[[str, float], None]:
    def note(text: str, at: float) -> None:
        if not run.tracker:
            return
        try:
            tell_incidents(run.settings, run.tracker, text, at=at)
        except Exception as error:  # noqa: BLE001 - nothing is left undone for want of a log
            detail = f"the log of incidents could not be written: {type(error).__name__}: {error}"
            run.recorder.write(OwnFault(at=time.time(), cause="own incident log", detail=detail))

    return note
