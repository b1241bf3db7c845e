"""``fly-replay``: an app's wish that another Machine answers a request."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from pytest_sre.local.proxy.heads import Headers
from pytest_sre.local.proxy.regions import read_regions
from pytest_sre.local.proxy.routing import Wish
from pytest_sre.targets.durations import parse_duration_s

CONTENT_TYPE: Final = b"application/vnd.fly.replay+json"
MOST_REPLAYS: Final = 10
LONGEST_BODY: Final = 1024 * 1024
Reason = Literal["timeout", "retries_exhausted", "no_candidate"]
Fallback = Literal["force_self", "prefer_self"]


class InvalidReplayError(ValueError):
    """An app answered with a ``fly-replay`` that cannot be read."""


class _SetHeader(msgspec.Struct, frozen=True):
    name: str
    value: str


class Transform(msgspec.Struct, frozen=True):
    """How the request is changed before it is replayed."""

    path: str | None = None
    delete_headers: tuple[str, ...] = ()
    set_headers: tuple[_SetHeader, ...] = ()

    def headers(self, given: Headers) -> Headers:
        """A request's headers, changed."""
        own = [(each.name.lower().encode("latin-1"), each.value) for each in self.set_headers]
        gone = {name.lower().encode("latin-1") for name in self.delete_headers}
        gone |= {name for name, _ in own}
        kept = [pair for pair in given if pair[0] not in gone]
        return [*kept, *((name, value.encode("latin-1")) for name, value in own)]


class _Wanted(msgspec.Struct, frozen=True):
    """The fields as they are written, in the header or in the body."""

    region: str = ""
    instance: str | None = None
    prefer_instance: str | None = None
    app: str | None = None
    state: str | None = None
    elsewhere: bool = False
    timeout: str | None = None
    fallback: Fallback | None = None
    transform: Transform = Transform()


@dataclass(frozen=True)
class Replay:
    """Where a request is to go instead.

    Args:
        wish: the Machine or the regions.
        app: the app; the same when None.
        state: for the replayed request's ``fly-replay-src``.
        elsewhere: not to the Machine that said so.
        timeout_s: how long a Machine is looked for, seconds; as for any request when None.
        fallback: where the request goes back to when none is found.
        transform: how it is changed before.
    """

    wish: Wish = field(default_factory=Wish)
    app: str | None = None
    state: str | None = None
    elsewhere: bool = False
    timeout_s: float | None = None
    fallback: Fallback | None = None
    transform: Transform = field(default_factory=Transform)


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_FIELDS: Final = frozenset(_Wanted.__struct_fields__) - {"transform"}


def read_replay_header(text: str) -> Replay:
    """Read ``region=ams;state=x`` and its like.

    Raises:
        InvalidReplayError: a field is unknown, or has no value or a wrong one.
    """
    fields: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, equals, value = (each.strip() for each in part.partition("="))
        if name not in _FIELDS or not equals or not value:
            raise InvalidReplayError(f"not a field with a value: {part[:80]!r}")
        fields[name] = value
    return _read(fields)


def read_replay_body(body: bytes) -> Replay:
    """Read the JSON form.

    Raises:
        InvalidReplayError: it is not JSON, or a field has a wrong value.
    """
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidReplayError(str(error)) from None
    return _read(fields)


def _read(fields: object) -> Replay:
    try:
        wanted = msgspec.convert(fields, _Wanted, strict=False)
        timeout_s = parse_duration_s(wanted.timeout) if wanted.timeout else None
    except ValueError as error:
        raise InvalidReplayError(str(error)) from None
    if wanted == _Wanted():
        raise InvalidReplayError("it says nothing of where to replay to")
    if _CONTROL.search(_said(wanted)):
        raise InvalidReplayError("a value has a control character in it")
    return Replay(
        Wish(
            force_machine=wanted.instance,
            prefer_machine=wanted.prefer_instance,
            force_regions=read_regions(wanted.region),
        ),
        wanted.app,
        wanted.state,
        wanted.elsewhere,
        timeout_s,
        wanted.fallback,
        wanted.transform,
    )


def _said(wanted: _Wanted) -> str:
    """All that would be sent in a head."""
    transform = wanted.transform
    pairs = [text for each in transform.set_headers for text in (each.name, each.value)]
    path = (transform.path or "").replace(" ", "\0")
    return "".join([wanted.state or "", wanted.region, wanted.app or "", path, *pairs])


def replay_source(machine_id: str, region: str, at_us: int, state: str | None) -> bytes:
    """The header by which a Machine sees that a request was replayed, and from where.

    Args:
        machine_id: of the Machine that had it replayed.
        region: where that is.
        at_us: when, Unix microseconds.
        state: what the app said it should carry.
    """
    fields = f"instance={machine_id};region={region};t={at_us}"
    return (f"{fields};state={state}" if state else fields).encode("latin-1", "replace")


@dataclass(frozen=True)
class Failed:
    """Why a request came back to the Machine that had it replayed."""

    replay: Replay
    app: str
    source: str
    reason: Reason
    elapsed_ms: int

    def header(self) -> bytes:
        """The header by which the Machine sees it."""
        wish = self.replay.wish
        fields = {
            "instance": wish.force_machine or wish.prefer_machine or "",
            "app": self.app,
            "region": ",".join(wish.force_regions),
            "replay_source": self.source,
            "reason": self.reason,
            "elapsed_ms": str(self.elapsed_ms),
        }
        return ";".join(f"{name}={value}" for name, value in fields.items()).encode("latin-1")
