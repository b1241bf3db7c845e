"""Which Machines are well and yet left out by the platform's proxy.

News of Machines reach the proxies with some delay, and on a bad day not at all. A request that
insists on such a Machine is then refused by the proxy itself, which says so in the log.
"""

import re
from collections.abc import Collection, Iterable
from typing import Final

from pytest_sre.recording.rows import CheckSeen, Exchange, LogLine, MachineSeen

LEFT_OUT: Final = "platform proxy"

# No healthy Machine, no such Machine, no candidate; not PR03, which tells of a Machine that failed.
_REFUSAL: Final = re.compile(r"\[PR0[124]\]")
_REFUSED: Final = frozenset({502, 503})
# The platform's clock and ours may differ by this much.
_SKEW_S: Final = 5.0


def left_out(
    serving: Collection[str],
    machines: Iterable[MachineSeen],
    checks: Iterable[CheckSeen],
    exchanges: Iterable[Exchange],
    lines: Iterable[LogLine],
) -> frozenset[str]:
    """Find the Machines that the proxy refuses requests for although they are well.

    Well is one that is started, not cordoned, on a host that answers, and has checks all of which
    pass. The last request for it was refused, and the log has the proxy's refusal.

    Args:
        serving: ids of the Machines that have a public service.
        machines: as they were seen, in the order of time; so is all that follows.
        checks: changes of their checks.
        exchanges: requests, with the Machine that each insisted on.
        lines: the log.
    """
    well = _well(machines, checks) & set(serving)
    last = {exchange.machine: exchange for exchange in exchanges if exchange.machine in well}
    said_at = [line.at for line in lines if line.provider == "proxy" and _is_refusal(line)]
    last_said_at = max(said_at, default=0.0)
    return frozenset(
        machine
        for machine, exchange in last.items()
        if may_be_refused(exchange) and last_said_at + _SKEW_S >= exchange.at
    )


def may_be_refused(exchange: Exchange) -> bool:
    """Whether an answer can be the proxy's own, for want of a Machine to pass the request to."""
    return exchange.status in _REFUSED


def _well(machines: Iterable[MachineSeen], checks: Iterable[CheckSeen]) -> set[str]:
    latest = {machine.machine: machine for machine in machines}
    results: dict[str, dict[str, str]] = {}
    for check in checks:
        results.setdefault(check.machine, {})[check.check] = check.status
    return {
        machine.machine
        for machine in latest.values()
        if machine.state == "started"
        and not machine.cordoned
        and machine.host_status == "ok"
        and set(results.get(machine.machine, {}).values()) == {"passing"}
    }


def _is_refusal(line: LogLine) -> bool:
    return _REFUSAL.search(line.message) is not None
