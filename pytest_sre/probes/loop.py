"""An event loop in a thread of its own, through which synchronous code runs the probes."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

_CLOSE_TIMEOUT_S = 5.0


class BackgroundLoop:
    """One event loop in one daemon thread, running from construction to `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="pytest-sre", daemon=True)
        self._lock = threading.Lock()
        self._closed = False
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Run a coroutine on the loop and wait for its result.

        It is cancelled when the time is up, and when the wait is interrupted.

        Raises:
            TimeoutError: when it has not ended after ``timeout_s``.
            RuntimeError: when the loop is closed, or when called on the loop itself.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("run() would wait for its own loop: await the coroutine instead")
        future = self.spawn(coroutine)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            if future.done():
                raise
            raise TimeoutError(f"expected an end within {timeout_s} s, found none") from None
        finally:
            future.cancel()

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start a coroutine on the loop without waiting for it.

        Raises:
            RuntimeError: when the loop is closed.
        """
        with self._lock:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise RuntimeError("the background loop is closed")

    def close(self) -> None:
        """Cancel what still runs, and end the thread; a second call does nothing.

        A task that resists being cancelled is left behind after five seconds, with its thread.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()
