"""What an API answers instead of what it was asked, while a fault says so: pure."""

import re
from dataclasses import dataclass, field
from typing import Final

from pytest_sre.local.faults.kinds import Api5xx, Api429, HostUnreachable, LeaseConflict
from pytest_sre.local.faults.registry import Faults
from pytest_sre.local.faults.scopes import Site
from pytest_sre.local.naming import rfc3339

_NAMES: Final = re.compile(r"^/(?:api/)?v1/apps/(?P<app>[^/]+)(?:/machines/(?P<machine>[^/]+))?")
_HOLDER: Final = "00000000-0000-5000-8000-000000000000@tokens.fly.io"
_LEASE_LASTS_S: Final = 13.0
# What a host knows itself, beside what the platform keeps of its Machines.
_ASKED_OF_THE_HOST: Final = ("/ps", "/exec")


@dataclass(frozen=True)
class Instead:
    """An answer: a status, a text, headers."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def names_in(path: str) -> tuple[str, str]:
    """Give the app and the Machine that a path names; empty when it names none."""
    found = _NAMES.match(path)
    return (found["app"], found["machine"] or "") if found else ("", "")


def answer_instead(faults: Faults, method: str, path: str, site: Site, at: float) -> Instead | None:
    """Give the answer that a fault has for a call, which then counts as struck; None for none.

    Args:
        faults: those that are active.
        method: the call's, such as ``POST``.
        path: the call's.
        site: what it concerns.
        at: Unix seconds.
    """
    limited = faults.strike(Api429, site)
    if limited:
        wait_s = limited.retry_after_s
        headers = {} if wait_s is None else {"retry-after": str(wait_s)}
        return Instead(429, "rate limit exceeded", headers)
    broken = faults.strike(Api5xx, site)
    if broken:
        return Instead(broken.status, "internal: something went wrong on our side")
    if not site.machine:
        return None
    is_change = method != "GET"
    if (is_change or path.endswith(_ASKED_OF_THE_HOST)) and faults.find(HostUnreachable, site):
        return Instead(503, f"unavailable: the host of machine {site.machine} does not answer")
    if is_change and faults.strike(LeaseConflict, site):
        until = rfc3339(at + _LEASE_LASTS_S)
        return Instead(
            409,
            f"machine ID {site.machine} lease currently held by {_HOLDER}, expires at {until}",
        )
    return None
