"""From pytest's reports to what the judge reads, in the process that has the terminal."""

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from pytest_sre.judge.causes import Failure
from pytest_sre.judge.conclusion import Tally
from pytest_sre.plugin.paths import suite_of
from pytest_sre.recording.rows import TestRun
from pytest_sre.verdict import Verdict

_ATTRIBUTE = "sre"
_EXCEPTION = re.compile(r"(?:^E(?: .*)?$\n?)+", re.MULTILINE)


@dataclass(frozen=True)
class Judged:
    """What a phase of a test came to; made where the test runs, read where the terminal is.

    It crosses from worker to controller, so it holds primitives only. ``verdict`` is empty for
    a test that was skipped; ``runbook`` is the path of the one to follow, for people; ``app`` is
    the app that the test is about, empty when it is about the target; ``perturbed`` says that it
    did something to the target on purpose, and ``evidence`` what, a line each; ``interrupted`` that
    the test did not end.
    """

    suite: str
    severity: str = ""
    verdict: str = ""
    message: str = ""
    cause: str = ""
    machines: tuple[str, ...] = ()
    symptom: bool = False
    not_asked: bool = False
    looked: bool = False
    runbook: str = ""
    app: str = ""
    evidence: tuple[str, ...] = ()
    perturbed: bool = False
    interrupted: bool = False

    @property
    def is_inconclusive(self) -> bool:
        """Whether the test could not decide."""
        return self.verdict == Verdict.INCONCLUSIVE.value

    def attach(self, report: pytest.TestReport) -> None:
        """Put it on a report."""
        lists = {"machines": list(self.machines), "evidence": list(self.evidence)}
        setattr(report, _ATTRIBUTE, {**asdict(self), **lists})

    @classmethod
    def of(cls, report: pytest.TestReport) -> "Judged":
        """Take it from a report; one that has none comes from a worker that died."""
        found: Mapping[str, object] | None = getattr(report, _ATTRIBUTE, None)
        if found is not None:
            return cls(**found)  # type: ignore[arg-type]
        if not report.failed:
            return cls(suite="")
        died = f"the process that ran the test died: {report.longreprtext.strip()[:200]}"
        return cls(suite="", verdict=Verdict.INCONCLUSIVE.value, message=died, cause="own process")


class Results:
    """How the tests of a run ended."""

    def __init__(self) -> None:
        self._phases: dict[str, list[Judged]] = {}
        self._durations_s: dict[str, float] = {}
        self._under_way: set[str] = set()

    def begin(self, nodeid: str) -> None:
        """Take in that a test begins."""
        self._under_way.add(nodeid)

    def add(self, report: pytest.TestReport) -> None:
        """Take in the report of one phase of a test."""
        # The last phase is the teardown; one of no name is told when a worker died.
        if report.when not in {"setup", "call"}:
            self._under_way.discard(report.nodeid)
        self._phases.setdefault(report.nodeid, []).append(Judged.of(report))
        spent_s = self._durations_s.get(report.nodeid, 0.0)
        self._durations_s[report.nodeid] = spent_s + report.duration

    def add_skipped_file(self, nodeid: str) -> None:
        """Take in that a file was skipped before a test of it was known."""
        self._phases[nodeid] = [Judged(suite=suite_of(Path(nodeid)))]

    def add_broken_file(self, nodeid: str, error: str) -> None:
        """Take in that the tests of a file could not be collected; pytest may go on without."""
        message = f"{nodeid} could not be collected: {_gist(error)}"
        unsure = Verdict.INCONCLUSIVE.value
        suite = suite_of(Path(nodeid))
        self._phases[nodeid] = [
            Judged(suite, verdict=unsure, message=message, cause=f"own test: {nodeid}")
        ]

    @property
    def looked(self) -> bool:
        """Whether a test that passed had anything of the target to look at."""
        return any(judged.looked for phases in self._phases.values() for judged in phases)

    @property
    def failures(self) -> list[Failure]:
        """The tests that did not pass."""
        found = (_failure(test, _decisive(phases)) for test, phases in self._phases.items())
        return [failure for failure in found if failure]

    @property
    def passed(self) -> frozenset[str]:
        """The functions of tests that passed with every parameter that was tested."""
        by_function: dict[str, set[str]] = {}
        for test, phases in self._phases.items():
            by_function.setdefault(test.partition("[")[0], set()).add(_decisive(phases).verdict)
        well = {Verdict.HEALTHY.value, ""}
        return frozenset(
            function
            for function, verdicts in by_function.items()
            if verdicts <= well and Verdict.HEALTHY.value in verdicts
        )

    @property
    def runbooks(self) -> dict[str, str]:
        """The runbook of each failed test that has one."""
        named = ((test, _decisive(phases).runbook) for test, phases in self._phases.items())
        return {test: runbook for test, runbook in named if runbook}

    @property
    def suites(self) -> dict[str, Tally]:
        """How many tests of each suite ended how; of a run that is over."""
        by_suite: dict[str, list[Judged]] = {}
        for test in dict.fromkeys([*self._phases, *self._under_way]):
            judged = self._judged(test)
            by_suite.setdefault(judged.suite, []).append(judged)
        return {suite: _tally(judged) for suite, judged in by_suite.items()}

    def _judged(self, test: str) -> Judged:
        unknown = Judged(suite=suite_of(Path(test.partition("::")[0])))
        judged = _decisive(self._phases.get(test, [unknown]))
        return replace(judged, interrupted=test in self._under_way and not judged.verdict)

    def row(self, test: str) -> TestRun:
        """Give what is recorded of a test that has ended."""
        judged = _decisive(self._phases[test])
        return TestRun(
            at=time.time(),
            test=test,
            verdict=judged.verdict or "SKIPPED",
            severity=judged.severity,
            duration_s=self._durations_s[test],
            message=judged.message,
            machines=" ".join(judged.machines),
            suite=judged.suite,
        )


def _gist(error: str) -> str:
    """Give the line that says most of why a file could not be collected.

    Of a message it is the first. Of tracebacks, in which pytest marks exceptions by ``E``, it is
    the first of the last exception, below the source that a SyntaxError shows, indented.
    """
    marked = _EXCEPTION.findall(error)
    lines = [line.removeprefix("E   ") for line in (marked or [error.strip()])[-1].splitlines()]
    return next((line for line in lines if line.strip() and line[0] != " "), error).strip()


def failure_of(report: pytest.TestReport) -> Failure | None:
    """Give how one phase of a test failed; None when it did not."""
    return _failure(report.nodeid, Judged.of(report))


def _failure(test: str, judged: Judged) -> Failure | None:
    if judged.verdict in {"", Verdict.HEALTHY.value}:
        return None
    return Failure(
        test=test,
        verdict=Verdict(judged.verdict),
        message=judged.message,
        severity=judged.severity,
        cause=judged.cause,
        machines=frozenset(judged.machines),
        symptom=judged.symptom,
        app=judged.app,
        evidence=tuple(judged.evidence),
        perturbed=judged.perturbed,
    )


_RANK = {Verdict.UNHEALTHY.value: 3, Verdict.INCONCLUSIVE.value: 2, Verdict.HEALTHY.value: 1}


def _decisive(phases: list[Judged]) -> Judged:
    """Give the phase that decides: the worst; of those that say nothing, one that was skipped."""
    return max(phases, key=lambda judged: (_RANK.get(judged.verdict, 0), judged.not_asked))


def _tally(judged: list[Judged]) -> Tally:
    verdicts = [one.verdict for one in judged]
    return Tally(
        healthy=verdicts.count(Verdict.HEALTHY.value),
        unhealthy=verdicts.count(Verdict.UNHEALTHY.value),
        inconclusive=verdicts.count(Verdict.INCONCLUSIVE.value),
        skipped=sum(not (one.verdict or one.not_asked or one.interrupted) for one in judged),
        not_asked=sum(one.not_asked and not one.interrupted for one in judged),
        interrupted=sum(one.interrupted for one in judged),
    )
