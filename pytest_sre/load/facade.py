"""What a test does with load: ``load.run("checkout", rate=200, duration="30s")``."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_sre.load.aborting import Abort
from pytest_sre.load.baselines import (
    LoadComparison,
    baseline_of,
    baseline_path,
    compare_loads,
    read_baseline,
    write_baseline,
)
from pytest_sre.load.ground import Ground
from pytest_sre.load.limit import Limit, Step, lowest_rate, search_limit, step_of, step_s
from pytest_sre.load.making import Maker, name_of
from pytest_sre.load.permission import require_allowed
from pytest_sre.load.plan import Closed, LoadPlan, Spacing
from pytest_sre.load.planning import StatedStage, plan_of, workload_of
from pytest_sre.load.result import LoadResult
from pytest_sre.recording.rows import Row
from pytest_sre.slo.facade import ObjectiveCheck
from pytest_sre.targets.durations import Duration, parse_duration_s
from pytest_sre.targets.objectives import Objective
from pytest_sre.verdict import Inconclusive, NotAsked

Watched = ObjectiveCheck | Objective

_SETTLE_S: Final = 1.0


class Load:
    """Loads, as one test makes them on one target.

    Args:
        ground: where.
        write: records what is seen.
        keep: told each result.
        test: the test's node id.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        write: Callable[[Row], None],
        keep: Callable[[LoadResult], None],
        test: str,
    ) -> None:
        self._ground, self._keep = ground, keep
        self._maker = Maker(ground, write=write, test=test)

    def run(
        self,
        journey: str | None = None,
        *,
        mix: Mapping[str, float] | None = None,
        rate: float | None = None,
        users: int | None = None,
        duration: Duration | None = None,
        stages: Sequence[StatedStage] = (),
        spacing: Spacing = "even",
        ramp: Duration = 0.0,
        pause: Duration = 0.0,
        delay: Duration = 0.0,
        warm_up: Duration = 0.0,
        timeout: Duration = 30.0,
        abort_when: Watched | Sequence[Watched] = (),
        processes: int = 1,
        seed: int = 1,
    ) -> LoadResult:
        """Walk journeys as load, and give what came of it.

        A result is not yet a verdict: ``slo.latency(p=99, below="250ms").check(result)`` is. A
        test that passes although a result of it is in doubt (nothing was answered, the rate was
        not reached, arrivals were dropped, the generator could not keep up) is inconclusive.

        Args:
            journey: the journey to walk; or ``mix``, journeys and their weights.
            mix: such as ``{"browse": 8, "checkout": 2}``.
            rate: arrivals a second, whether or not earlier ones are answered.
            users: users who each begin again when they are done, instead of a rate.
            duration: how long, such as ``"30s"``, or seconds.
            stages: instead of a rate, ``("1m", 50)`` or ``("1m", (50, 200))`` for a ramp.
            spacing: of arrivals: ``"even"``, or ``"poisson"`` as of many independent users.
            ramp: over how long users come; not judged.
            pause: how long each user waits before it begins again.
            delay: how long to wait before the load begins.
            warm_up: how long what arrives at first is not judged.
            timeout: how long one request may take.
            abort_when: objectives that end the load, within two seconds, once one is certainly
                broken; looking every second is accounted for.
            processes: how many of this machine share the load, unless --sre-load-workers says
                who does; one uses at most one core.
            seed: the same seed makes the same Poisson arrivals and the same mix.

        Raises:
            AssertionError: an objective of ``abort_when`` is broken.
            NotAsked: the target does not allow load; nothing was sent.
            Inconclusive: the load is more than the target may bear, another one is on, or it
                could not be made.
            ValueError: the arguments do not say one load.
        """
        workload = workload_of(
            rate=rate,
            users=users,
            duration=duration,
            stages=stages,
            spacing=spacing,
            ramp=ramp,
            pause=pause,
        )
        plan = plan_of(
            workload,
            run=self._ground.run,
            mix=_mix(journey, mix),
            delay=delay,
            warm_up=warm_up,
            timeout=timeout,
            seed=seed,
        )
        return self._watched(plan, abort_when, processes)

    def locustfile(
        self,
        path: str | Path,
        *,
        users: int,
        duration: Duration,
        ramp: Duration = 0.0,
        warm_up: Duration = 0.0,
        abort_when: Watched | Sequence[Watched] = (),
        processes: int = 1,
    ) -> LoadResult:
        """Run an existing locustfile, unchanged but for where its requests go; see ``run``.

        Its users ask the target, whatever host it names; the load ends if they ask another.

        Args:
            path: relative to the project's folder.
            users: how many users, of all its classes together.
            duration: how long.
            ramp: over how long they come; not judged.
            warm_up: how long is not judged.
            abort_when: as for ``run``.
            processes: as for ``run``.

        Raises:
            AssertionError: as for ``run``, as are the others.
        """
        file = self._ground.root / path
        workload = Closed(
            users=users, duration_s=parse_duration_s(duration), ramp_s=parse_duration_s(ramp)
        )
        plan = plan_of(workload, run=self._ground.run, locustfile=str(file), warm_up=warm_up)
        if not file.is_file():
            raise Inconclusive(f"expected a locustfile, found none at {file}")
        return self._watched(plan, abort_when, processes)

    def spike(
        self,
        journey: str,
        *,
        rate: float,
        to: float,
        lasts: Duration = "10s",
        around: Duration = "20s",
        abort_when: Watched | Sequence[Watched] = (),
        processes: int = 1,
    ) -> LoadResult:
        """Load steadily, at once much more, and steadily again; all of it is judged.

        Args:
            journey: the journey to walk.
            rate: arrivals a second before and after.
            to: arrivals a second in the spike.
            lasts: how long the spike takes.
            around: how long it is steady before, and after.
            abort_when: as for ``run``.
            processes: as for ``run``.

        Raises:
            AssertionError: as for ``run``, as are the others.
        """
        stages: Sequence[StatedStage] = ((around, rate), (lasts, to), (around, rate))
        return self.run(journey, stages=stages, abort_when=abort_when, processes=processes)

    def soak(
        self,
        journey: str,
        *,
        rate: float,
        duration: Duration = "10m",
        abort_when: Watched | Sequence[Watched] = (),
        processes: int = 1,
    ) -> LoadResult:
        """Load for long, as users come: independent of each other, the first tenth not judged.

        Raises:
            AssertionError: as for ``run``, as are the others.
        """
        return self.run(
            journey,
            rate=rate,
            duration=duration,
            spacing="poisson",
            warm_up=parse_duration_s(duration) / 10,
            abort_when=abort_when,
            processes=processes,
        )

    def find_limit(
        self,
        journey: str,
        *,
        until: Watched,
        first: float | None = None,
        step: Duration = "5s",
        precision: float = 0.1,
        processes: int = 1,
    ) -> Limit:
        """Find the highest rate of arrivals at which an objective is met.

        Steady loads, each long enough for a verdict and the first second of it not judged: ever
        twice the rate until the objective is broken, then between. What the target may bear at
        most (``load-rate``) is not exceeded.

        Args:
            journey: the journey to walk.
            until: the objective, such as ``slo.latency(p=99, below="300ms")``.
            first: the first rate; one at which a step is just long enough when not given.
            step: how long a step lasts at least.
            precision: how far apart the two ends of the answer may be, as a share.
            processes: as for ``run``.

        Returns:
            The interval, and whether latency or errors gave way first.

        Raises:
            Inconclusive: the generator gave way before the app did, or a step cannot decide.
            NotAsked: the target does not allow load.
            ValueError: a number is out of range.
        """
        [objective] = objectives_of(until)
        ceiling, least_s = self._ground.target.load.rate_per_s, parse_duration_s(step)

        def try_rate(rate: float) -> Step:
            lasts_s = _SETTLE_S + step_s(objective, rate, least_s)
            plan = plan_of(
                workload_of(rate=rate, duration=lasts_s),
                run=self._ground.run,
                mix={journey: 1.0},
                warm_up=_SETTLE_S,
            )
            return step_of(rate, self._maker.make(plan, processes), objective)

        require_allowed(self._ground.target)
        begin = first or min(ceiling, lowest_rate(objective, least_s))
        return search_limit(try_rate, first=begin, ceiling=ceiling, precision=precision)

    def compare(
        self,
        result: LoadResult,
        *,
        p: float = 99,
        worse_by: float = 0.2,
        more_errors: float = 0.01,
        name: str = "",
    ) -> LoadComparison:
        """Compare a load with its baseline: ``load.compare(result).check()``.

        The baseline is the load that somebody chose by ``--sre-load-baseline=update``; it is kept
        in ``load-baselines/`` and committed with the project. Nothing else ever changes it.

        Args:
            result: the load.
            p: which percentile of the latency, above 0 and below 100.
            worse_by: by what share it may be longer.
            more_errors: by how much the share that failed may be higher.
            name: of the baseline; the names of the journeys when empty.

        Raises:
            Inconclusive: there is no baseline, a load is in doubt, or the two are not alike.
            NotAsked: this run was to keep the load as the baseline, and has.
            ValueError: a number is out of range.
        """
        ground, name = self._ground, name or name_of(result.plan)
        path = baseline_path(ground.root, ground.target.name, name)
        fleet = ground.fleet()
        if ground.keeps_baselines:
            made = baseline_of(result, name=name, target=ground.target.name, fleet=fleet)
            write_baseline(path, made)
            raise NotAsked(f"kept as the baseline, to be committed: {path}")
        return compare_loads(
            result,
            read_baseline(path),
            fleet,
            percent=p,
            worse_by=worse_by,
            more_errors=more_errors,
        )

    def as_asked(self, journey: str) -> LoadResult:
        """Load a journey as the project's ``[load]`` table asks for.

        Raises:
            NotAsked: it does not ask for any, or the target does not allow load.
            Inconclusive: as for ``run``.
        """
        asked = self._ground.asked
        if asked.rate_per_s is None:
            raise NotAsked("no load is asked for; rate = 5 in [load] puts it on each journey")
        return self.run(journey, rate=asked.rate_per_s, duration=asked.duration_s)

    def _watched(
        self, plan: LoadPlan, abort_when: Watched | Sequence[Watched], processes: int
    ) -> LoadResult:
        abort = Abort(objectives_of(abort_when), plan)
        result = self._maker.make(plan, processes, abort)
        self._keep(result)
        if abort.breached:
            lasted_s = result.ended_at - result.started_at
            raise AssertionError(
                f"{abort.breached}\nthe load was stopped for it after {lasted_s:.1f} of "
                f"{plan.duration_s:g} s, as abort_when asks"
            )
        return result


def _mix(journey: str | None, mix: Mapping[str, float] | None) -> Mapping[str, float]:
    if (journey is None) == (mix is None):
        found = "neither" if journey is None else "both"
        raise ValueError(f"expected a journey or mix=, found {found}")
    return {journey: 1.0} if journey is not None else dict(mix or {})


def objectives_of(watched: Watched | Sequence[Watched]) -> list[Objective]:
    """Give the objectives that are meant by one, or by several, with or without their check."""
    stated = [watched] if isinstance(watched, ObjectiveCheck | Objective) else watched
    return [each.objective if isinstance(each, ObjectiveCheck) else each for each in stated]
