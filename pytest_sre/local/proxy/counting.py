"""Counting an answer while it is sent."""

import time

from starlette.types import Message, Send

from pytest_sre.local.metrics.meter import Traffic


class CountedAnswer:
    """Sends an answer, and knows what was sent of it.

    Args:
        send: to the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._since = time.perf_counter()
        self._status = 0
        self._sent_bytes = 0

    async def __call__(self, message: Message) -> None:
        """Send one part."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        self._sent_bytes += len(message.get("body", b""))
        await self._send(message)

    def add_to(self, traffic: Traffic, received_bytes: int) -> None:
        """Count it, unless none was begun."""
        if self._status:
            took_s = time.perf_counter() - self._since
            traffic.answered(self._status, took_s, received_bytes, self._sent_bytes)
