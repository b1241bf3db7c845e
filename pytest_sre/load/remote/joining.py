"""The worker's end: joins a session, and makes its share of each load with a process of its own."""

import contextlib
import platform
import selectors
import signal
import socket
import tempfile
import time
from pathlib import Path

from pytest_sre.load.frames import BrokenStreamError, Ended, Go, Stop, Word, packed
from pytest_sre.load.remote.messages import (
    VERSION,
    Dismissed,
    Hello,
    Joining,
    Parcel,
    ToWorker,
    Welcome,
    to_worker,
)
from pytest_sre.load.remote.parcels import unpacked
from pytest_sre.load.remote.sealing import (
    Channel,
    UntrustedError,
    new_challenge,
    proof,
    require_proof,
)
from pytest_sre.load.remote.talking import read_plain, send_plain, settle
from pytest_sre.load.workers import LocalProcess

_TRUST_S = 10.0
_TRY_S = 5.0
_PAUSE_S = 0.25
_CHUNK = 1 << 16


class NotJoinedError(Exception):
    """There is no session to work for."""


def end_within(seconds: float) -> None:
    """Have the operating system end this process then, whatever it does.

    The process that makes load ends with it.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def serve(host: str, port: int, secret: bytes, *, name: str, waits_s: float) -> None:
    """Join a session as soon as there is one, and work for it until it ends.

    Args:
        host: where it listens.
        port: there.
        secret: that both know.
        name: of this worker, for people.
        waits_s: how long to try to reach it.

    Raises:
        NotJoinedError: there is none, of the same version and with the same secret.
    """
    with _reached(host, port, waits_s) as connection:
        try:
            channel = _trusted(connection, secret, name or platform.node())
        except (OSError, UntrustedError) as error:
            raise NotJoinedError(
                f"expected a session at {host}:{port} that knows the same secret and is {VERSION}, "
                f"found: {error}"
            ) from None
        settle(connection)
        with contextlib.closing(_Serving(connection, channel)) as serving:
            serving.run()


def _reached(host: str, port: int, waits_s: float) -> socket.socket:
    deadline_at = time.monotonic() + waits_s
    while True:
        try:
            return socket.create_connection((host, port), timeout=_TRY_S)
        except OSError as error:
            if time.monotonic() > deadline_at:
                raise NotJoinedError(
                    f"expected a session at {host}:{port}, found none in {waits_s:g} s: {error}"
                ) from None
        time.sleep(_PAUSE_S)


def _trusted(connection: socket.socket, secret: bytes, name: str) -> Channel:
    hello = read_plain(connection, Hello, _TRUST_S)
    own = new_challenge()
    shown = proof(secret, "worker", hello.challenge, own)
    send_plain(connection, Joining(version=VERSION, challenge=own, proof=shown, name=name[:100]))
    if hello.version != VERSION:
        raise UntrustedError(f"expected {VERSION}, found {hello.version}")
    welcome = read_plain(connection, Welcome, _TRUST_S)
    require_proof(welcome.proof, proof(secret, "session", hello.challenge, own))
    return Channel(secret, "worker", hello.challenge, own)


class _Serving:
    """A worker that has joined."""

    def __init__(self, connection: socket.socket, channel: Channel) -> None:
        self._connection, self._channel = connection, channel
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self._process: LocalProcess | None = None
        self._load, self._has_ended = 0, True
        self._folder = tempfile.TemporaryDirectory(prefix="sre-load-")

    def run(self) -> None:
        """Do what the session says, until it is gone."""
        # The session ended, or is out of reach: nothing more is to be done for it.
        with contextlib.suppress(OSError, UntrustedError):
            while self._hear():
                pass

    def close(self) -> None:
        """End the load that is being made."""
        self._dismiss()
        self._selector.close()
        self._folder.cleanup()

    def _hear(self) -> bool:
        for key, _ in self._selector.select():
            if key.fileobj is not self._connection:
                self._relay(key.fd)
                continue
            data = self._connection.recv(_CHUNK)
            if not data:
                return False
            for body in self._channel.opened(data):
                self._do(to_worker.decode(body))
            # A new load may have taken the descriptors that others of this round had.
            break
        return True

    def _do(self, told: ToWorker) -> None:
        match told:
            case Parcel():
                self._begin(told)
            case Dismissed():
                self._dismiss()
            case Go() | Stop():
                if self._process:
                    self._process.tell(told)

    def _begin(self, parcel: Parcel) -> None:
        self._dismiss()
        self._load, self._has_ended = parcel.load, False
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        order = unpacked(parcel, folder)
        self._process = LocalProcess("load process")
        for fd in self._process.fds:
            self._selector.register(fd, selectors.EVENT_READ)
        self._process.tell(order)

    def _dismiss(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for fd in process.fds:
            with contextlib.suppress(KeyError):
                self._selector.unregister(fd)
        process.close()

    def _relay(self, fd: int) -> None:
        process = self._process
        if process is None:
            return
        try:
            words = process.words(fd)
        except BrokenStreamError as error:
            process.give_up()
            words = [Ended(reason="failed", detail=f"said what is no frame: {error}")]
        if words is None:
            self._selector.unregister(fd)
            how = process.how_it_ended()
            words = [Ended(reason="failed", detail=how)] if how and not self._has_ended else []
        for word in words:
            self._say(word)

    def _say(self, word: Word) -> None:
        self._has_ended |= isinstance(word, Ended)
        body = self._load.to_bytes(4, "big") + packed(word)
        self._connection.sendall(self._channel.sealed(body))
