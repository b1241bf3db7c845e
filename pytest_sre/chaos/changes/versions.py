"""New versions of Machines that ran, and are to run again."""

import contextlib
from collections.abc import Iterable, Iterator

from pytest_sre.chaos.changes.machines import find_machine
from pytest_sre.chaos.hands import Hands
from pytest_sre.fly.config import MachineConfig
from pytest_sre.fly.errors import PreconditionFailed
from pytest_sre.fly.models import Machine


def renew(
    hands: Hands,
    app: str,
    machine: Machine,
    config: MachineConfig,
    *,
    min_secrets_version: int | None = None,
) -> Machine:
    """Give a Machine a new version, and have it run.

    Raises:
        FlyError: the platform refuses, or nobody knows.
    """
    made = hands.fly.update_machine(
        app, machine.id, config, min_secrets_version=min_secrets_version
    )
    if machine.is_at_rest:
        with contextlib.suppress(PreconditionFailed):  # It is starting already.
            hands.fly.start(app, machine.id)
    return made


def those_left(hands: Hands, app: str, ids: Iterable[str]) -> Iterator[Machine]:
    """Give those Machines that are still there, each as it is when its turn comes.

    To change one may take a minute, in which somebody may have changed the next. There are no more
    once what is being made is to be undone.

    Raises:
        FlyError: the platform does not say.
    """
    for each in ids:
        if hands.is_ending():
            return
        if machine := find_machine(hands, app, each):
            yield machine


def all_run(hands: Hands, app: str, ids: Iterable[str]) -> bool:
    """Whether those Machines that are still there run.

    Raises:
        FlyError: the platform does not say.
    """
    return all(machine.state == "started" for machine in those_left(hands, app, ids))
