"""What acts on a target: the platform's client, and the local platform where it is one.

A process that has to undo what another did finds both again by what was written down.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_sre.fly.client import Fly
from pytest_sre.fly.tokens import Token
from pytest_sre.local.platform import LocalPlatform
from pytest_sre.local.server_process import announced_in, is_server

LOCAL_IN_FLIGHT_S: Final = 0.6
"""How long a call to the local platform that was given up may still take effect, seconds."""


class Vanished(Exception):  # noqa: N818 - nothing is wrong
    """The local platform has ended, and all that was done to it with it."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hands:
    """By what changes are made and undone.

    Attributes:
        fly: the platform's client, for Fly.io and the stand-in alike.
        local: the stand-in, for what Fly.io has no API for; None on Fly.io.
        in_flight_s: how long a call that was given up may still take effect, seconds. A change
            whose calls are given longer than any other says so by its ``takes_s``.
        is_ending: whether what is being made is to be undone by now: what takes several calls to
            make asks between them.
    """

    fly: Fly
    local: LocalPlatform | None = None
    in_flight_s: float = 10.0
    is_ending: Callable[[], bool] = _never

    @property
    def handle(self) -> str:
        """By which `hands_of` finds them again; empty for Fly.io."""
        return str(self.local.state_dir.resolve()) if self.local else ""

    @property
    def have_vanished(self) -> bool:
        """Whether the local platform has ended; never so of Fly.io."""
        if self.local is None:
            return False
        there = announced_in(self.local.state_dir)
        return there is None or there.pid != self.local.pid or not is_server(there)


@contextlib.contextmanager
def hands_of(handle: str, *, timeout_s: float = 10.0) -> Iterator[Hands]:
    """Find what acts on a target again, in any process.

    Args:
        handle: the state directory of a local platform; empty for Fly.io, whose token is in the
            environment.
        timeout_s: how long a call may take, seconds.

    Raises:
        Vanished: the local platform has ended.
        FlyError: there is no token.
    """
    if not handle:
        with Fly.from_environment(os.environ) as fly:
            yield Hands(fly)
        return
    local = LocalPlatform.attach(Path(handle))
    if local is None:
        raise Vanished(f"the local platform at {handle} has ended")
    try:
        token = Token(local.token, "the local platform")
        with Fly(local.api_url, local.api_url, token, timeout_s=timeout_s) as fly:
            yield Hands(fly, local, in_flight_s=LOCAL_IN_FLIGHT_S)
    finally:
        local.close()
