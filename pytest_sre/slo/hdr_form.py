"""HdrHistogram's compressed form, which its tools in other languages read and write.

Source: HdrHistogram's encoding V2 (``EncodableHistogram`` of the Java reference): a cookie and the
length of a zlib stream; in it a cookie, the payload's length, three settings and a ratio; then each
count as a zigzag LEB128 number of at most nine bytes; a negative one is so many empty buckets.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

LARGEST: Final = 1 << 20
_OUTER: Final = struct.Struct(">II")
_INNER: Final = struct.Struct(">IIIIQQd")
_COMPRESSED: Final = 0x1C849304
_PLAIN: Final = 0x1C849303
# The low bits of a cookie's second hex digit give a word size that V2 does not use.
_COOKIE: Final = ~0xF0
_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 3_600_000_000, 3
_LAST_SHIFT: Final = 56


def write(counts: Iterable[tuple[int, int]]) -> bytes:
    """Write counts by bucket, in rising order of the buckets."""
    payload = b"".join(_numbers(counts))
    settings = (0, _DIGITS, _LOWEST_US, _HIGHEST_US, 1.0)
    inner = _INNER.pack(_PLAIN | 0x10, len(payload), *settings) + payload
    packed = zlib.compress(inner)
    return _OUTER.pack(_COMPRESSED | 0x10, len(packed)) + packed


def read(encoded: bytes) -> Iterator[tuple[int, int]]:
    """Read counts by bucket, in rising order of the buckets; those that are not 0.

    Raises:
        ValueError: it is damaged, too large, or its range or digits are others.
    """
    payload = _payload(encoded)
    bucket = at = 0
    while at < len(payload):
        number, at = _number(payload, at)
        if number < 0:
            bucket -= number
            continue
        if number:
            yield bucket, number
        bucket += 1


def _payload(encoded: bytes) -> bytes:
    if len(encoded) > LARGEST:
        raise ValueError(f"expected a histogram of at most 1 MiB, found {len(encoded):,} bytes")
    try:
        cookie, length = _OUTER.unpack_from(encoded)
        unpacking = zlib.decompressobj()
        inner = unpacking.decompress(encoded[_OUTER.size : _OUTER.size + length], LARGEST)
        plain, size, offset, digits, lowest, highest, _ = _INNER.unpack_from(inner)
    except (struct.error, zlib.error) as error:
        raise _damaged(str(error)) from None
    if cookie & _COOKIE != _COMPRESSED & _COOKIE or plain & _COOKIE != _PLAIN & _COOKIE:
        raise _damaged("another cookie")
    if (lowest, highest, digits, offset) != (_LOWEST_US, _HIGHEST_US, _DIGITS, 0):
        raise ValueError(
            f"expected a histogram from 1 to {_HIGHEST_US:,} us with {_DIGITS} digits, "
            f"found from {lowest:,} to {highest:,} with {digits}"
        )
    if len(inner) != _INNER.size + size or not unpacking.eof:
        raise _damaged("another length than it says")
    return inner[_INNER.size :]


def _damaged(found: str) -> ValueError:
    return ValueError(f"expected an HdrHistogram in its compressed form, found {found}")


def _numbers(counts: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    following = 0
    for bucket, count in counts:
        if bucket > following:
            yield _coded(following - bucket)
        yield _coded(count)
        following = bucket + 1


def _coded(number: int) -> bytes:
    rest = (number << 1) ^ (number >> 63)
    parts = bytearray()
    while rest > 0x7F and len(parts) < 8:
        parts.append(rest & 0x7F | 0x80)
        rest >>= 7
    parts.append(rest)
    return bytes(parts)


def _number(payload: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(payload):
            raise _damaged("a number without an end")
        byte = payload[at]
        at += 1
        # The ninth byte has all of its eight bits.
        value |= (byte if shift == _LAST_SHIFT else byte & 0x7F) << shift
        if byte < 0x80 or shift == _LAST_SHIFT:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
