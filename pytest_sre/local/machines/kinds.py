"""Which kind of execution a Machine has: a process, or a script."""

from pytest_sre.local.machines.execution import Execution, Surroundings
from pytest_sre.local.machines.process_execution import ProcessExecution
from pytest_sre.local.machines.records import MachineRecord
from pytest_sre.local.machines.simulated_execution import SimulatedExecution


def execution_of(
    record: MachineRecord, around: Surroundings, current: Execution | None = None
) -> Execution:
    """What runs a Machine of its present version.

    Args:
        record: the Machine.
        around: what it shares with others.
        current: what ran it until now; kept, unless its image is of the other kind now.
    """
    kind = SimulatedExecution if record.blueprint.image.simulated else ProcessExecution
    if isinstance(current, kind):
        return current
    if current:
        current.clean_up()
    made = kind(record, around)
    record.responder = made if isinstance(made, SimulatedExecution) else None
    return made
