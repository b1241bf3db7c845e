"""What a test's end means: the verdict behind an exception. Pure, and without pytest."""

from pytest_sre.fly.errors import FlyError, Forbidden
from pytest_sre.verdict import Inconclusive


def fault_of_platform(error: FlyError) -> Inconclusive:
    """Say of an error of the platform's API that it tells nothing about the app."""
    cause = "own token" if isinstance(error, Forbidden) else "platform api"
    return Inconclusive(str(error), cause=cause)


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
