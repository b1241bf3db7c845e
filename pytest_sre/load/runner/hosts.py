"""Which hosts a load may ask: those of its target, whatever a journey or a locustfile says."""

from collections.abc import Callable, Collection

import gevent


class Hosts:
    """The hosts that may be asked.

    Args:
        allowed: as ``host:port``.
        refuse: told why when another is to be asked; ends the load.
    """

    def __init__(self, allowed: Collection[str], refuse: Callable[[str], None]) -> None:
        self._allowed, self._refuse = frozenset(allowed), refuse

    def require(self, host: str) -> None:
        """Pass when this ``host:port`` may be asked.

        Raises:
            GreenletExit: it may not; nothing that a journey does can hold this up.
        """
        if host in self._allowed:
            return
        self._refuse(f"{host} was to be asked, which is no host of the target")
        raise gevent.GreenletExit
