"""Sends and reads the bytes of a connection between a session and a worker."""

import socket
import struct
import time
from typing import TypeVar

import msgspec

from pytest_sre.load.remote.sealing import CHALLENGE_BYTES, UntrustedError

_Told = TypeVar("_Told")
_LENGTH = struct.Struct(">H")
_SEND_S = 10.0
_SHORT = 4 * CHALLENGE_BYTES + 1_024


def send_plain(connection: socket.socket, message: object) -> None:
    """Send one of the messages by which the ends get to trust each other.

    Raises:
        OSError: the other end is gone.
    """
    body = msgspec.msgpack.encode(message)
    connection.sendall(_LENGTH.pack(len(body)) + body)


def read_plain(connection: socket.socket, into: type[_Told], within_s: float) -> _Told:
    """Read such a message; nothing that one who is not trusted sends is longer.

    Raises:
        OSError: the other end is gone, or says nothing in time.
        UntrustedError: it says something else.
    """
    deadline_at = time.monotonic() + within_s
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size, deadline_at))
    if length > _SHORT:
        raise UntrustedError(f"expected a {into.__name__}, found {length} bytes")
    try:
        return msgspec.msgpack.decode(_exactly(connection, length, deadline_at), type=into)
    except msgspec.MsgspecError as error:
        raise UntrustedError(f"expected a {into.__name__}, found {length} bytes: {error}") from None


def settle(connection: socket.socket) -> None:
    """Make ready a connection whose ends trust each other; each send has a limit of time."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A machine that is gone without a word is found out.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.settimeout(_SEND_S)


def _exactly(connection: socket.socket, count: int, deadline_at: float) -> bytes:
    data = b""
    while len(data) < count:
        connection.settimeout(max(0.001, deadline_at - time.monotonic()))
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionResetError("the other end is gone")
        data += more
    return data
