"""Whether a load may be put on a target, and how much. Pure."""

import msgspec

from pytest_sre.load.frames import Frame
from pytest_sre.load.plan import Caps, LoadPlan, Open
from pytest_sre.targets import Target
from pytest_sre.verdict import Inconclusive, NotAsked

_CAUSE = "load limits"


def require_allowed(target: Target) -> None:
    """Pass when the target may be put under load.

    Raises:
        NotAsked: it may not; says what would allow it.
    """
    if "load" in target.allow:
        return
    if "load" in target.deny:
        raise NotAsked(f'[targets.{target.name}] denies load: deny = ["load"]')
    allowed = ", ".join(f'"{each}"' for each in (*sorted(target.allow), "load"))
    raise NotAsked(
        f"load is not allowed on {target.name}; to allow it, "
        f"put allow = [{allowed}] into [targets.{target.name}], or give --sre-allow=load"
    )


def require_watchable(target: Target) -> None:
    """Pass when traffic may be sent to watch the target: where load or chaos is allowed.

    Raises:
        NotAsked: it may not; says what would allow it.
    """
    if "chaos" not in target.allow:
        require_allowed(target)


def within_limits(plan: LoadPlan, target: Target, sent: int) -> LoadPlan:
    """Give a plan the caps of its target.

    Args:
        plan: what is to be made.
        target: where.
        sent: requests of loads that this run has sent there already.

    Raises:
        Inconclusive: it would be more than the target may bear; nothing was sent.
    """
    limits, workload = target.load, plan.workload
    if isinstance(workload, Open) and workload.highest_rate > limits.rate_per_s:
        raise _refused(
            target,
            f"at most {limits.rate_per_s:g} arrivals a second",
            f"a plan of {workload.highest_rate:g}",
            f"load-rate = {workload.highest_rate:g}",
        )
    left = limits.requests - sent
    wanted = workload.expected_by(workload.duration_s) if isinstance(workload, Open) else 1
    if wanted > left:
        used = f", of which {sent:,} are sent" if sent else ""
        raise _refused(
            target,
            f"at most {limits.requests:,} requests in a run{used}",
            f"a plan of {wanted:,.0f} arrivals",
            f"load-requests = {sent + round(wanted)}, or more",
        )
    return msgspec.structs.replace(plan, caps=Caps(rate_per_s=limits.rate_per_s, requests=left))


class RateCeiling:
    """Ends a load of users, who decide themselves when they come, beyond the target's rate.

    An open workload was found to be within it before it began.

    Args:
        plan: the load.
        target: where it is made.
    """

    def __init__(self, plan: LoadPlan, target: Target) -> None:
        self._target = target
        self._is_open = isinstance(plan.workload, Open)
        self._counts_requests = bool(plan.locustfile)
        self._started: dict[int, int] = {}

    def __call__(self, frame: Frame) -> str | None:
        """Look at a frame; give the reason to end the load."""
        if self._is_open:
            return None
        for one in frame.tallies:
            if bool(one.request) == self._counts_requests:
                self._started[one.second] = self._started.get(one.second, 0) + one.started
        highest = max(self._started.values(), default=0)
        if highest <= self._target.load.rate_per_s:
            return None
        what = "requests" if self._counts_requests else "journeys"
        return (
            f"its users began {highest} {what} in a second, more than the "
            f"{self._target.load.rate_per_s:g} of [targets.{self._target.name}.limits] load-rate"
        )


def _refused(target: Target, expected: str, found: str, line: str) -> Inconclusive:
    return Inconclusive(
        f"expected {expected} on {target.name}, found {found}\n"
        f"ask for less, or put {line} into [targets.{target.name}.limits]",
        cause=_CAUSE,
    )
