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

_EVIDENCE = 40
SEVERITIES = ("critical", "high", "medium", "low", "")
# A Machine's label, such as web-iad-148e21, names one Machine and not the group.
_NAMED = r"\b%s\b(?!-[a-z]{3}-[0-9a-f]{6})"
_HOST = r"(?<![\w-])%s\b"
# An id, such as a cart's: letters and digits mixed; [PR04] is a kind of message.
_ID = re.compile(r"(?<![\w\[-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{5,}(?![\w-])")
_ANY_ID = re.compile("<(?:hex|uuid|duration|n)>")


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
        app: the app it is about; empty when it is about a target as a whole.
        evidence: lines that show it.
        perturbed: whether the test did something to the target on purpose: what was then seen of
            the target is that test's own doing, and explains nothing.
    """

    test: str
    verdict: Verdict
    message: str
    severity: str = ""
    cause: str = ""
    machines: frozenset[str] = frozenset()
    symptom: bool = False
    app: str = ""
    evidence: tuple[str, ...] = ()
    perturbed: bool = False

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
        identity: what it is, without anything that differs from run to run: the app, the kind,
            and more, such as ``("shop", "exits", "web", "1")``; empty for a fault of our own.
        app: the app it is in; empty for a fault of our own.
        hosts: names under which other apps would miss what it puts out of service.
        seen_on: ids of the Machines that show it themselves; ``machines`` has those, too, whose
            trouble follows from it.
    """

    title: str
    machines: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    own: str = ""
    evidence: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    app: str = ""
    hosts: frozenset[str] = frozenset()
    seen_on: frozenset[str] = frozenset()

    def explains(self, failure: Failure) -> bool:
        """Whether this can be why the test failed."""
        if self.own or is_own_fault(failure.cause):
            return self.own != "" and failure.cause == self.own
        if failure.perturbed:
            return False
        if failure.machines & self.machines:
            return True
        if self.mentioned_in(failure.message, failure.app):
            return True
        return failure.symptom and not failure.machines and self._may_concern(failure.app)

    def mentioned_in(self, text: str, app: str = "") -> bool:
        """Whether a text names what this puts out of service.

        Args:
            text: it.
            app: whose it is. Process groups of another app go by the same names, such as
                ``web``; only a host's name blames it.
        """
        groups = self.groups if self._may_concern(app) else ()
        return any(re.search(_NAMED % re.escape(group), text) for group in groups) or any(
            re.search(_HOST % re.escape(host), text) for host in self.hosts
        )

    def _may_concern(self, app: str) -> bool:
        return "" in {app, self.app} or app == self.app


def is_own_fault(cause: str) -> bool:
    """Whether a cause's key names our side or the platform's API, not the app."""
    return cause.startswith(("own ", "platform "))


@dataclass(frozen=True)
class Cause:
    """Failures that probably have one origin.

    ``identity`` is the same in every run that finds it; see `Suspect`. ``app`` is the app it is in,
    empty when that is not known; ``seen_on`` are the Machines that show it, ``machines`` all that
    are concerned.
    """

    title: str
    failures: tuple[Failure, ...]
    evidence: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    machines: frozenset[str] = frozenset()
    app: str = ""
    seen_on: frozenset[str] = frozenset()

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
    found: dict[Suspect | _Signature, list[Failure]] = {}
    for failure in failures:
        suspect = next((s for s in ranked if s.explains(failure)), None)
        found.setdefault(suspect or _signature(failure), []).append(failure)
    causes = (_cause(key, grouped) for key, grouped in found.items())
    return tuple(sorted(causes, key=_gravity))


def merge_alike(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Make one of causes that are the same by their identity; the first gives its words."""
    merged: dict[tuple[str, ...], Cause] = {}
    for cause in causes:
        known = merged.get(cause.identity)
        merged[cause.identity] = _joined(known, cause) if known else cause
    return tuple(merged.values())


def _joined(one: Cause, other: Cause) -> Cause:
    return replace(
        one,
        failures=(*one.failures, *other.failures),
        machines=one.machines | other.machines,
        seen_on=one.seen_on | other.seen_on,
    )


def merge_dependents(suspects: Iterable[Suspect]) -> tuple[Suspect, ...]:
    """Fold a suspect into a likelier one whose process group it blames.

    A readiness check that fails because the store is down is not a second cause.
    """
    merged: list[Suspect] = []
    for suspect in suspects:
        blamed = next(
            (i for i, e in enumerate(merged) if e.mentioned_in(_text(suspect), suspect.app)), None
        )
        if blamed is None:
            merged.append(suspect)
        else:
            wider = merged[blamed].machines | suspect.machines
            merged[blamed] = replace(merged[blamed], machines=wider)
    return tuple(merged)


def _text(suspect: Suspect) -> str:
    return "" if suspect.groups or suspect.own else "\n".join((suspect.title, *suspect.evidence))


@dataclass(frozen=True)
class _Signature:
    """What failures without a suspect have in common."""

    app: str
    function: str
    said: str
    verdict: Verdict


def _signature(failure: Failure) -> _Signature:
    if failure.verdict is Verdict.INCONCLUSIVE and failure.cause:
        return _Signature("", "", failure.cause, failure.verdict)
    # The file's folder depends on where pytest was started.
    function = failure.test.partition("[")[0].rpartition("/")[2]
    said = _ANY_ID.sub("<n>", masked(_ID.sub("<n>", failure.headline)))
    return _Signature(failure.app, function, said, failure.verdict)


def _cause(key: Suspect | _Signature, failures: Sequence[Failure]) -> Cause:
    machines = frozenset[str]().union(*(failure.machines for failure in failures))
    if isinstance(key, Suspect):
        machines |= key.machines
        where = key.app, key.seen_on
        return Cause(key.title, tuple(failures), key.evidence, key.identity, machines, *where)
    identity = (key.app, "test", key.function, key.said)
    evidence = tuple(dict.fromkeys(line for each in failures for line in each.evidence))
    title, shown = failures[0].headline, evidence[:_EVIDENCE]
    return Cause(title, tuple(failures), shown, identity, machines, key.app, machines)


def _gravity(cause: Cause) -> tuple[bool, int, int]:
    return (
        cause.verdict is not Verdict.UNHEALTHY,
        SEVERITIES.index(cause.severity) if cause.severity in SEVERITIES else len(SEVERITIES),
        -len(cause.failures),
    )
