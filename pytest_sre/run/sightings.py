"""From a run's conclusion to its sighting: what issues are made of."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.fleet import FlyApp
from pytest_sre.issues.codeowners import owners_of
from pytest_sre.issues.evidence import Change, Runbook, Seen, escalation, lines_around, sections
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.journal import DeadRun
from pytest_sre.issues.titles import title_of
from pytest_sre.issues.values import Finding, Section, Sighting
from pytest_sre.judge.causes import Cause, group_by_cause, merge_alike
from pytest_sre.judge.conclusion import Conclusion
from pytest_sre.load.recorded import exchange_of
from pytest_sre.logs.recorded import recorded_lines
from pytest_sre.logs.signatures import Signature
from pytest_sre.recording.rows import CheckSeen, Exchange, LoadError, LogLine, MachineSeen
from pytest_sre.redaction import inline, one_line, title
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.repository import Repository
from pytest_sre.run.risks import risks_of
from pytest_sre.run.run import Run
from pytest_sre.targets.settings import IssueSettings
from pytest_sre.verdict import Inconclusive, Verdict

_DEFAULT_SEVERITY = "high"
_SIGNATURES = 10
# As many as GitHub takes.
_ASSIGNEES = 10
_LONGEST_LABEL = 50
_LONGEST_NAME = 60
_RUNBOOKS = 8
_LONGEST_RUNBOOK = 4_000


@dataclass(frozen=True)
class Around:
    """What a run's findings have in common.

    Attributes:
        run: the run; all it will record is recorded.
        changes: what is new of each app since the last healthy run.
        runbooks: the path of the runbook of each failed test that has one, by the test's node id.
        repository: the checkout that the project is in.
        clean: takes secrets out of a text.
        environment: the process's; a CI runner says in it where its run is shown.
        report: the path of the run's report; empty when there is none.
    """

    run: Run
    changes: tuple[Change, ...]
    runbooks: Mapping[str, str]
    repository: Repository | None
    clean: Callable[[str], str]
    environment: Mapping[str, str]
    report: str = ""

    @cached_property
    def machines(self) -> Mapping[str, MachineSeen]:
        """The Machines as they were seen last, by id."""
        return {each.machine: each for each in self.run.recording.rows(MachineSeen)}

    @cached_property
    def failed(self) -> Sequence[Exchange]:
        """The requests that the app did not answer well."""
        recording = self.run.recording
        asked = [each for each in recording.rows(Exchange, ok=False) if not each.own_fault]
        return [*asked, *map(exchange_of, recording.rows(LoadError))]

    @cached_property
    def checks(self) -> tuple[CheckSeen, ...]:
        """The health checks as they were seen last."""
        seen = self.run.recording.rows(CheckSeen)
        return tuple({(each.machine, each.check): each for each in seen}.values())

    @cached_property
    def log(self) -> Mapping[str, tuple[LogLine, ...]]:
        """The log of each app, as far as it was read."""
        recording = self.run.recording
        return {name: recorded_lines(recording, name, 0.0) for name in self.run.apps}

    @cached_property
    def signatures(self) -> Mapping[str, tuple[Signature, ...]]:
        """The error signatures of each app that are new; none where that cannot be told."""
        return {name: _new_signatures(self.run, app) for name, app in self.run.apps.items()}

    def changes_of(self, app: str) -> tuple[Change, ...]:
        """What is new of one app; of all when none is named."""
        return tuple(each for each in self.changes if app in ("", each.now.app))


def sighting_of(
    around: Around, conclusion: Conclusion, *, tracker: str, passed: frozenset[str], at: float
) -> Sighting:
    """Say what a run found, and what it tested that is well.

    Only what is UNHEALTHY is found, and risks that tests told of: that something could not be
    judged is told by the verdict.

    Args:
        around: what the findings have in common.
        conclusion: what the run came to.
        tracker: who is to be told.
        passed: functions of tests that passed with all their parameters.
        at: when it ended, Unix seconds.
    """
    run = around.run
    causes = [cause for cause in conclusion.causes if cause.verdict is Verdict.UNHEALTHY]
    found = [_finding(around, cause) for cause in merge_alike(causes)]
    risks = risks_of(run, tuple(change.now for change in around.changes), around.clean)
    return Sighting(
        run=run.recorder.path.stem,
        tracker=tracker,
        target=run.settings.target.name,
        release=", ".join(str(change.now) for change in around.changes),
        at=at,
        findings=(*found, *risks),
        passed=passed,
        incidents=run.settings.target.incidents,
        authors=_authors(around),
    )


def _finding(around: Around, cause: Cause) -> Finding:
    run, clean = around.run, around.clean
    settings = run.settings.issues
    tests = {failure.test: None for failure in cause.failures}
    concerned = [each for each in around.machines.values() if each.machine in cause.machines]
    apps = _apps(run, cause, concerned)
    exchanges = _failing(around, cause, tests)
    severity = cause.severity or _DEFAULT_SEVERITY
    since = (each.now.version for each in around.changes_of(cause.app) if each.is_deploy)
    named = title_of(
        cause,
        tuple(around.machines.values()),
        journeys={each.journey for each in exchanges if each.journey},
        version=next(since, 0),
    )
    images = (each.now.image for each in around.changes if each.now.app in apps)
    return Finding(
        fingerprint(run.settings.target.name, *cause.identity),
        title(clean(named)),
        severity,
        tuple(dict.fromkeys(test.partition("[")[0] for test in tests)),
        (
            *escalation(settings.escalate_to, severity),
            *sections(cause, _seen(around, cause, exchanges), clean),
        ),
        (*settings.labels, *(f"app:{app}"[:_LONGEST_LABEL] for app in apps)),
        _assignees(around, cause.app),
        apps,
        tuple(sorted({each.region for each in concerned})),
        ", ".join(filter(None, images)),
    )


def _authors(around: Around) -> tuple[str, ...]:
    commits = (each for change in around.changes if change.code for each in change.code.commits)
    names = (one_line(around.clean(each.author), _LONGEST_NAME) for each in commits)
    return tuple(dict.fromkeys(filter(None, names)))


def _functions(cause: Cause) -> tuple[str, ...]:
    """Those that failed: when they pass it is gone, whatever others could not judge."""
    failed = (each.test for each in cause.failures if each.verdict is Verdict.UNHEALTHY)
    return tuple(dict.fromkeys(test.partition("[")[0] for test in failed))


def _apps(run: Run, cause: Cause, concerned: Sequence[MachineSeen]) -> tuple[str, ...]:
    if cause.app:
        return (cause.app,)
    return tuple(sorted({each.app for each in concerned})) or tuple(run.apps)


def _assignees(around: Around, app: str) -> tuple[str, ...]:
    """Whom the settings name; and who owns what changed, when they ask for that."""
    settings = around.run.settings.issues
    owners: tuple[str, ...] = ()
    if settings.assign_codeowners and around.repository:
        changed = _changed_files(around, around.repository, app)
        owners = owners_of(around.repository.codeowners(), changed)
    return tuple(dict.fromkeys((*settings.assignees, *owners)))[:_ASSIGNEES]


def _changed_files(around: Around, repository: Repository, app: str) -> Iterator[str]:
    for change in around.changes_of(app):
        yield from change.code.files if change.code else ()
        if change.fly_toml_diff:
            yield repository.name_of(around.run.apps[change.now.app].spec.path)


def _seen(around: Around, cause: Cause, exchanges: Sequence[Exchange]) -> Seen:
    run = around.run
    concerned = cause.machines & around.machines.keys()
    first = min(exchanges, key=lambda each: each.at, default=None)
    lines = _lines(around, cause, first)
    failed_at = first.at if first else 0.0
    return Seen(
        target=run.settings.target.name,
        machines=tuple(
            sorted(
                around.machines.values(), key=lambda m: (m.machine not in concerned, m.app, m.group)
            )
        ),
        checks=around.checks,
        exchanges=tuple(exchanges),
        log_lines=lines_around(lines, failed_at or _first_error_at(lines)),
        failed_at=failed_at,
        signatures=tuple(_signatures(around, cause.app, concerned)),
        changes=around.changes_of(cause.app),
        runbooks=tuple(_runbooks(around, cause)),
        links=tuple(_links(around.environment)),
        evidence=str(run.recorder.path.relative_to(run.settings.root)),
        report=around.report,
    )


def _runbooks(around: Around, cause: Cause) -> Iterator[Runbook]:
    """Those of the failed tests, that of the most first; only the first is quoted."""
    tests = (failure.test for failure in cause.failures)
    named = Counter(around.runbooks[test] for test in tests if test in around.runbooks)
    for place, (name, _) in enumerate(named.most_common(_RUNBOOKS)):
        if name.startswith(("https://", "http://")):
            yield Runbook(name, "", name)
            continue
        path = around.run.settings.root / name
        link = around.repository.link_to(path) if around.repository else ""
        # Those of suites that come with the plugin are elsewhere on each computer.
        shown = "/".join(path.parts[-3:]) if Path(name).is_absolute() else name
        yield Runbook(shown, "" if place else _head_of(path), link)


def _head_of(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_RUNBOOK)
    except OSError:
        return ""


def _failing(around: Around, cause: Cause, tests: Mapping[str, None]) -> list[Exchange]:
    """The failed requests of these tests, and else of the bake to these Machines."""
    of_tests = [each for each in around.failed if each.test in tests]
    machines = cause.machines & around.machines.keys()
    of_app = [each for each in around.failed if cause.app in ("", each.app)]
    return of_tests or [each for each in of_app if not machines or each.machine in machines]


def _lines(around: Around, cause: Cause, first: Exchange | None) -> list[LogLine]:
    """What was said by the Machine that failed a request, or by all that are concerned."""
    machines = {first.machine} if first and first.machine else cause.machines
    apps = [cause.app] if cause.app in around.run.apps else [*around.run.apps]
    lines = [line for app in apps for line in around.log[app]]
    own = [line for line in lines if not machines or line.machine in machines]
    return sorted(own or lines, key=lambda line: line.at)


def _first_error_at(lines: Sequence[LogLine]) -> float:
    return next((line.at for line in lines if line.level in {"error", "critical"}), 0.0)


def _signatures(around: Around, app: str, machines: frozenset[str]) -> Iterator[str]:
    for name, signatures in around.signatures.items():
        for each in signatures if app in ("", name) else ():
            if not machines or not each.machines or machines & set(each.machines):
                yield f"{each.count}\u00d7 {each.template}"


def _new_signatures(run: Run, app: FlyApp) -> tuple[Signature, ...]:
    try:
        since = run.logs(Evidence("", run.recorder.write)).since_deploy(app)
        return tuple(since.new_error_signatures[:_SIGNATURES])
    except (Inconclusive, FlyError):
        return ()


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
            title(clean(title_of(cause, (), version=0))),
            cause.severity or _DEFAULT_SEVERITY,
            _functions(cause),
            (
                *escalation(settings.escalate_to, cause.severity),
                *sections(cause, seen, clean),
                Section("", inline(clean(ended)), 99),
            ),
            settings.labels,
            settings.assignees,
        )
        for cause in merge_alike(group_by_cause(unhealthy, ()))
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
