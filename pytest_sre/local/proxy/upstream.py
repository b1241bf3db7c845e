"""Passing a request on to a Machine, and its answer back, as a stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send
from yarl import URL

HeaderList = list[tuple[bytes, bytes]]

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)
_BUFFERED: Final = 1024 * 1024
_SMALL_ANSWER: Final = 256 * 1024
_CONNECT_TIMEOUT_S: Final = 2.0
_SILENCE_TIMEOUT_S: Final = 60.0
# Shorter than the 2 s and more after which servers close idle connections.
_KEEP_ALIVE_S: Final = 1.5


class ConnectFailed(Exception):  # noqa: N818 - an outcome that the proxy handles
    """No connection to the Machine; nothing was sent, so another may be tried."""


class ExchangeFailed(Exception):  # noqa: N818 - an outcome that the proxy handles
    """The Machine took the request and gave no complete answer."""


@dataclass(frozen=True)
class Inbound:
    """A request as it came in.

    Args:
        method: its method.
        target: path and query as they were sent.
        host: its Host header, or the authority of an absolute target.
        headers: without those that concern one connection only.
        body: all of it when it is at most 1 MiB, else what came so far.
        rest: what is still to come.
    """

    method: str
    target: str
    host: str
    headers: HeaderList
    body: bytes
    rest: AsyncIterator[bytes] | None

    def header_map(self) -> dict[str, str]:
        """The headers by lower-case name."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers}


async def read_inbound(scope: Scope, receive: Receive) -> Inbound:
    """Read a request, and its body when that is small."""
    target = scope["raw_path"].decode("latin-1")
    headers: HeaderList = scope["headers"]
    host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    if not target.startswith("/"):
        # A server may pass on the absolute target that a client sends to its proxy.
        absolute = urlsplit(target)
        host, target = absolute.netloc or host, absolute.path or "/"
    if scope["query_string"]:
        target = f"{target}?{scope['query_string'].decode('latin-1')}"
    body = bytearray()
    more = True
    while more and len(body) <= _BUFFERED:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    rest = _rest_of_body(receive) if more else None
    return Inbound(scope["method"], target, host, end_to_end(headers), bytes(body), rest)


async def _rest_of_body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        yield message.get("body", b"")
        more = message.get("more_body", False)


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> HeaderList:
    """The headers without those that concern one connection only; names in lower case."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = {
        each.strip().lower()
        for name, value in lowered
        if name == b"connection"
        for each in value.split(b",")
    }
    return [pair for pair in lowered if pair[0] not in _HOP_BY_HOP and pair[0] not in named]


def open_session() -> aiohttp.ClientSession:
    """The HTTP client of the proxies."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_SILENCE_TIMEOUT_S
        ),
    )


async def pass_on(
    session: aiohttp.ClientSession,
    inbound: Inbound,
    origin: str,
    *,
    added: HeaderList,
) -> aiohttp.ClientResponse:
    """Send a request on.

    Args:
        session: the HTTP client.
        inbound: the request.
        origin: scheme, host and port to send it to.
        added: headers that replace those of the same name.

    Raises:
        ConnectFailed: nothing was sent.
        ExchangeFailed: it was, and no answer began.
    """
    replaced = {name for name, _ in added}
    if inbound.rest is None:
        replaced.add(b"content-length")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in [*(each for each in inbound.headers if each[0] not in replaced), *added]:
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    data: bytes | AsyncIterator[bytes] | None = inbound.body or None
    if inbound.rest is not None:
        data = _joined(inbound.body, inbound.rest)
    elif not inbound.body and inbound.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = "0"
    try:
        return await session.request(
            inbound.method,
            URL(origin + inbound.target, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
        )
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise ConnectFailed(str(error)) from None
    except (aiohttp.ClientError, OSError) as error:
        raise ExchangeFailed(str(error) or type(error).__name__) from None


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part


async def answer_with(
    answer: aiohttp.ClientResponse,
    send: Send,
    *,
    replaced: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send an answer back, as it comes.

    Args:
        answer: the Machine's; closed afterwards.
        send: to the client.
        replaced: headers that replace those of the same name.

    Raises:
        ExchangeFailed: the answer broke off and the client was sent nothing yet.
        ConnectionResetError: it broke off later; the client's connection has to be cut.
    """
    names = {name for name, _ in replaced}
    headers = [each for each in end_to_end(answer.raw_headers) if each[0] not in names]
    start = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [*headers, *replaced],
    }
    async with answer:
        if answer.content_length is not None and answer.content_length <= _SMALL_ANSWER:
            try:
                body = await answer.read()
            except (aiohttp.ClientError, OSError) as error:
                raise ExchangeFailed(str(error) or type(error).__name__) from None
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        await send(start)
        try:
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionResetError(str(error)) from None
        await send({"type": "http.response.body", "body": b""})


async def answer_text(
    send: Send, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a short answer of our own."""
    body = f"{text}\n".encode()
    own = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})


async def unless_gone(work: "asyncio.Task[None]", receive: Receive) -> None:
    """Wait for the work, or give it up when the client goes away."""
    gone = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        gone.cancel()
        work.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
