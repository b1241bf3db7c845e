"""The three values of a verdict, and the exceptions by which a judge gives none."""

import enum
from collections.abc import Iterable


class Verdict(enum.Enum):
    """The verdict on a release, or on one question asked of it."""

    HEALTHY = "HEALTHY"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNHEALTHY = "UNHEALTHY"


_SEVERITY = {Verdict.HEALTHY: 0, Verdict.INCONCLUSIVE: 1, Verdict.UNHEALTHY: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Merge verdicts by severity: UNHEALTHY over INCONCLUSIVE over HEALTHY.

    Returns:
        The worst of them; INCONCLUSIVE when there are none, since nothing was tested.
    """
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)


class ObjectiveVerdict(enum.Enum):
    """The verdict on one objective: is it kept?"""

    MET = "MET"
    INCONCLUSIVE = "INCONCLUSIVE"
    BREACHED = "BREACHED"

    @property
    def of_release(self) -> Verdict:
        """What it means for the release that was observed."""
        return _MEANING[self]


_MEANING = {
    ObjectiveVerdict.MET: Verdict.HEALTHY,
    ObjectiveVerdict.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    ObjectiveVerdict.BREACHED: Verdict.UNHEALTHY,
}


class Inconclusive(Exception):  # noqa: N818 - a verdict, not an error
    """The evidence cannot carry a verdict.

    Raised where an answer would be a guess: no samples, a value that is missing or not a
    number, or a fault of our own (our DNS, our token, the platform's API). It never means
    that the release is broken.

    Args:
        reason: one sentence on what is missing, for a person.
        cause: a short key that failures with the same origin share, such as
            ``"own dns"`` or ``"platform api"``; the reason itself when not given.
    """

    def __init__(self, reason: str, *, cause: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause or reason


class NotAsked(Exception):  # noqa: N818 - a verdict, not an error
    """The question does not apply to this target, so no answer is owed.

    Raised for instance where a target has no public HTTPS address to examine, or does not
    allow load. The test is shown as skipped with the reason, and a suite of which nothing was
    asked does not make the run inconclusive.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
