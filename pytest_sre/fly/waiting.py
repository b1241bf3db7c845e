"""Waiting until a Machine is in a state."""

import math
import time

from pytest_sre.fly.connections import path_of
from pytest_sre.fly.errors import NotFound, TimedOut
from pytest_sre.fly.models import Machine
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.wire import Acknowledgement

# The API takes whole seconds from 1 to 60 for one call.
_LONGEST_CALL_S = 60
_GRACE_S = 10.0
_PAUSE_S = 0.25


class WaitCalls:
    """The call that waits for a Machine's state."""

    _machines_api: Transport

    def wait(
        self,
        app: str,
        machine_id: str,
        state: str,
        *,
        version: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Wait until a Machine is in a state, for as long as ``timeout_s`` to the next second.

        Args:
            app: the app's name.
            machine_id: the Machine's id.
            state: such as ``started``, ``stopped`` or ``destroyed``; a Machine that is not
                found counts as destroyed.
            version: the ``instance_id`` that has to be in this state; any when None.
            timeout_s: how long to wait, seconds.

        Raises:
            TimedOut: it is not in this state by then.
            FlyError: the platform does not say.
        """
        deadline = time.monotonic() + timeout_s
        try:
            if version is None and state == "stopped":
                version = self._version_of(app, machine_id)
            while not self._reaches(app, machine_id, state, version, deadline):
                self._machines_api.pause(_PAUSE_S)
        except NotFound:
            if state != "destroyed":
                raise

    def _reaches(
        self, app: str, machine_id: str, state: str, version: str | None, deadline: float
    ) -> bool:
        """Wait once, as long as one call may; False when there is time for another."""
        left_s = deadline - time.monotonic()
        call_s = min(max(math.ceil(left_s), 1), _LONGEST_CALL_S)
        try:
            self._machines_api.request(
                "GET",
                path_of("v1", "apps", app, "machines", machine_id, "wait"),
                into=Acknowledgement,
                params={"state": state, "timeout": call_s, "version": version},
                timeout_s=call_s + _GRACE_S,
            )
        except TimedOut as error:
            if deadline - time.monotonic() > _PAUSE_S:
                return False
            raise TimedOut(
                f'Machine {machine_id} to become "{state}" in time', error.found, error.where
            ) from None
        return True

    def _version_of(self, app: str, machine_id: str) -> str | None:
        """Look up the version: the API has refused to wait for ``stopped`` without one."""
        path = path_of("v1", "apps", app, "machines", machine_id)
        return self._machines_api.request("GET", path, into=Machine).instance_id or None
