"""An event loop whose time passes only while it waits, and at once."""

import asyncio


class FakeClockLoop(asyncio.SelectorEventLoop):
    """Sleeps take no time, and exactly as long as they are told to by the loop's own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        wait = self._selector.select

        def select(timeout):
            self.now_s += timeout or 0.0
            return wait(0)

        self._selector.select = select

    def time(self) -> float:
        return self.now_s
