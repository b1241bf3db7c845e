"""Groups the failed tests of a run by their probable cause.

A suspect is a fact in the recording that can make tests fail, such as a Machine that ran out of
memory. Suspects are ranked; each failure goes to the first that explains it. What no suspect
explains is grouped by what it says.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_sre.logs.masks import masked
from pytest_sre.verdict import Verdict, worst

SEVERITIES = ("critical", "high", "medium", "low", "")
# A Machine's label, such as web-iad-148e21, names one Machine and not the group.
_NAMED = r"\b%s\b(?!-[a-z]{3}-[0-9a-f]{6})"


@dataclass(frozen=True)
class Failure:
    """One test that did not pass.

    Attributes:
        test: its node id.
        verdict: UNHEALTHY or INCONCLUSIVE.
        message: what it said, first line first.
        severity: of its ``sre`` marker, or empty.
        cause: the key of an INCONCLUSIVE one, or empty.
        machines: ids of the Machines it is about; empty when it is about an app.
        symptom: whether it failed on what a broken Machine shows to the outside (an exchange
            that failed, the bake, a journey, the log); a wrong header is not such a symptom.
    """

    test: str
    verdict: Verdict
    message: str
    severity: str = ""
    cause: str = ""
    machines: frozenset[str] = frozenset()
    symptom: bool = False

    @property
    def headline(self) -> str:
        """Its message's first line."""
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True)
class Suspect:
    """A fact that can be the cause of failures.

    Attributes:
        title: a sentence for a person, naming what broke and where.
        machines: ids of the Machines it concerns.
        groups: their process groups, when it means that these are out of service.
        own: the cause key of a fault of our own; such a suspect explains only what names it.
        evidence: lines that show it.
        identity: what it is, without anything that differs from run to run, such as
            ``("exits", "web", "1")``; empty for a fault of our own.
    """

    title: str
    machines: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    own: str = ""
    evidence: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()

    def explains(self, failure: Failure) -> bool:
        """Whether this can be why the test failed."""
        if self.own or is_own_fault(failure.cause):
            return self.own != "" and failure.cause == self.own
        if failure.machines & self.machines:
            return True
        if self.mentioned_in(failure.message):
            return True
        return failure.symptom and not failure.machines

    def mentioned_in(self, text: str) -> bool:
        """Whether a text names a process group that this puts out of service."""
        return any(re.search(_NAMED % re.escape(group), text) for group in self.groups)


def is_own_fault(cause: str) -> bool:
    """Whether a cause's key names our side or the platform's API, not the app."""
    return cause.startswith(("own ", "platform "))


@dataclass(frozen=True)
class Cause:
    """Failures that probably have one origin.

    ``identity`` is the same in every run that finds it; see `Suspect`.
    """

    title: str
    failures: tuple[Failure, ...]
    evidence: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    machines: frozenset[str] = frozenset()

    @property
    def verdict(self) -> Verdict:
        """The worst verdict among its failures."""
        return worst(failure.verdict for failure in self.failures)

    @property
    def severity(self) -> str:
        """The highest severity among its failures."""
        found = {failure.severity for failure in self.failures}
        return next((severity for severity in SEVERITIES if severity in found), "")


def group_by_cause(failures: Sequence[Failure], suspects: Sequence[Suspect]) -> tuple[Cause, ...]:
    """Give every failure to exactly one cause, the gravest cause first.

    Args:
        failures: the tests that did not pass.
        suspects: facts that could explain them, the likeliest first.
    """
    ranked = merge_dependents(suspects)
    found: dict[Suspect | tuple[str, str, str], list[Failure]] = {}
    for failure in failures:
        suspect = next((s for s in ranked if s.explains(failure)), None)
        found.setdefault(suspect or _signature(failure), []).append(failure)
    causes = (_cause(key, grouped) for key, grouped in found.items())
    return tuple(sorted(causes, key=_gravity))


def merge_dependents(suspects: Iterable[Suspect]) -> tuple[Suspect, ...]:
    """Fold a suspect into a likelier one whose process group it blames.

    A readiness check that fails because the store is down is not a second cause.
    """
    merged: list[Suspect] = []
    for suspect in suspects:
        blamed = next(
            (i for i, earlier in enumerate(merged) if earlier.mentioned_in(_text(suspect))), None
        )
        if blamed is None:
            merged.append(suspect)
        else:
            wider = merged[blamed].machines | suspect.machines
            merged[blamed] = replace(merged[blamed], machines=wider)
    return tuple(merged)


def _text(suspect: Suspect) -> str:
    return "" if suspect.groups or suspect.own else "\n".join((suspect.title, *suspect.evidence))


def _signature(failure: Failure) -> tuple[str, str, str]:
    """What failures without a suspect have in common: the function and the kind of message."""
    function = failure.test.partition("[")[0]
    if failure.verdict is Verdict.INCONCLUSIVE and failure.cause:
        return ("", failure.cause, failure.verdict.value)
    return (function, masked(failure.headline), failure.verdict.value)


def _cause(key: Suspect | tuple[str, str, str], failures: Sequence[Failure]) -> Cause:
    machines = frozenset[str]().union(*(failure.machines for failure in failures))
    if isinstance(key, Suspect):
        machines |= key.machines
        return Cause(key.title, tuple(failures), key.evidence, key.identity, machines)
    return Cause(failures[0].headline, tuple(failures), (), ("test", *key[:2]), machines)


def _gravity(cause: Cause) -> tuple[bool, int, int]:
    return (
        cause.verdict is not Verdict.UNHEALTHY,
        SEVERITIES.index(cause.severity) if cause.severity in SEVERITIES else len(SEVERITIES),
        -len(cause.failures),
    )
