"""The first lines and headers of HTTP/1.1 messages, as plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

Headers = list[tuple[bytes, bytes]]

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
# RFC 9110, 9.2.2: sending one of these twice is as good as once.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_PHRASES: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body.

    Args:
        method: its method.
        target: as it was sent: path and query, or absolute when sent to a proxy.
        headers: all of them; names in lower case.
        keep_alive: the client would send another request on the connection.
        version: of HTTP, such as ``1.1``.
        has_body: it says that one follows.
    """

    method: str
    target: bytes
    headers: Headers
    keep_alive: bool = True
    version: str = "1.1"
    has_body: bool = False

    @property
    def upgrade(self) -> bytes | None:
        """The protocol it asks to go on with; None when it asks for none."""
        wanted = first_value(self.headers, b"upgrade")
        connection = first_value(self.headers, b"connection") or b""
        return wanted if wanted and b"upgrade" in connection.lower() else None


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """An answer without its body; names of headers in lower case."""

    status: int
    headers: Headers
    reason: bytes = b""
    keep_alive: bool = True


def first_value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of the first header of that name, which is in lower case."""
    for each, value in headers:
        if each == name:
            return value
    return None


def by_name(headers: Headers) -> dict[str, str]:
    """The last value of each header, by its name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def end_to_end(headers: Headers) -> Headers:
    """The headers without those that concern one connection only; names in lower case."""
    dropped: frozenset[bytes] | set[bytes] = _HOP_BY_HOP
    connection = first_value(headers, b"connection")
    if connection and connection.lower() not in (b"keep-alive", b"close"):
        named = {
            each.strip().lower()
            for name, value in headers
            if name == b"connection"
            for each in value.split(b",")
        }
        dropped = _HOP_BY_HOP | named
    return [pair for pair in headers if pair[0] not in dropped]


def with_replaced(headers: Headers, own: Sequence[tuple[bytes, bytes]]) -> Headers:
    """The headers, with own ones in the place of those of the same name."""
    names = {name for name, _ in own}
    return [*(pair for pair in headers if pair[0] not in names), *own]


def request_bytes(method: str, target: bytes, headers: Headers) -> bytes:
    """A request's head as it is sent."""
    return _head_bytes(b"%b %b HTTP/1.1" % (method.encode("latin-1"), target), headers)


def answer_bytes(status: int, reason: bytes, headers: Headers) -> bytes:
    """An answer's head as it is sent."""
    phrase = reason or _PHRASES.get(status, b"")
    return _head_bytes(b"HTTP/1.1 %d %b" % (status, phrase), headers)


def _head_bytes(first_line: bytes, headers: Headers) -> bytes:
    lines = [first_line, *(b"%b: %b" % pair for pair in headers), b"\r\n"]
    return b"\r\n".join(lines)


def has_no_body(method: str, status: int) -> bool:
    """Whether an answer ends with its head, whatever its headers say (RFC 9112, 6.3)."""
    return method == "HEAD" or status in _BODILESS
