"""The session's end: workers of other machines join it."""

import contextlib
import select
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Self

from pytest_sre.load.frames import BrokenStreamError, Command, Order, Unpacker, Word
from pytest_sre.load.remote.asked import External
from pytest_sre.load.remote.messages import VERSION, Dismissed, Hello, Joining, Welcome, encoded
from pytest_sre.load.remote.parcels import parcel_of
from pytest_sre.load.remote.sealing import (
    Channel,
    UntrustedError,
    new_challenge,
    proof,
    require_proof,
)
from pytest_sre.load.remote.talking import read_plain, send_plain, settle
from pytest_sre.load.workers import Worker
from pytest_sre.verdict import Inconclusive

_TRUST_S = 5.0
_LOOK_S = 0.5
_BACKLOG = 64
_CHUNK = 1 << 16
_NUMBER_BYTES = 4
_JOIN_S = 120.0
_CAUSE = "load workers"


class RemoteWorker:
    """A worker of another machine, or of this one, that has joined over TCP."""

    def __init__(self, name: str, connection: socket.socket, channel: Channel) -> None:
        self.name = name
        self.heard_at = time.monotonic()
        self._connection, self._channel = connection, channel
        self._load = 0
        self._unpacker = Unpacker()
        self._is_gone = False

    @property
    def fds(self) -> Collection[int]:
        """Its connection."""
        return (self._connection.fileno(),)

    @property
    def is_there(self) -> bool:
        """Whether it can be given a load, as far as is known."""
        if self._is_gone:
            return False
        looked = select.poll()
        looked.register(self._connection, select.POLLIN)
        return not looked.poll(0) or bool(self._peeked())

    def tell(self, command: Command) -> None:
        """Say something to it; one that is gone does not hear it."""
        if not isinstance(command, Order):
            self._send(encoded(command))
            return
        self._load += 1
        self._unpacker = Unpacker()
        try:
            parcel = parcel_of(command, self._load)
        except OSError as error:
            raise Inconclusive(
                f"a file of the load cannot be read: {error.filename}: {error.strerror}",
                cause=_CAUSE,
            ) from None
        self._send(encoded(parcel))

    def words(self, fd: int) -> list[Word] | None:  # noqa: ARG002 - there is one only
        """Read what it has said since; None when it is gone.

        Raises:
            BrokenStreamError: it does not say what it should.
        """
        data = b""
        with contextlib.suppress(OSError):
            data = self._connection.recv(_CHUNK)
        if not data:
            self._is_gone = True
            return None
        self.heard_at = time.monotonic()
        try:
            return [word for body in self._channel.opened(data) for word in self._of_load(body)]
        except UntrustedError as error:
            self._is_gone = True
            raise BrokenStreamError(str(error)) from error

    def how_it_ended(self) -> str | None:
        """Say that its connection ended; None while it may yet say something."""
        return "lost its connection" if self._is_gone else None

    def give_up(self) -> None:
        """End its connection, and with that what it does."""
        self._is_gone = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Have it end what it does for this load; it stays for the next."""
        self._send(encoded(Dismissed()))

    def leave(self) -> None:
        """Let it go for good."""
        self._is_gone = True
        self._connection.close()

    def _of_load(self, body: bytes) -> Iterator[Word]:
        """Yield what it says of this load; the rest of one that was stopped is not heard."""
        if int.from_bytes(body[:_NUMBER_BYTES], "big") == self._load:
            yield from self._unpacker.words(body[_NUMBER_BYTES:])

    def _send(self, body: bytes) -> None:
        if self._is_gone:
            return
        try:
            self._connection.sendall(self._channel.sealed(body))
        except OSError:
            self.give_up()

    def _peeked(self) -> bytes:
        try:
            return self._connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""


class Muster:
    """Where workers join. A context manager that leaves no connection behind.

    Args:
        host: the address that is listened at, and no other.
        port: there; any free one when 0.
        secret: that workers must know.

    Raises:
        Inconclusive: it cannot be listened there.
    """

    def __init__(self, host: str, port: int, secret: bytes) -> None:
        self._secret = secret
        self._workers: list[RemoteWorker] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._server = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise Inconclusive(
                f"expected to listen for load workers at {host}:{port}, "
                f"found: {error.strerror or error}",
                cause=_CAUSE,
            ) from None
        self._server.settimeout(_LOOK_S)
        self.host, self.port = host, int(self._server.getsockname()[1])

    @property
    def address(self) -> str:
        """What workers are told: ``HOST:PORT``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def workers(self) -> Sequence[RemoteWorker]:
        """Those that have joined and are still there."""
        for gone in [one for one in self._workers if not one.is_there]:
            gone.leave()
            self._workers.remove(gone)
        return tuple(self._workers)

    def gather(self, count: int, within_s: float) -> Sequence[RemoteWorker]:
        """Wait until so many have joined; give those that have, also when they are fewer."""
        deadline_at = time.monotonic() + within_s
        while len(self.workers) < count and time.monotonic() < deadline_at:
            with contextlib.suppress(TimeoutError):
                connection, _ = self._server.accept()
                self._let_in(connection)
        return self.workers[:count]

    def close(self) -> None:
        """Let all go, and listen no more."""
        for worker in self._workers:
            worker.leave()
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _let_in(self, connection: socket.socket) -> None:
        """Let one in who knows the secret; whoever else it is hears nothing more."""
        try:
            self._workers.append(_trusted(connection, self._secret))
        except (OSError, UntrustedError):
            connection.close()


def _trusted(connection: socket.socket, secret: bytes) -> RemoteWorker:
    own = new_challenge()
    connection.settimeout(_TRUST_S)
    send_plain(connection, Hello(version=VERSION, challenge=own))
    joining = read_plain(connection, Joining, _TRUST_S)
    require_proof(joining.proof, proof(secret, "worker", own, joining.challenge))
    if joining.version != VERSION:
        raise UntrustedError(f"expected {VERSION}, found {joining.version}")
    send_plain(connection, Welcome(proof=proof(secret, "session", own, joining.challenge)))
    settle(connection)
    channel = Channel(secret, "session", own, joining.challenge)
    return RemoteWorker(f"load worker {joining.name}", connection, channel)


class ExternalCrew:
    """A crew of workers that were started elsewhere, and join by themselves."""

    starts_s = _JOIN_S

    def __init__(self, asked: External, secret: bytes) -> None:
        self._asked, self._secret = asked, secret
        self._muster: Muster | None = None

    @contextlib.contextmanager
    def at_work(self, lasts_s: float) -> Iterator[Sequence[Worker]]:  # noqa: ARG002 - they stay
        """Wait for as many as were asked for.

        Raises:
            Inconclusive: they did not come.
        """
        asked = self._asked
        if self._muster is None:
            self._muster = Muster(asked.host, asked.port, self._secret)
        workers = self._muster.gather(asked.count, _JOIN_S)
        if len(workers) < asked.count:
            raise Inconclusive(
                f"expected {asked.count} load workers, found {len(workers)} within {_JOIN_S:g} s\n"
                f"start each by: pytest-sre load worker --master {self._muster.address}",
                cause=_CAUSE,
            )
        with at_work(workers):
            yield workers

    def close(self) -> None:
        """Let them go."""
        if self._muster:
            self._muster.close()
            self._muster = None


@contextlib.contextmanager
def at_work(workers: Sequence[RemoteWorker]) -> Iterator[None]:
    """Have workers end what they do for a load, in the end."""
    try:
        yield
    finally:
        for worker in workers:
            worker.close()
