"""Searches for the shortest schedule of faults and user operations that breaks an invariant.

A `FaultSchedule` says what may go wrong, what users do meanwhile, and what has to hold all the
same. Hypothesis draws schedules as runs of a rule-based state machine; each is played on a local
fleet that begins anew, judged by what users were told and what can be read afterwards, and the
first that breaks something is shrunk to the shortest::

    from pytest_sre.chaos import explore

    TestShop = explore.FaultSchedule(
        "fly.toml",
        faults=[explore.suspend("store"), explore.kill("web"), explore.slow("store", 0.3)],
        operations=["checkout"],
        invariants=[explore.acknowledged_writes(), explore.recovers(within="10s")],
    ).TestCase

``steps`` are the values of a schedule and ``timeline`` when each of them is due, ``history`` what
was seen; ``sets`` and ``invariants`` judge it. All of these are pure. ``fleets`` begins a fleet
anew, ``playing`` plays a schedule on it, ``searching`` is Hypothesis's part, ``saving`` writes
what was found as an experiment.
"""

from pytest_sre.chaos.explore.faults import (
    cordon,
    kill,
    partition,
    restart,
    slow,
    stop,
    suspend,
)
from pytest_sre.chaos.explore.invariants import (
    Invariant,
    acknowledged_writes,
    availability,
    no_new_errors,
    no_request_to_cordoned,
    recovers,
)
from pytest_sre.chaos.explore.operations import Operation, Refused
from pytest_sre.chaos.explore.schedules import FaultSchedule

__all__ = [
    "FaultSchedule",
    "Invariant",
    "Operation",
    "Refused",
    "acknowledged_writes",
    "availability",
    "cordon",
    "kill",
    "no_new_errors",
    "no_request_to_cordoned",
    "partition",
    "recovers",
    "restart",
    "slow",
    "stop",
    "suspend",
]
