"""Reads HTTP/1.1 messages from a stream. The parser is httptools (llhttp, as in Node.js)."""

import asyncio
from collections import deque
from typing import Final

import httptools

from pytest_sre.local.proxy.heads import AnswerHead, RequestHead, first_value, has_no_body

_LONGEST_HEAD: Final = 64 * 1024
_AT_ONCE: Final = 64 * 1024
_SWITCHING: Final = 101
_FINAL: Final = 200


class BadMessageError(Exception):
    """It is not HTTP/1.1; ``status`` is what a client is told.

    Args:
        text: what is wrong.
        status: 400, or 431 when its head is too long.
    """

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class _End:
    """A message is complete."""


_END: Final = _End()


class _Events:
    """What the parser calls; collects heads, parts of bodies, and ends."""

    def __init__(self) -> None:
        self.ready: deque[RequestHead | AnswerHead | bytes | _End] = deque()
        self.parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        self.in_head = True
        self._skipping = False
        self._first = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.in_head = True
        self._first, self._headers = b"", []

    def on_url(self, part: bytes) -> None:
        self._first += part

    def on_status(self, part: bytes) -> None:
        self._first += part

    def on_header(self, name: bytes, value: bytes) -> None:
        # Headers after the head are trailers, which are dropped.
        if self.in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.in_head = False
        if isinstance(self.parser, httptools.HttpRequestParser):
            self.ready.append(self._request(self.parser))
        elif isinstance(self.parser, httptools.HttpResponseParser):
            status = self.parser.get_status_code()
            # Interim answers but a change of protocol concern one connection only.
            self._skipping = status < _FINAL and status != _SWITCHING
            if not self._skipping:
                alive = bool(self.parser.should_keep_alive())
                self.ready.append(AnswerHead(status, self._headers, self._first, alive))

    def on_body(self, part: bytes) -> None:
        self.ready.append(part)

    def on_message_complete(self) -> None:
        if not self._skipping:
            self.ready.append(_END)
        self._skipping = False

    def _request(self, parser: httptools.HttpRequestParser) -> RequestHead:
        return RequestHead(
            parser.get_method().decode("latin-1"),
            self._first,
            self._headers,
            bool(parser.should_keep_alive()),
            parser.get_http_version(),
            any(
                name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
                for name, value in self._headers
            ),
        )


class _Reader:
    """Feeds a parser from a stream.

    Attributes:
        rest: what came after a message that asked for another protocol.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._fed_in_head = 0
        self.rest: bytes | None = None

    async def _read_more(self, events: _Events) -> bool:
        """Read and parse some bytes; false at the end of the stream."""
        data = await self._stream.read(_AT_ONCE)
        if not data:
            return False
        if events.parser is None or self.rest is not None:
            raise BadMessageError("more came after the last message")
        try:
            events.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.rest = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise BadMessageError(str(error)) from None
        self._fed_in_head = self._fed_in_head + len(data) if events.in_head else 0
        if self._fed_in_head > _LONGEST_HEAD and not events.ready:
            raise BadMessageError(f"its head is longer than {_LONGEST_HEAD} bytes", 431)
        return True


class RequestReader(_Reader):
    """Reads a client's requests, one after another.

    Args:
        stream: what the client sends.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        super().__init__(stream)
        self._events = _Events()
        self._events.parser = httptools.HttpRequestParser(self._events)

    async def head(self) -> RequestHead | None:
        """The next request; None when the client sends no more.

        Raises:
            BadMessageError: what came is no request.
        """
        ready = self._events.ready
        while not ready:
            if not await self._read_more(self._events):
                return None
        head = ready.popleft()
        if not isinstance(head, RequestHead):
            raise BadMessageError("a body without a request")
        return head

    @property
    def has_part(self) -> bool:
        """The body's next part, or its end, is here already."""
        return bool(self._events.ready)

    async def part(self) -> bytes:
        """The body's next part; empty at its end.

        Raises:
            BadMessageError: what came is no body.
            ConnectionResetError: the client went away before its end.
        """
        ready = self._events.ready
        while not ready:
            if not await self._read_more(self._events):
                raise ConnectionResetError("the client went away")
        event = ready.popleft()
        return event if isinstance(event, bytes) else b""


class AnswerReader(_Reader):
    """Reads the answers to the requests on one connection.

    Args:
        stream: what the server sends.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        super().__init__(stream)
        self._events = _new_answers()
        self._ended = False
        self._until_closed = False
        self._keep_alive = False

    @property
    def may_be_used_again(self) -> bool:
        """The answer was read to its end, and the server waits for another request."""
        return self._ended and self._keep_alive and not self._events.ready and self.rest is None

    @property
    def has_part(self) -> bool:
        """The body's next part, or its end, is here already."""
        return self._ended or bool(self._events.ready)

    async def head(self, method: str) -> AnswerHead:
        """The answer to a request of that method.

        Raises:
            BadMessageError: what came is no answer.
            ConnectionResetError: the connection ended before it came.
        """
        self._ended = False
        ready = self._events.ready
        while not ready:
            if not await self._read_more(self._events):
                raise ConnectionResetError("connection closed before message completed")
        head = ready.popleft()
        if not isinstance(head, AnswerHead):
            raise BadMessageError("a body without an answer")
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in head.headers)
        self._until_closed = not framed
        self._keep_alive = head.keep_alive and framed
        if head.status == _SWITCHING:
            self.rest = self.rest or b""
        if has_no_body(method, head.status):
            # The parser does not know the method: it would wait for a body.
            self._events = _new_answers()
            self._ended, self._keep_alive = True, head.keep_alive
        return head

    async def part(self) -> bytes:
        """The body's next part; empty at its end.

        Raises:
            BadMessageError: what came is no body.
            ConnectionResetError: the connection ended before the body did.
        """
        if self._ended:
            return b""
        ready = self._events.ready
        while not ready:
            if await self._read_more(self._events):
                continue
            if not self._until_closed:
                raise ConnectionResetError("connection closed before message completed")
            ready.append(_END)
        event = ready.popleft()
        self._ended = not isinstance(event, bytes)
        return event if isinstance(event, bytes) else b""


def _new_answers() -> _Events:
    events = _Events()
    events.parser = httptools.HttpResponseParser(events)
    return events


def declared_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    """The length of a body as its message declares it."""
    value = first_value(headers, b"content-length")
    return int(value) if value and value.isdigit() else None
