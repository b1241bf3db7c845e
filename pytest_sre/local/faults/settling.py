"""Has what processes meet be as faults have it, also for those that start while one is on."""

import asyncio
from collections.abc import Callable
from typing import Final

_PERIOD_S: Final = 0.25


async def keep_settled(settle: Callable[[], None]) -> None:
    """Settle four times a second, until cancelled."""
    while True:
        await asyncio.sleep(_PERIOD_S)
        settle()
