"""What a test's end means: the verdict behind an exception. Pure, and without pytest."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from pytest_sre.fly.errors import FlyError
from pytest_sre.probes.faults import own_cause
from pytest_sre.recording.rows import Exchange
from pytest_sre.verdict import Inconclusive


def fault_of_platform(error: FlyError) -> Inconclusive:
    """Say of an error of the platform's API that it tells nothing about the app."""
    return Inconclusive(str(error), cause=error.cause)


def why_inconclusive(error: BaseException) -> Inconclusive | None:
    """Give the reason for which an exception that ended a test decides nothing.

    Returns:
        None for a failed assertion, which is a verdict on the app. Everything else is a judge
        that could not judge: one that says so, a platform that did not answer, a crash.
    """
    match error:
        case Inconclusive():
            return error
        case AssertionError():
            return None
        case FlyError():
            return fault_of_platform(error)
    crash = f"the test itself failed with {type(error).__name__}: {error}"
    return Inconclusive(crash, cause=f"own test: {type(error).__name__}")


def why_unseen(exchanges: Sequence[Exchange]) -> Inconclusive | None:
    """Give the reason for which a failed assertion on these exchanges decides nothing.

    Returns:
        A reason when the last of them was lost to a fault of our own and the app failed none:
        what was then asserted, such as a status or a header, was asserted of no answer.
    """
    if not exchanges or not exchanges[-1].own_fault:
        return None
    if any(not exchange.ok and not exchange.own_fault for exchange in exchanges):
        return None
    lost = exchanges[-1]
    where = f"{lost.method} {urlsplit(lost.url).path or '/'}"
    reason = f"{where} could not be sent from here: {lost.error}"
    return Inconclusive(reason, cause=own_cause(lost.error_kind))
