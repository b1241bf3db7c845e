"""How a worker and a session trust each other: pure.

Each end sends a challenge, and proves by an HMAC over both challenges that it knows the secret,
which is itself never sent. From both challenges comes a key for this connection alone; every
message after that carries an HMAC over its number and its bytes, so that none can be altered,
left out, repeated or sent back.

Source: RFC 2104 (HMAC); ISO/IEC 9798-4, mutual authentication in three passes.
"""

import hmac
import secrets
import struct
from collections.abc import Iterator
from typing import Literal

from pytest_sre.load.frames import LARGEST_BYTES

SECRET_VARIABLE = "SRE_LOAD_SECRET"  # noqa: S105 - its name
SHORTEST_SECRET = 16
CHALLENGE_BYTES = 32

_HEAD = struct.Struct(">I32s")
_NUMBER = struct.Struct(">Q")
_DIGEST = "sha256"

End = Literal["session", "worker"]


class UntrustedError(Exception):
    """The other end does not know the secret, or somebody alters what is sent."""


def new_challenge() -> bytes:
    """Give bytes that nobody can foresee."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def proof(secret: bytes, end: End, session_challenge: bytes, worker_challenge: bytes) -> bytes:
    """Give what only an end that knows the secret can say."""
    told = b"proof " + end.encode() + session_challenge + worker_challenge
    return hmac.digest(secret, told, _DIGEST)


def require_proof(given: bytes, expected: bytes) -> None:
    """Pass when the proof is the expected one; takes as long for a wrong one.

    Raises:
        UntrustedError: it is not.
    """
    if not hmac.compare_digest(given, expected):
        raise UntrustedError("the other end does not know this run's secret")


class Channel:
    """Seals what one end says, and opens what the other said.

    Args:
        secret: of the run.
        end: which end this is.
        session_challenge: of this connection, as is the other.
        worker_challenge: see there.
    """

    def __init__(
        self, secret: bytes, end: End, session_challenge: bytes, worker_challenge: bytes
    ) -> None:
        def key(of: End) -> bytes:
            told = b"seal " + of.encode() + session_challenge + worker_challenge
            return hmac.digest(secret, told, _DIGEST)

        other: End = "worker" if end == "session" else "session"
        self._own, self._other = key(end), key(other)
        self._said = self._heard = 0
        self._buffer = bytearray()

    def sealed(self, body: bytes) -> bytes:
        """Give the bytes to send for a message."""
        mark = _mark(self._own, self._said, body)
        self._said += 1
        return _HEAD.pack(len(body), mark) + body

    def opened(self, data: bytes) -> Iterator[bytes]:
        """Take bytes as they come, and yield the messages that are complete.

        Raises:
            UntrustedError: they are not what the other end sealed.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            length, mark = _HEAD.unpack_from(self._buffer)
            if length > LARGEST_BYTES:
                raise UntrustedError(
                    f"expected messages of at most {LARGEST_BYTES} bytes, found one of {length}"
                )
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            if not hmac.compare_digest(mark, _mark(self._other, self._heard, body)):
                raise UntrustedError("a message was altered on its way")
            self._heard += 1
            del self._buffer[:end]
            yield body


def _mark(key: bytes, number: int, body: bytes) -> bytes:
    return hmac.digest(key, _NUMBER.pack(number) + body, _DIGEST)
