"""What a test's end means: the verdict behind an exception. Pure, and without pytest."""

from collections.abc import Collection, Iterable, Sequence
from urllib.parse import urlsplit

from pytest_sre.chaos.injecting import NotClean
from pytest_sre.fly.calls import api_of
from pytest_sre.fly.errors import FlyError
from pytest_sre.fly.models import Machine
from pytest_sre.judge.left_out import LEFT_OUT
from pytest_sre.judge.suspects import LOST_HOST
from pytest_sre.probes.faults import own_cause
from pytest_sre.recording.rows import Exchange
from pytest_sre.verdict import Inconclusive


def fault_of_platform(error: FlyError) -> Inconclusive:
    """Say of an error of the platform's API that it tells nothing about the app."""
    cause = f"platform {api_of(error.where)}" if error.cause == FlyError.cause else error.cause
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
        case AssertionError() | NotClean():
            return None
        case FlyError():
            return fault_of_platform(error)
    crash = f"the test itself failed with {type(error).__name__}: {error}"
    return Inconclusive(crash, cause=f"own test: {type(error).__name__}")


def is_unclean(error: BaseException) -> bool:
    """Whether an exception, or one that it came of, says that something is not undone."""
    while error:
        if isinstance(error, NotClean) or str(error).startswith("NOT CLEAN"):
            return True
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return False


def why_cut_off(
    about: Collection[str], machines: Collection[Machine], left_out: Collection[str] = ()
) -> Inconclusive | None:
    """Give the reason for which a failed assertion decides nothing while Machines are cut off.

    Args:
        about: ids of the Machines that it is about; empty when it is about an app.
        machines: the Machines as they were last listed.
        left_out: ids of those that the platform's proxy leaves out although they are well.

    Returns:
        A reason when it can come from hosts that are not reachable, or from the proxy: it is
        about their Machines alone, about an app as a whole, or a process group has no other
        Machine.
    """
    cut_off = {m.id: m for m in machines if not m.is_reachable or m.id in left_out}
    others = {machine.group for machine in machines if machine.id not in cut_off}
    is_group_lost = any(machine.group not in others for machine in cut_off.values())
    if not cut_off or (about and not cut_off.keys() >= set(about) and not is_group_lost):
        return None
    lost = [machine for machine in cut_off.values() if not machine.is_reachable]
    if lost:
        return Inconclusive(f"Fly's host of {_names(lost)} does not answer", cause=LOST_HOST)
    names = _names(cut_off.values())
    return Inconclusive(f"Fly's proxy leaves out {names}, though its checks pass", cause=LEFT_OUT)


def _names(machines: Iterable[Machine]) -> str:
    return ", ".join(f"{m.group}-{m.region}-{m.id[:6]}" for m in machines)


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
