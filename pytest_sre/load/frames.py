"""What a process that makes load tells, once a second: frames of counts that add up.

A frame holds what has become known since the one before. What is counted is counted in the
second in which it was *due*, so that a request answered late still belongs to the time when
someone asked. Frames of several processes merge by addition, in any order.
"""

import struct
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from pytest_sre.load.latencies import Buckets
from pytest_sre.load.plan import LoadPlan

LARGEST_BYTES = 16 * 2**20
SAMPLES_A_KIND = 5
LATE_AFTER_S = 0.010
"""An arrival that begins later than this after it was due is late: our fault, not the app's."""

_LENGTH = struct.Struct(">I")
_Message = TypeVar("_Message")


class Tally(msgspec.Struct, kw_only=True, omit_defaults=True, array_like=True):
    """Counts of one second and one journey, or one request name of it.

    Attributes:
        second: since the beginning of the load, of when the arrival was due.
        journey: its name; of a locustfile, the user class.
        request: such as ``GET /orders/{id}``; empty for the journey as a whole.
        planned: arrivals that were due; journeys of an open workload only.
        dropped: of those, arrivals that were not begun, since too many were in flight.
        started: journeys begun, or requests sent.
        late: of those, begun later than ``LATE_AFTER_S`` after they were due.
        done: ended, well or not.
        failed: of those, ended badly by the app's fault.
        own_faults: of those, ended by a fault on our side; neither good nor bad.
        errors: how many by kind, ours and the app's.
        intended: latencies from when they were due, of those that ended well.
        sent: latencies of the same from when they were sent.
        failed_after: latencies from when they were due, of those that failed.
        unsent: arrivals that were due, and whose worker was lost before it told of them.
    """

    second: int
    journey: str
    request: str = ""
    planned: int = 0
    dropped: int = 0
    started: int = 0
    late: int = 0
    done: int = 0
    failed: int = 0
    own_faults: int = 0
    errors: dict[str, int] = {}
    intended: Buckets = {}
    sent: Buckets = {}
    failed_after: Buckets = {}
    unsent: int = 0


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One error as an example of its kind. ``at`` is Unix seconds."""

    at: float
    journey: str
    request: str
    kind: str
    text: str
    is_own: bool = False
    status: int = 0
    machine: str = ""
    region: str = ""
    request_id: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many answers came from a Machine, as the answers' headers say."""

    machine: str
    region: str
    count: int


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the process itself did since the frame before.

    Attributes:
        lag_s: the longest that its event loop was held up.
        cpu_ratio: the share of one core that it used.
        in_flight: journeys under way.
    """

    lag_s: float = 0.0
    cpu_ratio: float = 0.0
    in_flight: int = 0


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The process can begin."""


class Frame(msgspec.Struct, frozen=True, kw_only=True, tag="frame"):
    """What became known in about a second.

    Attributes:
        elapsed_s: since the beginning of the load.
        tallies: what was counted.
        samples: some errors.
        answered: who answered.
        health: of the process.
    """

    elapsed_s: float
    tallies: list[Tally] = []
    samples: list[Sample] = []
    answered: list[Answered] = []
    health: Health = Health()


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The last word of a process.

    Attributes:
        reason: ``complete``, ``stopped`` when it was told to, ``cap`` when the requests were
            used up, or ``failed``.
        detail: why, in one line.
        made_s: for how long it began what was due, since the beginning of the load.
    """

    reason: str
    detail: str = ""
    made_s: float = 0.0


Word = Ready | Frame | Ended
"""What a process says."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """The first that a process is told: what to do.

    Attributes:
        base_url: where the load goes.
        hosts: what may be asked, as ``host:port``; the load ends when another is to be.
        journey_files: Python files that register the journeys.
        worker: which of several it is, from 0.
        workers: how many there are.
        ca: a PEM file of the only authorities to trust; those of the system when empty.
    """

    plan: LoadPlan
    base_url: str
    hosts: tuple[str, ...]
    journey_files: tuple[str, ...] = ()
    worker: int = 0
    workers: int = 1
    ca: str = ""


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Begin now."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Begin nothing more; tell what is known, and end.

    Attributes:
        waits: for what is under way first, as at the end of the plan.
    """

    waits: bool = False


Command = Order | Go | Stop
"""What a process is told."""


class BrokenStreamError(Exception):
    """Bytes that are no frames: a process that floods, or writes where it should not."""


_encoder = msgspec.msgpack.Encoder()
_words: msgspec.msgpack.Decoder[Word] = msgspec.msgpack.Decoder(Word)
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def packed(message: Word | Command) -> bytes:
    """Give the bytes of a message: its length in four bytes, then msgpack."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Takes bytes as they come and gives the messages that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def words(self, data: bytes) -> Iterator[Word]:
        """Yield what a process has said.

        Raises:
            BrokenStreamError: the bytes are no frames.
        """
        for body in self._bodies(data):
            yield _decoded(_words, body)

    def commands(self, data: bytes) -> Iterator[Command]:
        """Yield what a process is told.

        Raises:
            BrokenStreamError: the bytes are no commands.
        """
        for body in self._bodies(data):
            yield _decoded(_commands, body)

    def _bodies(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > LARGEST_BYTES:
                raise BrokenStreamError(
                    f"expected frames of at most {LARGEST_BYTES} bytes, found one of {length}"
                )
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield body


def _decoded(decoder: "msgspec.msgpack.Decoder[_Message]", body: bytes) -> _Message:
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise BrokenStreamError(f"expected a frame, found {len(body)} bytes: {error}") from error
