"""Values to JSON and back, as Fly's API writes and expects them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, get_origin

import msgspec

T = TypeVar("T")


class Acknowledgement(msgspec.Struct, frozen=True):
    """What the API says when it has nothing to tell but that something was done, or was not."""

    ok: bool = True
    status: str = ""
    message: str = ""


def encode(value: object) -> bytes:
    """Write a request's body: all that is stated, defaults included; None and empty left out."""
    return msgspec.json.encode(_stated(value))


def decode(body: bytes, into: type[T]) -> T:
    """Read an answer's body.

    Unknown fields are ignored. ``null`` is taken as "not given", since that is how Go may write
    an empty list or map.

    Raises:
        ValueError: it is not JSON, or not of this shape; the text says what and where.
    """
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.ValidationError:
        value = _without_nulls(msgspec.json.decode(body))
        if value is None and get_origin(into) in (list, dict):
            return into()
        return msgspec.convert(value, type=into)


def _stated(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return _stated(msgspec.structs.asdict(value))
    if isinstance(value, Mapping):
        stated = {key: _stated(item) for key, item in value.items()}
        return {key: item for key, item in stated.items() if item not in (None, [], {})}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_stated(item) for item in value]
    return value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
