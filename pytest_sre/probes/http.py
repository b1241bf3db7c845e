"""The HTTP probe: many requests at once over one aiohttp session."""

import asyncio
import errno
import functools
import ssl
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from socket import socket
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.tracing import Trace

from pytest_sre import __version__
from pytest_sre.probes.faults import fault_of
from pytest_sre.probes.headers import Headers
from pytest_sre.probes.requests import DEFAULT_TIMEOUT_S, HttpRequest, shown_url
from pytest_sre.probes.results import HttpResult, Timings

BODY_CAP_BYTES = 64 * 1024
_HEADER_CAP_BYTES = 64 * 1024


class _Moments:
    """When the phases of one request began, by the monotonic clock; 0.0 for never."""

    __slots__ = ("asking", "at", "connected", "connecting", "headers", "securing", "started")

    def __init__(self) -> None:
        self.at = time.time()
        self.started = time.perf_counter()
        self.asking = self.connecting = self.securing = self.connected = self.headers = 0.0

    @property
    def is_resolving(self) -> bool:
        return bool(self.asking) and not self.connecting and not self.connected

    def timings(self) -> Timings:
        ended = time.perf_counter()
        total_s = ended - self.started
        first_byte_s = self.headers - self.started if self.headers else 0.0
        if self.is_resolving:
            return Timings(dns_s=ended - self.asking, total_s=total_s)
        if not self.connecting:
            return Timings(first_byte_s=first_byte_s, total_s=total_s)
        connected = self.connected or ended
        return Timings(
            dns_s=self.connecting - self.asking,
            connect_s=(self.securing or connected) - self.connecting,
            tls_s=connected - self.securing if self.securing else 0.0,
            first_byte_s=first_byte_s,
            total_s=total_s,
        )


_MOMENTS: ContextVar[_Moments | None] = ContextVar("pytest_sre_moments", default=None)


class _StampingContext(ssl.SSLContext):
    """A TLS context that notes when a handshake begins, which aiohttp does not tell."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        moments = _MOMENTS.get()
        if moments is not None:
            moments.securing = time.perf_counter()
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def _open_socket(address: aiohttp.AddrInfoType) -> socket:
    """Make the socket as aiohttp would, and note that the name is resolved."""
    moments = _MOMENTS.get()
    if moments is not None and not moments.connecting:
        moments.connecting = time.perf_counter()
    family, kind, protocol, _, _ = address
    return socket(family, kind, protocol)


class _StampingConnector(aiohttp.TCPConnector):
    """A connector that notes when a connection is asked for and had.

    aiohttp's own tracing would tell too, but adds a sixth to the time of every request.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        moments = _MOMENTS.get()
        if moments is None:
            return await super().connect(req, traces, timeout)
        moments.asking = time.perf_counter()
        moments.connecting = moments.securing = moments.connected = 0.0
        connection = await super().connect(req, traces, timeout)
        moments.connected = time.perf_counter()
        return connection


@functools.lru_cache(maxsize=64)
def _time_limit(timeout_s: float) -> aiohttp.ClientTimeout:
    # No rounding: aiohttp would round limits above the threshold up to a whole second.
    return aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=float("inf"))


class HttpProber:
    """Makes HTTP probes over one session, on the event loop it is made on.

    Connections are kept and used again. Redirects are answers, not followed; cookies are
    never kept; an answer's body is read up to 64 KiB.

    Args:
        ca: a PEM file of the only authorities to trust; those of the system when not given.
    """

    def __init__(self, *, ca: str | None = None) -> None:
        self._ca = ca
        # The bound on what is in flight is `every`'s: a wait for a free connection inside
        # aiohttp would count as the app's time.
        self._session = aiohttp.ClientSession(
            connector=_StampingConnector(
                limit=0, resolver=aiohttp.ThreadedResolver(), socket_factory=_open_socket
            ),
            headers={"user-agent": f"pytest-sre/{__version__}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_time_limit(DEFAULT_TIMEOUT_S),
            max_line_size=_HEADER_CAP_BYTES,
            max_field_size=_HEADER_CAP_BYTES,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, request: HttpRequest) -> HttpResult:
        """Make one request; every failure to get an answer is a result too.

        Raises:
            ValueError: when the request's URL or headers cannot be sent.
        """
        moments = _Moments()
        _MOMENTS.set(moments)
        seen = _Seen()
        try:
            await self._exchange(request, moments, seen)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise ValueError(
                f"expected a URL that can be requested, found {shown_url(request.url)!r}"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            return _failed(request, moments, seen, error)
        return _result(request, moments, seen)

    async def every(
        self, requests: Iterable[HttpRequest], *, concurrency: int = 100
    ) -> list[HttpResult]:
        """Make many requests, at most ``concurrency`` at a time.

        Returns:
            The results, in the requests' order.

        Raises:
            ValueError: when ``concurrency`` is below 1, or a request cannot be sent.
        """
        if concurrency < 1:
            raise ValueError(f"expected a concurrency of at least 1, found {concurrency}")
        asked = list(requests)
        waiting = iter(enumerate(asked))
        results: dict[int, HttpResult] = {}
        workers = [self._work(waiting, results) for _ in range(min(concurrency, len(asked)))]
        await asyncio.gather(*workers)
        return [results[index] for index in range(len(asked))]

    async def _work(
        self, waiting: Iterator[tuple[int, HttpRequest]], results: dict[int, HttpResult]
    ) -> None:
        for index, request in waiting:
            results[index] = await self.get(request)

    async def _exchange(self, request: HttpRequest, moments: _Moments, seen: "_Seen") -> None:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.sent_headers,
            allow_redirects=False,
            timeout=_time_limit(request.timeout_s),
            ssl=self._tls if request.is_tls else True,
        ) as response:
            moments.headers = time.perf_counter()
            seen.status = response.status
            seen.headers = Headers(response.headers.items())
            seen.request_id = response.headers.get("fly-request-id", "")
            await seen.read(response)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        context = _StampingContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["http/1.1"])
        if self._ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=self._ca)
        return context


class _Seen:
    """What has come of an answer so far."""

    __slots__ = ("body", "headers", "request_id", "status", "truncated")

    def __init__(self) -> None:
        self.status = 0
        self.headers = Headers()
        self.body = b""
        self.request_id = ""
        self.truncated = False

    async def read(self, response: aiohttp.ClientResponse) -> None:
        """Read the body up to the cap; one that goes on beyond it costs its connection."""
        while not response.content.at_eof():
            self.body += await response.content.read(BODY_CAP_BYTES + 1 - len(self.body))
            if len(self.body) > BODY_CAP_BYTES:
                self.body = self.body[:BODY_CAP_BYTES]
                self.truncated = True
                response.close()
                return


def _failed(
    request: HttpRequest, moments: _Moments, seen: _Seen, error: BaseException
) -> HttpResult:
    result = _result(request, moments, seen)
    fault = fault_of(_told(error), resolving=moments.is_resolving)
    return result.failed_by(fault, result.total_s)


def _told(error: BaseException) -> BaseException:
    """Say in the words of the operating system what aiohttp has its own types for."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return error.certificate_error
        case aiohttp.ClientConnectorError():
            return error.os_error
        case aiohttp.ClientPayloadError(__cause__=ContentEncodingError() as cause):
            return aiohttp.ClientError(cause.message)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return ConnectionResetError(errno.ECONNRESET, str(error))
        case aiohttp.ClientResponseError():
            # Its text holds the URL as it was sent, secrets and all.
            return aiohttp.ClientError(error.message)
    return error


def _result(request: HttpRequest, moments: _Moments, seen: _Seen) -> HttpResult:
    timings = moments.timings()
    return HttpResult(
        at=moments.at,
        total_s=timings.total_s,
        url=shown_url(request.url),
        method=request.method,
        machine=request.machine,
        label=request.label,
        region=request.region,
        app=request.app,
        status=seen.status,
        headers=seen.headers,
        body=seen.body,
        truncated=seen.truncated,
        timings=timings,
        request_id=seen.request_id,
    )
