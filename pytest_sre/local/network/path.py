"""One way through the network, as those who send over it feel it."""

import asyncio
import random
from typing import Final

from pytest_sre.local.network.conditions import Conditions
from pytest_sre.local.network.network import Network
from pytest_sre.local.network.points import Place

_LOOK_AGAIN_S: Final = 0.02


class Path:
    """The way between two places, for one exchange.

    Args:
        network: its state; asked each time, so that faults begin and end while it is used.
        src: where the exchange begins.
        dst: where it goes.
    """

    __slots__ = ("_dst", "_network", "_src")

    def __init__(self, network: Network, src: Place, dst: Place) -> None:
        self._network = network
        self._src = src
        self._dst = dst

    @property
    def is_clear(self) -> bool:
        """Nothing needs to be awaited now."""
        return self._network.is_clear

    @property
    def is_refused(self) -> bool:
        """Whether connections over it are refused now."""
        return self._network.conditions(self._src, self._dst).refused

    async def open(self) -> None:
        """Begin an exchange.

        Raises:
            ConnectionResetError: it is one of those that are lost.
            ConnectionRefusedError: they are refused.
        """
        conditions = await self._passable()
        if conditions.refused:
            raise ConnectionRefusedError("refused on the way")
        if conditions.loss_ratio and random.random() < conditions.loss_ratio:  # noqa: S311
            raise ConnectionResetError("lost on the way")

    async def carry(self, size: int, *, begins: bool) -> None:
        """Wait as long as some bytes take on one way.

        Args:
            size: how many.
            begins: they are the first after a pause, so they have the whole way before them;
                others follow close behind.
        """
        conditions = await self._passable()
        took_s = 0.0
        if begins:
            took_s = conditions.latency_s / 2
            took_s += conditions.jitter_s * random.random()  # noqa: S311
        if conditions.bandwidth_bytes_s:
            took_s += size / conditions.bandwidth_bytes_s
        if took_s:
            await asyncio.sleep(took_s)

    async def _passable(self) -> Conditions:
        """Wait until it is no blackhole; its conditions then."""
        while True:
            conditions = self._network.conditions(self._src, self._dst)
            if not conditions.blackhole:
                return conditions
            await asyncio.sleep(_LOOK_AGAIN_S)
