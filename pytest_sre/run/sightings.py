"""From a run's conclusion to its sighting: what issues are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp, FlyMachine
from pytest_sre.issues.evidence import Change, Release, Seen, sections
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.journal import DeadRun
from pytest_sre.issues.values import Finding, Section, Sighting
from pytest_sre.judge.causes import Cause, group_by_cause
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.recording import Recording, RecordingError
from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen
from pytest_sre.recording.store import recorded_runs
from pytest_sre.redaction import inline, title
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.run import Run
from pytest_sre.targets.settings import IssueSettings
from pytest_sre.verdict import Inconclusive, Verdict

_DEFAULT_SEVERITY = "high"
_SIGNATURES = 10


def sighting_of(
    run: Run,
    conclusion: Conclusion,
    *,
    tracker: str,
    passed: frozenset[str],
    runbooks: Mapping[str, str],
    at: float,
    clean: Callable[[str], str],
    environment: Mapping[str, str],
) -> Sighting:
    """Say what a run found, and what it tested that is well.

    Only what is UNHEALTHY is found: that something could not be judged is told by the verdict.

    Args:
        run: the run; all it will record is recorded.
        conclusion: what it came to.
        tracker: who is to be told.
        passed: functions of tests that passed with all their parameters.
        runbooks: the path of the runbook of each test that has one, by the test's node id.
        at: when it ended, Unix seconds.
        clean: takes secrets out of a text.
        environment: the process's; a CI runner says in it where its run is shown.
    """
    causes = [cause for cause in conclusion.causes if cause.verdict is Verdict.UNHEALTHY]
    changes = tuple(_change(run, app) for app in run.apps.values())
    found = (_finding(run, cause, changes, runbooks, clean, environment) for cause in causes)
    return Sighting(
        run=run.recorder.path.stem,
        tracker=tracker,
        target=run.settings.target.name,
        release=", ".join(str(change.now) for change in changes),
        at=at,
        findings=tuple({each.fingerprint: each for each in reversed([*found])}.values())[::-1],
        passed=passed,
        incidents=run.settings.target.incidents,
    )


def _finding(
    run: Run,
    cause: Cause,
    changes: tuple[Change, ...],
    runbooks: Mapping[str, str],
    clean: Callable[[str], str],
    environment: Mapping[str, str],
) -> Finding:
    tests = [failure.test for failure in cause.failures]
    own = dict.fromkeys(runbooks[test] for test in tests if test in runbooks)
    seen = _seen(run, cause, changes, tuple(own), environment)
    severity = cause.severity or _DEFAULT_SEVERITY
    since = next((f" since v{each.now.version}" for each in changes if _is_new(each)), "")
    settings = run.settings.issues
    return Finding(
        fingerprint(run.settings.target.name, *cause.identity),
        title(clean(cause.title) + since),
        severity,
        tuple(dict.fromkeys(test.partition("[")[0] for test in tests)),
        sections(cause, seen, clean),
        (*settings.labels, *(f"app:{app}" for app in run.apps)),
        settings.assignees,
        tuple(sorted({each.app.name for each in _concerned(run, cause)})) or tuple(run.apps),
        tuple(sorted({each.region for each in _concerned(run, cause)})),
    )


def _concerned(run: Run, cause: Cause) -> list[FlyMachine]:
    return [machine for machine in run.machines if machine.id in cause.machines]


def _is_new(change: Change) -> bool:
    return change.before is not None and change.before != change.now and change.now.version > 0


def _seen(
    run: Run,
    cause: Cause,
    changes: tuple[Change, ...],
    runbooks: tuple[str, ...],
    environment: Mapping[str, str],
) -> Seen:
    recording = run.recording
    machines = {each.machine: each for each in recording.rows(MachineSeen)}
    checks = {(each.machine, each.check): each for each in recording.rows(CheckSeen)}
    concerned = cause.machines & machines.keys()
    tests = {failure.test for failure in cause.failures}
    return Seen(
        target=run.settings.target.name,
        machines=tuple(
            sorted(machines.values(), key=lambda m: (m.machine not in concerned, m.app, m.group))
        ),
        checks=tuple(checks.values()),
        exchanges=tuple(_failing(recording, tests, concerned)),
        log_lines=tuple(_lines(recording, concerned)),
        signatures=tuple(_signatures(run, concerned)),
        changes=changes,
        runbooks=runbooks,
        links=tuple(_links(environment)),
        evidence=str(run.recorder.path.relative_to(run.settings.root)),
    )


def _failing(
    recording: Recording, tests: set[str], machines: frozenset[str] | set[str]
) -> list[Exchange]:
    """The failed requests of these tests, and of the bake to these Machines; own faults aside."""
    failed = [each for each in recording.rows(Exchange, ok=False) if not each.own_fault]
    of_tests = [each for each in failed if each.test in tests]
    of_bake = [each for each in failed if not machines or each.machine in machines]
    return of_tests or of_bake


def _lines(recording: Recording, machines: frozenset[str] | set[str]) -> Iterator[LogLine]:
    """What these Machines said, or all of them; what is wrong if anything is said to be."""
    lines = recording.rows(LogLine)
    own = [line for line in lines if not machines or line.machine in machines]
    wrong = [line for line in own if line.level in {"warning", "error", "critical"}]
    yield from wrong or own


def _signatures(run: Run, machines: frozenset[str] | set[str]) -> Iterator[str]:
    for app in run.apps.values():
        try:
            logs = run.logs(Evidence("", run.recorder.write))
            since = logs.since_deploy(app)
            for each in since.new_error_signatures[:_SIGNATURES]:
                if not machines or machines & set(each.machines):
                    yield f"{each.count} times: {each.template}"
        except (Inconclusive, FlyError):
            continue


def _change(run: Run, app: FlyApp) -> Change:
    """What is new of an app since the newest recording of a healthy run of the same target."""
    now = _release(app)
    for path in recorded_runs(run.settings.root):
        if path == run.recorder.path:
            continue
        try:
            with Recording(path) as recording:
                meta = recording.meta()
                is_fit = meta.get("target") == run.settings.target.name
                if not is_fit or meta.get("verdict") != Verdict.HEALTHY.value:
                    continue
                machines: Sequence[MachineSeen] = recording.rows(MachineSeen, app=app.name)
        except RecordingError:
            continue
        if machines:
            last = machines[-1]
            before = Release(app.name, last.release_version, last.image)
            return Change(now, before, float(meta.get("started_at", 0)))
    return Change(now)


def _release(app: FlyApp) -> Release:
    try:
        return Release(app.name, app.release.version, app.release.image)
    except (FlyError, Inconclusive):
        return Release(app.name)


def _links(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Where a CI runner shows this run, by its own account."""
    server, repository, run_id = (
        environment.get(name, "")
        for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    if server.startswith("https://") and repository and run_id.isdecimal():
        yield "the CI run", f"{server}/{repository}/actions/runs/{run_id}"


def sighting_of_dead(
    dead: DeadRun, settings: IssueSettings, clean: Callable[[str], str]
) -> Sighting:
    """Say what a run found whose process was killed: what had failed until then.

    Args:
        dead: what is known of it.
        settings: how issues are made.
        clean: takes secrets out of a text.
    """
    unhealthy = [each for each in dead.failures if each.verdict is Verdict.UNHEALTHY]
    ended = f"The run was killed{f' during {dead.during}' if dead.during else ''}."
    seen = Seen(target=dead.target, evidence=f".sre/runs/{dead.run}.sqlite")
    found = (
        Finding(
            fingerprint(dead.target, *cause.identity),
            title(clean(cause.title)),
            cause.severity or _DEFAULT_SEVERITY,
            tuple(dict.fromkeys(each.test.partition("[")[0] for each in cause.failures)),
            (*sections(cause, seen, clean), Section("", inline(clean(ended)), 99)),
            settings.labels,
            settings.assignees,
        )
        for cause in group_by_cause(unhealthy, ())
    )
    return Sighting(
        dead.run,
        dead.tracker,
        dead.target,
        "a killed run",
        dead.at,
        tuple(found),
        frozenset(),
        dead.incidents,
    )
