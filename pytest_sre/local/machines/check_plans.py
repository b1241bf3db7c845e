"""Which health checks a configuration declares, and what becomes of their results."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pytest_sre.fly.config import CheckConfig, MachineConfig
from pytest_sre.local.naming import rfc3339

# Fly does not document what it uses when these are not stated.
_INTERVAL_S: Final = 10.0
_TIMEOUT_S: Final = 2.0
_GRACE_S: Final = 1.0

_SHORTEST_PAUSE_S: Final = 0.05
_PAUSE_RATIO: Final = 0.05
_LONGEST_BOOT_S: Final = 60.0

WAITING: Final = "waiting for status update"
REFUSED: Final = "connect: connection refused"


@dataclass(frozen=True)
class CheckResult:
    """The last result of a check; ``updated_at`` (Unix seconds) is when its status changed."""

    name: str
    status: str
    output: str
    updated_at: float

    def view(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "status": self.status,
            "output": self.output,
            "updated_at": rfc3339(self.updated_at),
        }


@dataclass(frozen=True)
class CheckPlan:
    """A check to be made.

    Args:
        name: the name of its result.
        config: what to ask.
        port: the internal port to ask.
        service: the place of its service in the configuration; None for a top-level check,
            which affects routing only when it is one of readiness.
        public_ports: the ports that a failure makes unreliable.
        interval_s: between two checks.
        timeout_s: for one check.
        grace_s: after the start, in which failures do not count.
    """

    name: str
    config: CheckConfig
    port: int
    service: int | None
    public_ports: tuple[int, ...]
    interval_s: float
    timeout_s: float
    grace_s: float

    @property
    def is_readiness(self) -> bool:
        """Whether it is a top-level check that affects routing all the same."""
        return self.service is None and self.config.kind == "readiness"


def planned_checks(config: MachineConfig) -> tuple[CheckPlan, ...]:
    """The checks that a configuration declares, those of services first.

    Raises:
        ValueError: a duration cannot be read.
    """
    plans: list[CheckPlan] = []
    for place, service in enumerate(config.services):
        public = tuple(port.port for port in service.ports if port.port)
        for check in service.checks:
            port = check.port or service.internal_port
            name = f"servicecheck-{len(plans):02d}-{check.type}-{port}"
            plans.append(_plan(name, check, port, place, public))
    for name, check in config.checks.items():
        first_service = config.services[0].internal_port if config.services else 0
        plans.append(_plan(name, check, check.port or first_service, None, ()))
    return tuple(plans)


def _plan(
    name: str, check: CheckConfig, port: int, service: int | None, public: tuple[int, ...]
) -> CheckPlan:
    return CheckPlan(
        name,
        check,
        port,
        service,
        public,
        check.interval_s or _INTERVAL_S,
        check.timeout_s or _TIMEOUT_S,
        _GRACE_S if check.grace_period_s is None else check.grace_period_s,
    )


def next_result(
    before: CheckResult, *, passed: bool, output: str, in_grace: bool, at: float
) -> CheckResult:
    """The result after one more check.

    Args:
        before: the result so far.
        passed: whether this check passed.
        output: what it saw.
        in_grace: the Machine started so short a time ago that a failure does not count.
        at: Unix seconds.
    """
    if not passed and in_grace and before.status != "passing":
        return before
    status = "passing" if passed else "critical"
    since = before.updated_at if status == before.status else at
    return CheckResult(before.name, status, output, since)


def may_be_booting(plan: CheckPlan, output: str, age_s: float) -> bool:
    """Whether a check that has never passed fails because the app is not up yet.

    Args:
        plan: the check.
        output: what it saw.
        age_s: seconds since the start.
    """
    return age_s < plan.grace_s or (output == REFUSED and age_s < _LONGEST_BOOT_S)


def boot_pause_s(age_s: float) -> float:
    """How soon to check again while an app boots: after 50 ms, or a twentieth of its age.

    Args:
        age_s: seconds since the start.
    """
    return max(_SHORTEST_PAUSE_S, age_s * _PAUSE_RATIO)


def http_output(status: int, body: str) -> str:
    """What an HTTP check says that it saw."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    seen = f"HTTP {status} {phrase}".strip()
    body = body.strip()
    return f"{seen} Output: {body}" if body else seen


def change_message(plan: CheckPlan, before: CheckResult, after: CheckResult) -> str | None:
    """The log line for a change of status; None when it is the same."""
    if before.status == after.status:
        return None
    check = f"Health check '{plan.name}' on port {plan.port}"
    if after.status == "passing":
        return f"{check} is now passing."
    failed = f"{check} has failed. Your app is not responding properly."
    if plan.service is None:
        return failed
    return (
        f"{failed} Services exposed on ports {list(plan.public_ports)} will have intermittent"
        " failures until the health check passes."
    )
