"""What a session and its workers say to each other beside commands and frames."""

import msgspec

import pytest_sre
from pytest_sre.load.frames import Go, Order, Stop

VERSION = f"pytest-sre {pytest_sre.__version__}"


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first of a session, to one who connects: its version and its challenge."""

    version: str
    challenge: bytes


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's answer: who it is, and that it knows the secret."""

    version: str
    challenge: bytes
    proof: bytes
    name: str


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """The session's answer: that it knows the secret, too."""

    proof: bytes


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that an order names, as it is on the session's machine."""

    path: str
    content: bytes


class Parcel(msgspec.Struct, frozen=True, kw_only=True, tag="parcel"):
    """An order with the files that it names; ``load`` tells apart the loads of a session."""

    load: int
    order: Order
    files: tuple[File, ...]


class Dismissed(msgspec.Struct, frozen=True, tag="dismissed"):
    """The load is over for this worker: it ends what it does for it."""


ToWorker = Parcel | Go | Stop | Dismissed
"""What a worker that has joined is told."""

to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
encoded = msgspec.msgpack.Encoder().encode
