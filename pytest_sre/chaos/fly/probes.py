"""The probes of the extension for chaostoolkit: ``module: pytest_sre.chaos.fly.probes``.

Each looks once, and gives a plain value to compare with a tolerance. What an app does wrong is a
value; a probe that raises could not see, and nothing is concluded of the app.
"""

from typing import Final

from pytest_sre.chaos.fly.customers import acknowledged_missing, customers
from pytest_sre.chaos.fly.in_flight import customer_begins
from pytest_sre.chaos.fly.standing import standing
from pytest_sre.fly.metric_values import Vector
from pytest_sre.verdict import Inconclusive

__all__ = [
    "acknowledged_missing",
    "checks_passing",
    "customer_begins",
    "customers",
    "http_status",
    "journey_passes",
    "machines_started",
    "new_error_signatures",
    "objective_met",
    "promql",
]

_PASSING: Final = "passing"


def journey_passes(name: str) -> bool:
    """Tell whether a journey can be walked from its first request to its last assertion.

    Args:
        name: the journey's, as registered with @journey.
    """
    try:
        standing().sight.journey(name)
    except AssertionError:
        return False
    return True


def checks_passing(app: str = "", group: str = "") -> bool:
    """Tell whether a Machine runs, and all checks of all those that run pass.

    Args:
        app: the app's name; the target's first when empty.
        group: only Machines of this process group.
    """
    started = [one for one in standing().sight.machines(app, group) if one.state == "started"]
    return bool(started) and all(
        check.status == _PASSING for machine in started for check in machine.checks
    )


def machines_started(app: str = "", group: str = "", region: str = "") -> int:
    """Count the Machines that run.

    Args:
        app: the app's name; the target's first when empty.
        group: only those of this process group.
        region: only those in this region.
    """
    found = standing().sight.machines(app, group, region)
    return sum(machine.state == "started" for machine in found)


def http_status(path: str = "/", app: str = "", timeout_s: float = 5.0) -> int:
    """Ask an app for a path once; the status of its answer, 0 when there was none.

    Args:
        path: such as /healthz.
        app: the app's name; the target's first when empty.
        timeout_s: how long to wait for the answer, seconds.
    """
    return standing().sight.status(path, app, timeout_s)


def new_error_signatures(app: str = "") -> int:
    """Count the kinds of errors in the log that the day before the experiment did not have.

    Args:
        app: the app's name; the target's first when empty.
    """
    return len(standing().sight.new_errors(app))


def objective_met(name: str) -> bool:
    """Tell whether an objective of sre.toml is met over its window.

    Args:
        name: the objective's.
    """
    return standing().sight.is_met(name)


def promql(query: str) -> float:
    """Evaluate a PromQL query that gives one number.

    Args:
        query: the query.
    """
    result = standing().sight.metrics().query(query)
    if not isinstance(result, Vector):
        raise Inconclusive(f"expected a query that gives a vector of one value: {query}")
    values = [sample.value for sample in result]
    if len(values) != 1:
        raise Inconclusive(f"expected one value, found {len(values)}: {query}")
    return values[0]
