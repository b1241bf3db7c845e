"""Ids as the platform makes them, and its way of writing times."""

import datetime as dt
import secrets
import time
import zlib

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


def ulid(at: float | None = None) -> str:
    """A new ULID: 26 characters that sort by time.

    Args:
        at: Unix seconds; now when not given.
    """
    milliseconds = round((time.time() if at is None else at) * 1000)
    number = milliseconds << 80 | secrets.randbits(80)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -10, -10)])


def machine_id() -> str:
    """A new Machine id: 14 hexadecimal digits."""
    return secrets.token_hex(7)


def volume_id() -> str:
    """A new volume id."""
    return f"vol_{secrets.token_hex(8)}"


def numeric_id(identity: str) -> int:
    """The number that goes with an id; the same each time, and at most 31 bits as Fly's."""
    return zlib.crc32(identity.encode()) & 0x7FFFFFFF


def private_ip() -> str:
    """A private address as a Machine's record shows it; nothing listens there."""
    groups = [secrets.token_hex(2) for _ in range(5)]
    return f"fdaa:0:{groups[0]}:a7b:{groups[1]}:{groups[2]}:{groups[3]}:2"


def rfc3339(at: float) -> str:
    """Unix seconds as RFC 3339 text in UTC, to the microsecond."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat().replace("+00:00", "Z")


def rfc3339_ns(at_ns: int) -> str:
    """Unix nanoseconds as RFC 3339 text in UTC, to the nanosecond."""
    seconds, fraction = divmod(at_ns, 1_000_000_000)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
