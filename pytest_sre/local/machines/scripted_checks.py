"""What a health check sees of a simulated Machine: what its script answers then."""

import math

from pytest_sre.local.machines.check_plans import REFUSED, CheckPlan, http_output
from pytest_sre.local.scripts import Script, changes_s, reply_to


def check_script(script: Script, plan: CheckPlan, at_s: float) -> tuple[bool, str]:
    """Whether a check passes, and what it sees.

    Args:
        script: of the Machine.
        plan: the check.
        at_s: seconds since the start.
    """
    if at_s < script.listens_from_s:
        return False, REFUSED
    if plan.config.type != "http":
        return True, "Success"
    method = (plan.config.method or "GET").upper()
    path = f"/{(plan.config.path or '/').lstrip('/')}".partition("?")[0]
    reply = reply_to(script, method, path, at_s)
    if reply.latency_s > plan.timeout_s:
        return False, "context deadline exceeded"
    return reply.status // 100 == 2, http_output(reply.status, reply.body)


def next_change_s(script: Script, plan: CheckPlan, at_s: float) -> float:
    """When the result of a check may change next, in seconds since the start; inf for never.

    Args:
        script: of the Machine.
        plan: the check.
        at_s: seconds since the start.
    """
    passed, _ = check_script(script, plan, at_s)
    grace_s = () if passed else (plan.grace_s,)
    return min((each for each in (*changes_s(script), *grace_s) if each > at_s), default=math.inf)
