"""The beat at which a bake asks."""

import asyncio
from collections.abc import AsyncIterator


async def ticks(rate_per_s: float, stopped: asyncio.Event) -> AsyncIterator[None]:
    """Beat at an even rate until told to stop.

    A beat that was missed because the loop was busy is left out, not made up for: the gap shows
    in the recording, and the target is never asked in a burst.

    Args:
        rate_per_s: beats a second; with 0 there are none.
        stopped: ends the beat at once when set.
    """
    if not rate_per_s:
        return
    loop = asyncio.get_running_loop()
    due = loop.time()
    while not stopped.is_set():
        yield
        due = max(due + 1 / rate_per_s, loop.time())
        try:
            await asyncio.wait_for(stopped.wait(), due - loop.time())
        except TimeoutError:
            continue
