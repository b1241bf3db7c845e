"""Notices for whoever else acts on an app, in the metadata of its oldest Machine."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from pytest_sre.fly.client import Fly
from pytest_sre.fly.errors import FlyError, NotFound
from pytest_sre.fly.models import Machine

_log = logging.getLogger(__name__)


class Board(Protocol):
    """Where notices can be left that other machines see too."""

    def notices(self) -> Mapping[str, str]:
        """Give what is left there, by key.

        Raises:
            FlyError: the platform does not say; NotFound when the board is gone.
        """

    def leave(self, key: str, text: str) -> None:
        """Leave a notice, or renew it.

        Raises:
            FlyError: the platform does not take it.
        """

    def remove(self, key: str) -> None:
        """Remove one, as far as that is possible."""


def board_machine(machines: Sequence[Machine]) -> str:
    """Give the id of the Machine that bears an app's notices; empty when it has none.

    The oldest, so that it stays the same one while others come.
    """
    there = [each for each in machines if not each.is_gone]
    oldest = min(there, key=_age, default=None)
    return oldest.id if oldest else ""


class MachineBoard:
    """The metadata of one Machine as a place for notices.

    Args:
        fly: the platform's client; its token must be one that may change Machines.
        app: the app's name.
        machine_id: the Machine; all who look must be given the same.
    """

    def __init__(self, fly: Fly, app: str, machine_id: str) -> None:
        self._fly, self._app, self._machine_id = fly, app, machine_id

    def notices(self) -> Mapping[str, str]:
        """Give what is left there, by key.

        Raises:
            FlyError: the platform does not say.
        """
        return self._fly.metadata(self._app, self._machine_id)

    def leave(self, key: str, text: str) -> None:
        """Leave a notice, or renew it.

        Raises:
            FlyError: the platform does not take it, for instance since the token may only read.
        """
        self._fly.set_metadata(self._app, self._machine_id, key, text)

    def remove(self, key: str) -> None:
        """Remove one, as far as that is possible; one that stays is heeded until its end only."""
        try:
            self._fly.delete_metadata(self._app, self._machine_id, key)
        except NotFound:
            return
        except FlyError as error:
            _log.warning("the notice %s on Machine %s stays: %s", key, self._machine_id, error)


def _age(machine: Machine) -> tuple[float, str]:
    made = machine.created_at
    return made.timestamp() if made else 0.0, machine.id
