"""Sends requests over kept connections of geventhttpclient, which is under locust's FastHttpUser.

A request is sent once: the retries of its own client would make more load than was planned, and
hide that connections are cut.
"""

import errno
import functools
import socket
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import gevent
import gevent.socket
from gevent import monkey
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPSocketPoolResponse

from pytest_sre.load.runner.hosts import Hosts
from pytest_sre.probes.faults import Fault, fault_of

_BLOCK = 65_536
_RESOLVED_FOR_S = 30.0
_RESOLVING_S = 5.0
_LONGEST_S = 3600.0

_poll = monkey.get_original("select", "poll")
_READABLE = 1

Addresses = list[tuple[Any, ...]]


class Place(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What came: the body as it was sent, not decoded."""

    status: int
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes


class UnansweredError(Exception):
    """No answer came. ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault


class Wire:
    """Connections to all places that the load asks.

    Args:
        connections: how many at most to each place.
        hosts: what may be asked.
        ca: a PEM file of the only authorities to trust; those of the system when empty.
    """

    def __init__(self, *, connections: int, hosts: Hosts, ca: str = "") -> None:
        self._connections, self._hosts = connections, hosts
        self._trust = {"ca_certs": ca} if ca else {}
        self._pools: dict[Place, ConnectionPool] = {}

    def exchange(self, place: Place, method: str, request: bytes, timeout_s: float) -> Reply:
        """Send a request and read all of the answer.

        Raises:
            UnansweredError: no answer came, or not all of it in time.
        """
        try:
            with gevent.Timeout(timeout_s, TimeoutError("no answer in time")):
                return self._exchange(place, method, request)
        except HTTPConnectionClosed as error:
            cut = ConnectionResetError(errno.ECONNRESET, str(error))
            raise UnansweredError(fault_of(cut)) from error
        except Exception as error:
            raise UnansweredError(fault_of(error)) from error

    def _exchange(self, place: Place, method: str, request: bytes) -> Reply:
        pool = self._pools.get(place) or self._open(place)
        connection = pool.get_socket()
        try:
            connection.sendall(request)
        except BaseException:
            pool.release_socket(connection)
            raise
        # It gives the connection back by itself, whatever happens.
        answer = HTTPSocketPoolResponse(connection, pool, block_size=_BLOCK, method=method)
        try:
            body = answer.read()
            headers = [(name.lower(), value) for name, value in answer.items()]
            return Reply(answer.get_code(), headers, body)
        finally:
            answer.release()

    def _open(self, place: Place) -> ConnectionPool:
        self._hosts.require(f"{place.host}:{place.port}")
        kind = functools.partial(_TlsPool, ssl_options=self._trust)
        make = kind if place.scheme == "https" else _Pool
        self._pools[place] = make(
            place.host,
            place.port,
            place.host,
            place.port,
            size=self._connections,
            # What one exchange may take is limited as a whole.
            connection_timeout=_LONGEST_S,
            network_timeout=_LONGEST_S,
        )
        return self._pools[place]


class _Resolving:
    """Resolves a name once in a while rather than for each connection, as a caching stub does."""

    _known: Addresses
    _known_until = float("-inf")

    def _resolve(self) -> Addresses:
        if time.monotonic() < self._known_until:
            return self._known
        slow = socket.gaierror(socket.EAI_AGAIN, "not resolved in time")
        with gevent.Timeout(_RESOLVING_S, slow):
            self._known = super()._resolve()  # type: ignore[misc]
        self._known_until = time.monotonic() + _RESOLVED_FOR_S
        return self._known

    def _is_socket_alive(self, kept: gevent.socket.socket | None) -> bool:
        # The library asks select(), which knows no descriptor above 1,023, and gevent's at that.
        if kept is None or kept.fileno() < 0:
            return False
        asked = _poll()
        asked.register(kept.fileno(), _READABLE)
        return not asked.poll(0)

    def after_connect(self, made: gevent.socket.socket) -> None:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Pool(_Resolving, ConnectionPool):
    pass


class _TlsPool(_Resolving, SSLConnectionPool):
    pass
