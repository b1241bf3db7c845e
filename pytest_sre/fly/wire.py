"""Values to JSON and back, as Fly's API writes and expects them."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, get_origin

import msgspec

T = TypeVar("T")

_LOCK: Final = threading.Lock()
_PREPARED: Final[set[object]] = set()


class Acknowledgement(msgspec.Struct, frozen=True):
    """What the API says when it has nothing to tell but that something was done, or was not."""

    ok: bool = True
    status: str = ""
    message: str = ""


def encode(value: object) -> bytes:
    """Write a request's body: all that is stated in it."""
    return msgspec.json.encode(stated(value))


def as_written(document: Mapping[str, Any]) -> msgspec.Raw:
    """Give a part of a request's body in which nothing is left out."""
    return msgspec.Raw(msgspec.json.encode(document))


def decode(body: bytes, into: type[T]) -> T:
    """Read an answer's body, leniently as ``convert`` does.

    Raises:
        ValueError: it is not JSON, or not of this shape; the text says what and where.
    """
    prepare(into)
    try:
        return msgspec.json.decode(body, type=into)
    except msgspec.ValidationError:
        return convert(msgspec.json.decode(body), into)


def convert(value: object, into: type[T]) -> T:
    """Read a JSON value.

    Unknown fields are ignored. ``null`` is taken as "not given", since that is how Go may write
    an empty list or map, and a number may be written as text.

    Raises:
        ValueError: it is not of this shape; the text says what and where.
    """
    prepare(into)
    value = _without_nulls(value)
    if value is None and get_origin(into) in (list, dict):
        return into()
    return msgspec.convert(value, type=into, strict=False)


def prepare(into: object) -> None:
    """Have msgspec look at a type before two threads read it at once.

    It does so when one is first read, and takes for whole what another thread is still looking at:
    then the process crashes (seen with 0.22).
    """
    if into not in _PREPARED:
        with _LOCK:
            msgspec.json.Decoder(into)
            _PREPARED.add(into)


def stated(value: object) -> Any:  # noqa: ANN401 - JSON
    """Leave out what is not stated: None, what is empty, and false where that is the default."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        given = {f.encode_name: (getattr(value, f.name), f.default) for f in fields}
        return stated({k: v for k, (v, default) in given.items() if v or v is not default})
    if isinstance(value, Mapping):
        parts = {key: stated(item) for key, item in value.items()}
        return {key: item for key, item in parts.items() if item not in (None, [], {})}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [stated(item) for item in value]
    return value


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value
