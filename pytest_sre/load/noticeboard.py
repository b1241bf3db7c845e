"""Notices for whoever else works on an app, in the metadata of its first Machine."""

from collections.abc import Callable, Mapping

from pytest_sre.fly.client import Fly


class MachineBoard:
    """The metadata of one Machine as a place for notices.

    Args:
        fly: the platform's client; its token must be one that may change Machines.
        app: the app's name.
        machine: gives the id of the Machine; all who look must be given the same.
    """

    def __init__(self, fly: Fly, app: str, machine: Callable[[], str]) -> None:
        self._fly, self._app, self._machine = fly, app, machine

    def notices(self) -> Mapping[str, str]:
        """Give what is left there, by key.

        Raises:
            FlyError: the platform does not say.
        """
        return self._fly.metadata(self._app, self._machine())

    def leave(self, key: str, text: str) -> None:
        """Leave a notice.

        Raises:
            FlyError: the platform does not take it, for instance since the token may only read.
        """
        self._fly.set_metadata(self._app, self._machine(), key, text)

    def remove(self, key: str) -> None:
        """Remove one, if it is still there.

        Raises:
            FlyError: the platform does not let it be removed.
        """
        self._fly.delete_metadata(self._app, self._machine(), key)
