"""Risks: what a test finds that can fail one day, told without failing the run."""

import time
from collections.abc import Callable, Iterable, Sequence

from pytest_sre.issues.evidence import Release, escalation
from pytest_sre.issues.fingerprint import fingerprint
from pytest_sre.issues.values import RISK, Finding, Section
from pytest_sre.logs.masks import masked
from pytest_sre.recording.rows import Risk
from pytest_sre.redaction import fenced, inline, title
from pytest_sre.run.evidence import Evidence
from pytest_sre.run.run import Run
from pytest_sre.targets.severities import SEVERITIES, Severity

_SHOWN = 20
_LONGEST_EVIDENCE = 2_000
_LONGEST_TITLE = 200


class Risks:
    """What one test finds that is a risk.

    Args:
        evidence: the test's.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def report(self, title: str, evidence: str = "", severity: Severity = "medium") -> None:
        """Tell of a risk. It becomes an issue with the label ``reliability-risk``.

        The issue lives as others do, and is closed when runs in a row have passed the test without
        its telling of the risk.

        Args:
            title: what can fail, in one line. Numbers in it do not make another risk.
            evidence: what shows it.
            severity: critical, high, medium or low.

        Raises:
            ValueError: the title is empty, or there is no such severity.
        """
        if not title.strip():
            raise ValueError("expected a risk's title, found an empty text")
        if severity not in SEVERITIES:
            names = ", ".join(SEVERITIES)
            raise ValueError(f"expected a risk's severity, one of {names}; found {severity!r}")
        row = Risk(
            at=time.time(),
            test=self._evidence.test,
            title=" ".join(title.split())[:_LONGEST_TITLE],
            evidence=evidence[:_LONGEST_EVIDENCE],
            severity=severity,
        )
        self._evidence.write(row)


def risks_of(
    run: Run, releases: Sequence[Release], clean: Callable[[str], str]
) -> tuple[Finding, ...]:
    """Gather the risks that a run's tests told of, the gravest first.

    Args:
        run: the run; all it will record is recorded.
        releases: what runs of each app.
        clean: takes secrets out of a text.
    """
    told: dict[str, list[Risk]] = {}
    for risk in run.recording.rows(Risk):
        # One risk is told by the same test with all its parameters.
        function = risk.test.partition("[")[0]
        name = fingerprint(run.settings.target.name, "risk", function, masked(risk.title))
        told.setdefault(name, []).append(risk)
    found = (_finding(name, risks, run, releases, clean) for name, risks in told.items())
    return tuple(sorted(found, key=lambda each: -_gravity(each.severity)))


def _finding(
    name: str,
    risks: Sequence[Risk],
    run: Run,
    releases: Sequence[Release],
    clean: Callable[[str], str],
) -> Finding:
    gravest = max(risks, key=lambda risk: _gravity(risk.severity))
    settings = run.settings.issues
    tests = tuple(dict.fromkeys(risk.test.partition("[")[0] for risk in risks))
    return Finding(
        name,
        title(clean(gravest.title)),
        gravest.severity,
        tests,
        (*escalation(settings.escalate_to, gravest.severity), *_sections(risks, clean)),
        (*settings.labels, RISK),
        settings.assignees,
        tuple(release.app for release in releases),
        image=", ".join(release.image for release in releases if release.image),
    )


def _sections(risks: Sequence[Risk], clean: Callable[[str], str]) -> Iterable[Section]:
    told = {(risk.title, risk.evidence): risk for risk in risks}
    shown = [
        f"**{inline(clean(risk.title))}**, told by {inline(risk.test)}"
        + (f"\n\n{fenced(clean(risk.evidence))}" if risk.evidence.strip() else "")
        for risk in list(told.values())[:_SHOWN]
    ]
    more = [f"and {len(told) - _SHOWN} more"] * (len(told) > _SHOWN)
    yield Section("", "\n\n".join((*shown, *more)), 100)
    yield Section(
        "What this is",
        "A risk: nothing failed by it yet, and it changes no verdict. This issue is closed when the"
        " test passes and no longer tells of it.",
        50,
    )


def _gravity(severity: str) -> int:
    return [str(each) for each in SEVERITIES].index(severity)
