"""How `web` talks to `store`."""

import asyncio
import ssl
from dataclasses import dataclass

import httpx

from shop.logs import current_trace

READY_TIMEOUT_S = 1.0
TIMEOUT = httpx.Timeout(3.0, connect=1.0)


class StoreUnavailable(Exception):  # noqa: N818
    """The store could not be reached, or failed; the text says how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store answered: a status below 500, and JSON."""

    status: int
    body: bytes


class StoreClient:
    """A pool of connections to the store, through the proxy that the environment names, if any."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=100, keepalive_expiry=2.0),
            # The store speaks plain HTTP: loading the trusted authorities would be the slowest
            # part of starting. This context trusts none.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def get(self, path: str) -> Answer:
        """Read `path`.

        Raises:
            StoreUnavailable: no answer, or one of 500 and above.
        """
        return await self._send("GET", path)

    async def post(self, path: str, body: bytes = b"") -> Answer:
        """Send the JSON text `body` to `path`.

        Raises:
            StoreUnavailable: no answer, or one of 500 and above.
        """
        return await self._send("POST", path, body)

    async def check(self) -> None:
        """Ask the store whether it is well, for one second at most.

        Raises:
            StoreUnavailable: it is not, with the reason.
        """
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                answer = await self.get("/healthz")
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {READY_TIMEOUT_S:g} s") from error
        if answer.status != 200:
            raise StoreUnavailable(f"answered {answer.status}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send(self, method: str, path: str, body: bytes = b"") -> Answer:
        headers = {"x-trace-id": current_trace(), "content-type": "application/json"}
        try:
            response = await self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        if response.status_code >= 500:
            raise StoreUnavailable(f"answered {response.status_code}")
        return Answer(response.status_code, response.content)
