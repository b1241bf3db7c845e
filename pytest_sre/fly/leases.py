"""Leases: the right to be the only one who changes a Machine, for a while."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import Conflict, FlyError, NotFound, UnexpectedAnswer
from pytest_sre.fly.models import MachineLease
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement

_log = logging.getLogger(__name__)

_AT_ONCE = 8
# How often a lease is refreshed in its time, so that two failures in a row do not lose it.
_REFRESHES = 3


class _LeaseAnswer(MachineLease, frozen=True):
    """A lease, bare or in the envelope that the API really sends."""

    data: MachineLease | None = None


class LeaseCalls:
    """The calls about leases."""

    _machines_api: Transport

    @contextmanager
    def lease(
        self, app: str, machine_id: str, *, ttl_s: int = 120, description: str = ""
    ) -> Iterator[MachineLease]:
        """Hold a Machine's lease; its ``nonce`` goes with each change made meanwhile.

        The lease is released however the block ends. Where that fails it ends by itself,
        ``ttl_s`` after it was taken.

        Raises:
            Conflict: somebody else holds it.
            FlyError: it could not be taken for another reason.
        """
        one = _Terms(self._machines_api, app, ttl_s, description)
        lease = one.take(machine_id)
        try:
            yield lease
        finally:
            one.release(machine_id, lease)

    @contextmanager
    def leases(
        self, app: str, machine_ids: Collection[str], *, ttl_s: int = 13, description: str = ""
    ) -> Iterator["HeldLeases"]:
        """Hold the leases of several Machines for as long as the block takes.

        They are refreshed in time, and released however the block ends. Those of a process that
        was killed end by themselves, ``ttl_s`` after they were last refreshed.

        Raises:
            Conflict: somebody else holds one of them; then none is held.
            FlyError: one could not be taken for another reason.
        """
        held = HeldLeases(_Terms(self._machines_api, app, ttl_s, description))
        ended = threading.Event()
        keeper = threading.Thread(target=held.keep, args=(ended,), name="leases", daemon=True)
        keeper.start()
        try:
            held.take(machine_ids)
            yield held
        finally:
            ended.set()
            keeper.join()
            held.release()


class _Terms:
    """How leases of an app's Machines are taken."""

    def __init__(self, api: Transport, app: str, ttl_s: int, description: str) -> None:
        self._api, self._app, self._description = api, app, description
        self.ttl_s = ttl_s

    def take(self, machine_id: str, *, nonce: str | None = None) -> MachineLease:
        """Take a lease; with the ``nonce`` of the one that is held, refresh it."""
        path = self._path(machine_id)
        answer = self._api.request(
            "POST",
            path,
            into=_LeaseAnswer,
            json={"ttl": self.ttl_s, "description": self._description},
            headers=nonce_header(nonce),
        )
        lease = answer.data or answer
        if not lease.nonce:
            raise UnexpectedAnswer("a lease with its nonce", "none", f"the answer to POST {path}")
        return lease

    def release(self, machine_id: str, lease: MachineLease) -> None:
        """Release a lease, as far as that is possible."""
        try:
            self._api.request(
                "DELETE",
                self._path(machine_id),
                into=Acknowledgement,
                headers=nonce_header(lease.nonce),
            )
        except NotFound:
            return
        except FlyError as error:
            _log.warning("the lease on Machine %s ends only by its ttl: %s", machine_id, error)

    def _path(self, machine_id: str) -> str:
        return path_of("v1", "apps", self._app, "machines", machine_id, "lease")


class HeldLeases:
    """The leases of several Machines, while they are held. Safe to use from several threads."""

    def __init__(self, terms: _Terms) -> None:
        self._terms = terms
        self._held: dict[str, tuple[MachineLease, float]] = {}
        self._lost: dict[str, FlyError] = {}

    def nonce(self, machine_id: str) -> str:
        """Give what has to go with each change of a Machine.

        Raises:
            Conflict: its lease was lost, so that somebody else may be changing it.
        """
        lease, until = self._held.get(machine_id, (MachineLease(), 0.0))
        if time.monotonic() < until:
            return lease.nonce
        lost = self._lost.get(machine_id)
        raise Conflict(
            f"the lease on Machine {machine_id} to be held",
            lost.found if lost else "that it was not refreshed in time",
            lost.where if lost else "the leases of this run",
            "look who else changes the Machine, and begin again",
        )

    def take(self, machine_ids: Collection[str]) -> None:
        """Take the Machines' leases.

        Raises:
            FlyError: one of them could not be taken; the others may be held.
        """
        errors = _for_each(machine_ids, self._take)
        if errors:
            raise errors[0]

    def keep(self, ended: threading.Event) -> None:
        """Refresh all that are held, again and again, until that is over."""
        while not ended.wait(self._terms.ttl_s / _REFRESHES):
            _for_each(list(self._held), self._refresh)

    def release(self) -> None:
        """Release all that are held."""
        _for_each(list(self._held), lambda id_: self._terms.release(id_, self._held[id_][0]))

    def _take(self, machine_id: str) -> None:
        began = time.monotonic()
        lease = self._terms.take(machine_id)
        self._held[machine_id] = lease, began + self._terms.ttl_s

    def _refresh(self, machine_id: str) -> None:
        began = time.monotonic()
        lease, _ = self._held[machine_id]
        try:
            self._terms.take(machine_id, nonce=lease.nonce)
        except (Conflict, NotFound) as error:
            self._lost[machine_id] = error
            del self._held[machine_id]
        except FlyError as error:
            _log.warning("the lease on Machine %s was not refreshed: %s", machine_id, error)
        else:
            self._held[machine_id] = lease, began + self._terms.ttl_s


def nonce_header(nonce: str | None) -> Mapping[str, str]:
    """Return the header by which the holder of a lease is known; none without a nonce."""
    return {"fly-machine-lease-nonce": nonce} if nonce else {}


def _for_each(machine_ids: Collection[str], act: Callable[[str], None]) -> list[FlyError]:
    """Do something for each Machine, several at once; return how it failed for some."""

    def attempt(machine_id: str) -> FlyError | None:
        try:
            act(machine_id)
        except FlyError as error:
            return error
        return None

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [error for error in pool.map(attempt, machine_ids) if error]
