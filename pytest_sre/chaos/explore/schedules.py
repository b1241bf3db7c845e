"""What a test says of a search: which app, what may go wrong, what users do, what has to hold."""

import contextlib
import logging
import time
import unittest
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_sre.chaos.actions import Action
from pytest_sre.chaos.changes.change import NotInjected
from pytest_sre.chaos.explore.found import Found, SearchResult
from pytest_sre.chaos.explore.invariants import Invariant, Judgement, judged, worst
from pytest_sre.chaos.explore.operations import Operation
from pytest_sre.chaos.explore.shortening import LASTS_S
from pytest_sre.chaos.explore.steps import Schedule
from pytest_sre.fly.errors import FlyError
from pytest_sre.journeys import JourneyFileError, load_journeys, registered
from pytest_sre.local.images import ReleaseFileError
from pytest_sre.local.platform import LocalPlatformError
from pytest_sre.targets import ConfigError, Settings
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.load import load_settings
from pytest_sre.verdict import Inconclusive

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

    from pytest_sre.chaos.explore.playing import Stage
    from pytest_sre.chaos.explore.searching import Search

_log: Final = logging.getLogger("pytest_sre.chaos")
_OWN_FAULTS: Final = (
    ConfigError,
    FlyError,
    JourneyFileError,
    LocalPlatformError,
    ReleaseFileError,
)
_STEADY_RATIO: Final = 0.9
_MOST_TRIED: Final = 3


@dataclass(frozen=True)
class FaultSchedule:
    """A search for the shortest schedule of faults and operations that breaks an invariant.

    Attributes:
        app: the project's folder, or its fly.toml; its target ``local`` is searched, on a local
            platform of its own.
        faults: what may go wrong; for how long is drawn.
        operations: what users do: journeys by their names, or `Operation`s.
        invariants: what has to hold all the same.
        release: a release of ``releases/NAME.toml``; the code as it is when empty.
        examples: how many schedules are played at most until one breaks something.
        within: how long it may take, as a duration; shrinking included, replays not.
        settles_within: how long what was acknowledged may take until it can be read.
        replays: how often what was found is played again.
        save_to: the folder where it is saved as an experiment; ``chaos`` in the project's when
            not given.
    """

    app: str | Path
    faults: Sequence[Action] = field(kw_only=True)
    operations: Sequence[str | Operation] = field(kw_only=True)
    invariants: Sequence[Invariant] = field(kw_only=True)
    release: str = field(default="", kw_only=True)
    examples: int = field(default=200, kw_only=True)
    within: Duration = field(default="3m", kw_only=True)
    settles_within: Duration = field(default="2.5s", kw_only=True)
    replays: int = field(default=3, kw_only=True)
    save_to: Path | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("faults", "operations", "invariants"):
            if not getattr(self, name):
                raise ValueError(f"expected {name} of a FaultSchedule, found none")

    @property
    def root(self) -> Path:
        """The project's folder."""
        path = Path(self.app).absolute()
        return path.parent if path.suffix == ".toml" else path

    @property
    def TestCase(self) -> type[unittest.TestCase]:  # noqa: N802 - as Hypothesis's machines have it
        """The search as a test."""
        schedule = self

        class FaultScheduleTest(unittest.TestCase):
            def runTest(self) -> None:  # noqa: N802 - unittest's
                schedule.check()

        return FaultScheduleTest

    def check(self) -> None:
        """Search; pass when nothing breaks. What it comes to is logged.

        Raises:
            AssertionError: something breaks; says the shortest way to it.
            Inconclusive: nobody can tell.
        """
        __tracebackhide__ = True
        result = self.search()
        _log.info(result.described)
        if result.found:
            raise AssertionError(result.described)
        if result.unknown and not result.held:
            raise Inconclusive(f"{result.described}; of none it is known: {result.unknown}")
        if not result.held:
            raise Inconclusive("no schedule was played")

    def search(
        self, *, seed: int | None = None, database: "ExampleDatabase | None" = None
    ) -> SearchResult:
        """Search, and say what it has come to.

        Args:
            seed: has the same schedules drawn in the same order; without it they are drawn anew,
                after those that Hypothesis's example database remembers.
            database: remembers what broke something; Hypothesis's own by default.

        Raises:
            Inconclusive: the app cannot be deployed, or a fault cannot be injected.
        """
        if find_spec("hypothesis") is None:
            raise Inconclusive(
                "expected Hypothesis, which draws the schedules, found none\n"
                "run: pip install 'pytest-sre[explore]'"
            )
        with self._stage(seed or 0) as stage:
            return self._search(stage, seed, database)

    def replay(self, schedule: Schedule, times: int = 1) -> list[Judgement]:
        """Play a schedule so many times, each on a fleet that begins anew; judge each.

        Raises:
            Inconclusive: the app cannot be deployed, or a fault cannot be injected.
        """
        with self._stage(0) as stage:
            return [self._play(stage, schedule) for _ in range(times)]

    def _search(
        self, stage: "Stage", seed: int | None, database: "ExampleDatabase | None"
    ) -> SearchResult:
        from hypothesis import seed as seeded

        from pytest_sre.chaos.explore import searching

        search = searching.Search(
            lambda schedule: self._play(stage, schedule),
            parse_duration_s(self.within),
            self.examples,
            needs_users=all(each.is_of_users for each in self.invariants),
        )
        machine = searching.machine_of(
            self._name, faults=self.faults, operations=stage.operations, require=search.require
        )
        began = time.monotonic()
        more = {} if database is None and seed is None else {"database": database}
        drawn = machine if seed is None else seeded(seed)(machine)
        different = len(self.faults) * len(stage.operations) * len(LASTS_S)
        with contextlib.suppress(searching.Broken):
            searching.searched(drawn, self.examples, different, **more)
        took_s = time.monotonic() - began
        judgements = list(search.judgements.values())
        return SearchResult(
            found=self._steadiest(stage, search) if search.first else None,
            examples=search.first or len(judgements),
            played=len(judgements),
            took_s=took_s,
            is_cut=search.is_over,
            unknown=next((each.text for each in judgements if each.holds is None), ""),
            held=sum(each.holds is True for each in judgements),
        )

    @property
    def _name(self) -> str:
        return f"FaultSchedule of {self.root.name} {self.release}".strip()

    def _steadiest(self, stage: "Stage", search: "Search") -> Found:
        """Give the shortest that breaks something again and again; else that which did so most.

        The very shortest may have broken something by chance, just at the edge of a time limit.
        """
        from pytest_sre.chaos.explore.saving import save

        tried: list[Found] = []
        for schedule in search.broken()[:_MOST_TRIED]:
            again = [self._play(stage, schedule).holds is False for _ in range(self.replays)]
            breaks = search.judgements[schedule].text
            found = Found(
                schedule=schedule, breaks=breaks, release=self.release, replays=tuple(again)
            )
            tried.append(found)
            if sum(again) >= _STEADY_RATIO * len(again):
                break
        best = max(tried, key=lambda found: sum(found.replays))
        folder = self.save_to or self.root / "chaos"
        unnamed = [each.name for each in self.operations if isinstance(each, Operation)]
        return save(best, folder, undocumented=unnamed)

    def _play(self, stage: "Stage", schedule: Schedule) -> Judgement:
        """Play a schedule on a fleet that begins anew; a fault of our own decides nothing."""
        try:
            stage.fleet.begin_anew()
            judgement = worst(judged(self.invariants, stage.play(schedule)))
        except (FlyError, LocalPlatformError, NotInjected) as error:
            judgement = Judgement(None, f"not played: {error}")
        _log.info("played: %s: %s", schedule.described, judgement.text or "holds")
        return judgement

    @contextlib.contextmanager
    def _stage(self, seed: int) -> "Iterator[Stage]":
        from pytest_sre.chaos.explore.fleets import Fleet
        from pytest_sre.chaos.explore.playing import Stage

        with contextlib.ExitStack() as held:
            try:
                settings = load_settings(self.root, "local")
                operations = _operations(self.operations, settings)
                deployed = Fleet.deployed(settings, release=self.release, seed=seed)
                fleet = held.enter_context(deployed)
                fleet.require(self.faults)
            except _OWN_FAULTS as error:
                raise Inconclusive(str(error)) from None
            yield Stage(fleet, operations, self.invariants, parse_duration_s(self.settles_within))


def _operations(named: Sequence[str | Operation], settings: Settings) -> Mapping[str, Operation]:
    load_journeys(settings.journeys)
    known = registered()
    found = {}
    for each in named:
        if isinstance(each, Operation):
            found[each.name] = each
        elif each in known:
            found[each] = Operation(each, known[each].flow)
        else:
            names = ", ".join(sorted(known)) or "none"
            raise Inconclusive(f"there is no journey {each!r}; registered: {names}")
    return found
