"""The actions of the extension for chaostoolkit: ``module: pytest_sre.chaos.fly.actions``.

Each is undone in any case: by ``undo_all`` among the rollbacks, by the run that the experiment is
a test of, or, under ``chaos run``, by the end of the process, whatever ends it.
"""

from pytest_sre.chaos.fly.app_actions import bad_secret, deploy_release
from pytest_sre.chaos.fly.inside_actions import (
    cpu_pressure,
    degrade_network,
    dependency_outage,
    disk_full,
    dns_failure,
    memory_pressure,
    partition,
    platform_fault,
    skew_clock,
)
from pytest_sre.chaos.fly.machine_actions import (
    cordon_machines,
    kill_machines,
    lose_region,
    restart_loop,
    restart_machines,
    scale,
    stop_machines,
    suspend_machines,
)
from pytest_sre.chaos.fly.standing import standing

__all__ = [
    "bad_secret",
    "cordon_machines",
    "cpu_pressure",
    "degrade_network",
    "dependency_outage",
    "deploy_release",
    "disk_full",
    "dns_failure",
    "kill_machines",
    "lose_region",
    "memory_pressure",
    "partition",
    "platform_fault",
    "restart_loop",
    "restart_machines",
    "scale",
    "skew_clock",
    "stop_machines",
    "suspend_machines",
    "undo_all",
]


def undo_all() -> str:
    """Undo all that the actions of this experiment did, and prove it."""
    return standing().undo_all()
