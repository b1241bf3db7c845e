"""Leases: the right to be the only one who changes a Machine, for a while."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import FlyError, NotFound, UnexpectedAnswer
from pytest_sre.fly.models import MachineLease
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement

_log = logging.getLogger(__name__)


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
        lease = self._take_lease(app, machine_id, ttl_s, description)
        try:
            yield lease
        finally:
            self._release_lease(app, machine_id, lease)

    def _take_lease(self, app: str, machine_id: str, ttl_s: int, description: str) -> MachineLease:
        path = _path(app, machine_id)
        body = {"ttl": ttl_s, "description": description}
        answer = self._machines_api.request("POST", path, into=_LeaseAnswer, json=body)
        lease = answer.data or answer
        if not lease.nonce:
            raise UnexpectedAnswer("a lease with its nonce", "none", f"the answer to POST {path}")
        return lease

    def _release_lease(self, app: str, machine_id: str, lease: MachineLease) -> None:
        try:
            self._machines_api.request(
                "DELETE",
                _path(app, machine_id),
                into=Acknowledgement,
                headers=nonce_header(lease.nonce),
            )
        except NotFound:
            return
        except FlyError as error:
            _log.warning("the lease on Machine %s ends only by its ttl: %s", machine_id, error)


def nonce_header(nonce: str | None) -> Mapping[str, str]:
    """Return the header by which the holder of a lease is known; none without a nonce."""
    return {"fly-machine-lease-nonce": nonce} if nonce else {}


def _path(app: str, machine_id: str) -> str:
    return path_of("v1", "apps", app, "machines", machine_id, "lease")
