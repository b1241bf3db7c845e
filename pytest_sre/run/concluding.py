"""Concludes a run: gathers the facts from its recording, and has them judged."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence

from pytest_sre.bake.window import Bake
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp
from pytest_sre.judge.causes import Failure, Suspect, group_by_cause
from pytest_sre.judge.conclusion import Conclusion, Tally, conclude
from pytest_sre.judge.platform_calls import troubles
from pytest_sre.judge.suspects import Facts, find_suspects
from pytest_sre.logs.errors import error_groups
from pytest_sre.logs.recorded import recorded_lines
from pytest_sre.recording.notes import LIFTED
from pytest_sre.recording.rows import (
    CheckSeen,
    EventSeen,
    ExperimentRun,
    Flake,
    JourneyRun,
    MachineSeen,
    OwnFault,
    Perturbation,
    PlatformCall,
    Reason,
    Risk,
)
from pytest_sre.report.block import Seen
from pytest_sre.report.perturbations import (
    NOT_CLEAN,
    timeline,
    told_experiment,
    told_perturbations,
)
from pytest_sre.run.run import Run
from pytest_sre.verdict import Inconclusive, Verdict


def conclude_run(
    run: Run,
    failures: Sequence[Failure],
    suites: Mapping[str, Tally],
    *,
    was_cut: bool,
    looked: bool,
) -> tuple[Conclusion, Seen]:
    """Judge what a run recorded.

    Args:
        run: the run; its bake is ended first, if it has not ended.
        failures: the tests that did not pass.
        suites: how the tests ended, by suite.
        was_cut: the run was interrupted before its end.
        looked: some test that passed had the target to look at.

    Returns:
        The conclusion, and how much it rests on.
    """
    run.leave_target()
    run.stop_bake()
    run.recorder.flush()
    perturbed = run.recording.newest(Perturbation, "perturbation")
    failures = [*failures, *unclean_failures(perturbed, failures)]
    suspects = [s for app in run.apps.values() for s in _suspects(run, app)]
    gaps = list(_gaps(run, failures, was_cut=was_cut))
    unknown = sum(math.isnan(row.undone_at) for row in perturbed)
    if unknown:
        gaps.append(f"{unknown} perturbations are not known to be undone; run: pytest-sre recover")
    if not looked and any(tally.healthy for tally in suites.values()):
        gaps.append("no test that passed looked at the target")
    conclusion = conclude(suites, group_by_cause(failures, suspects), gaps=gaps)
    for reason in reasons_of(conclusion, time.time()):
        run.recorder.write(reason)
    return conclusion, _seen(run, conclusion)


def unclean_failures(
    perturbed: Sequence[Perturbation], failures: Sequence[Failure]
) -> Iterator[Failure]:
    """Give as failures what is not proven to be undone and that no test has failed for.

    Args:
        perturbed: what was done to the target on purpose, each as it is known last.
        failures: the tests that did not pass.
    """
    told = {failure.test for failure in failures if failure.message.startswith(NOT_CLEAN)}
    for row in perturbed:
        if math.isfinite(row.undone_at) and not row.clean and row.test not in told:
            told.add(row.test)
            yield Failure(
                test=row.test,
                verdict=Verdict.UNHEALTHY,
                message=f"{NOT_CLEAN}: not proven to be undone: {row.described}",
                severity="critical",
                machines=frozenset(row.machine_ids),
                app=row.app,
                evidence=tuple(timeline([row])),
                perturbed=True,
            )


def reasons_of(conclusion: Conclusion, at: float) -> Iterator[Reason]:
    """Give what is recorded of why a run came to its verdict, the gravest first.

    Args:
        conclusion: what the run came to.
        at: when it did, Unix seconds.
    """
    for cause in conclusion.causes:
        yield Reason(
            at=at,
            title=cause.title,
            verdict=cause.verdict.value,
            severity=cause.severity,
            app=cause.app,
            evidence="\n".join(cause.evidence),
            tests="\n".join(failure.test for failure in cause.failures),
            machines=" ".join(sorted(cause.machines)),
        )
    for gap in conclusion.gaps:
        yield Reason(at=at, title=gap, verdict=Verdict.INCONCLUSIVE.value)


def _gaps(run: Run, failures: Sequence[Failure], *, was_cut: bool) -> Sequence[str]:
    gaps = []
    if was_cut:
        gaps.append("the run was stopped before its end")
    if run.own_fault and run.own_fault.cause not in {failure.cause for failure in failures}:
        gaps.append(run.own_fault.reason)
    if run.recorder.error:
        gaps.append(f"the recording is not whole: {run.recorder.error}")
    return gaps


def _suspects(run: Run, app: FlyApp) -> tuple[Suspect, ...]:
    recording = run.recording
    since_at, image = _release_facts(app)
    lines = recorded_lines(recording, app.name, since_at)
    machines = recording.rows(MachineSeen, app=app.name)
    checks = recording.rows(CheckSeen, app=app.name)
    return find_suspects(
        Facts(
            app=app.name,
            image=image,
            machines=tuple({machine.machine: machine for machine in machines}.values()),
            checks=tuple({(check.machine, check.check): check for check in checks}.values()),
            events=tuple(recording.rows(EventSeen, app=app.name, since_at=since_at)),
            log_lines=lines,
            errors=tuple(error_groups(lines, run.settings.logs.ignore)),
            own_faults=tuple(recording.rows(OwnFault)),
            troubles=troubles(recording.rows(PlatformCall)),
            left_out=run.left_out(),
            bake=_bake_of(run, app),
            error_ratio=run.settings.bake.error_ratio,
            latency_p95_s=run.settings.bake.latency_p95_s,
        )
    )


def _bake_of(run: Run, app: FlyApp) -> Bake | None:
    """Give what the bake saw of one app."""
    bake = run.observed()
    if bake is None or len(run.apps) == 1:
        return bake
    return Bake.of(
        bake.objectives,
        bake.started_at,
        bake.ended_at,
        [exchange for exchange in bake.traffic.exchanges if exchange.app == app.name],
        [walked for walked in bake.journey_runs if walked.app == app.name],
    )


def _release_facts(app: FlyApp) -> tuple[float, str]:
    """Give from when on to judge, and the release's image; nothing when they are not known."""
    try:
        return app.since_at, app.release.image
    except (FlyError, Inconclusive):
        return time.time(), ""


def _seen(run: Run, conclusion: Conclusion) -> Seen:
    exchanges = run.recording.exchange_summary()
    bake = run.observed()
    return Seen(
        releases=tuple(_describe(run, app) for app in run.apps.values()),
        requests=exchanges.requests,
        failed=exchanges.failed,
        p95_s=exchanges.p95_s or 0.0,
        bake_s=bake.window_s if bake else 0.0,
        log_lines=sum(len(recorded_lines(run.recording, name, 0.0)) for name in run.apps),
        flakes=(
            *(
                f"{flake.what} passed at try {flake.attempts}, at first: {flake.first_failure}"
                for flake in run.recording.rows(Flake)
            ),
            *_unsteady_journeys(bake),
            *_survived_troubles(run, conclusion),
        ),
        evidence=str(run.recorder.path.relative_to(run.settings.root)),
        risks=tuple(
            dict.fromkeys(f"{risk.title}  [{risk.severity}]" for risk in run.recording.rows(Risk))
        ),
        objectives=tuple(run.objectives.told()) if bake else (),
        chaos=(
            *map(told_experiment, run.recording.rows(ExperimentRun)),
            *told_perturbations(run.recording.newest(Perturbation, "perturbation")),
        ),
        lifted=tuple(text for key, text in run.recording.meta().items() if key.startswith(LIFTED)),
    )


def _describe(run: Run, app: FlyApp) -> str:
    try:
        release = f" v{app.release.version} ({app.release.image})"
    except (FlyError, Inconclusive):
        release = ""
    regions = ", ".join(sorted({machine.region for machine in app.machines}))
    where = f"{len(app.machines)} Machines in {regions}" if regions else "no Machine"
    other = f" (of {run.platform.other_host}, not Fly.io)" if run.platform.other_host else ""
    return f"{app.name}{release} on {run.settings.target.name}{other}, {where}"


def _survived_troubles(run: Run, conclusion: Conclusion) -> Iterator[str]:
    """Name the trouble with the platform's APIs that made no test inconclusive."""
    named = {cause.title for cause in conclusion.causes}
    for trouble in troubles(run.recording.rows(PlatformCall)):
        if str(trouble) not in named:
            yield str(trouble)


def _unsteady_journeys(bake: Bake | None) -> Iterator[str]:
    """Name the journeys that failed now and then in the bake, however rarely."""
    walked: dict[str, list[JourneyRun]] = {}
    for run in bake.journey_runs if bake else ():
        if not run.own_fault:
            walked.setdefault(run.journey, []).append(run)
    for name, runs in sorted(walked.items()):
        failed = [run for run in runs if not run.ok]
        if 0 < len(failed) < len(runs):
            share = f"{len(failed)} of {len(runs)} times in the bake"
            yield f"journey {name} failed {share}, first: {failed[0].error}"
