"""The client of Fly's APIs, and of the local platform's, which are the same."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from pytest_sre.fly.account import AccountCalls
from pytest_sre.fly.apps import AppCalls
from pytest_sre.fly.connections import is_loopback, open_connections
from pytest_sre.fly.hostnames import HostnameCalls
from pytest_sre.fly.log_pages import LogCalls
from pytest_sre.fly.machines import MachineCalls
from pytest_sre.fly.metrics import MetricCalls
from pytest_sre.fly.releases import ReleaseCalls
from pytest_sre.fly.secrets import SecretCalls
from pytest_sre.fly.throttle import Throttle
from pytest_sre.fly.tokens import Token, token_from_environment
from pytest_sre.fly.transport import Transport
from pytest_sre.fly.volumes import VolumeCalls
from pytest_sre.recording.rows import PlatformCall

API_URL = "https://api.machines.dev"
WEB_URL = "https://api.fly.io"
_BASES = ("FLY_FLAPS_BASE_URL", "FLY_API_BASE_URL", "FLY_UIEX_BASE_URL")


def other_host(environment: Mapping[str, str]) -> str:
    """The first host that the environment names in place of Fly's own; empty when it names none.

    A shell in which flyctl talks to another platform has such variables, and they hold for us.
    """
    named = (environment.get(name, "") for name in _BASES)
    return next((host for host in named if host and host not in (API_URL, WEB_URL)), "")


class Fly(
    AccountCalls,
    AppCalls,
    HostnameCalls,
    LogCalls,
    MachineCalls,
    MetricCalls,
    ReleaseCalls,
    SecretCalls,
    VolumeCalls,
):
    """Fly's APIs as one object. Safe to use from several threads; close it in the end.

    Args:
        api_url: where the Machines API is; ``API_URL`` is Fly's own.
        web_url: where logs and metrics are; ``WEB_URL`` is Fly's own.
        token: sent with each call.
        releases_url: where releases are; with the logs when None, so that a client made for
            another host never talks to Fly's.
        timeout_s: how long one try of a call may take, seconds; changes of Machines and calls
            that wait are given more.
        throttle: what keeps the calls within the Machines API's rate limits; None where it has
            none.
        sleep: waits the given seconds.

    Raises:
        Unreachable: one of the addresses is none.
    """

    def __init__(
        self,
        api_url: str,
        web_url: str,
        token: Token,
        *,
        releases_url: str | None = None,
        timeout_s: float = 10.0,
        throttle: Throttle | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        releases_url = releases_url or web_url
        self._connections = open_connections(api_url, web_url, releases_url)

        def transport(url: str, throttle: Throttle | None = None) -> Transport:
            return Transport(
                url,
                token,
                timeout_s=timeout_s,
                client=self._connections,
                throttle=throttle,
                sleep=sleep,
            )

        self._throttle = throttle
        self._machines_api = transport(api_url, throttle)
        self._web_api = transport(web_url)
        self._releases_api = transport(releases_url)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Make the client that the environment describes, with flyctl's variables.

        These are FLY_API_TOKEN or FLY_ACCESS_TOKEN, and, to talk to another host than Fly's,
        FLY_FLAPS_BASE_URL, FLY_API_BASE_URL and FLY_UIEX_BASE_URL. Nothing is contacted. Calls
        keep to Fly's rate limits, except to a platform on this machine.

        Raises:
            TokenMissing: there is no token.
            Unauthorized: what there is cannot be a token.
            Unreachable: one of the addresses is none.
        """
        api_url = environment.get("FLY_FLAPS_BASE_URL") or API_URL
        return cls(
            api_url,
            environment.get("FLY_API_BASE_URL") or WEB_URL,
            token_from_environment(environment),
            releases_url=environment.get("FLY_UIEX_BASE_URL"),
            throttle=None if is_loopback(api_url) else Throttle(),
        )

    @property
    def limited_count(self) -> int:
        """How many calls the Machines API has refused so far as too many, tries included."""
        return self._machines_api.limited_count

    @property
    def is_throttled(self) -> bool:
        """Whether it keeps its calls within rate limits."""
        return self._throttle is not None

    def record_calls(self, write: Callable[[PlatformCall], None]) -> None:
        """Have each try of a call written down from now on."""
        for api in (self._machines_api, self._web_api, self._releases_api):
            api.record = write

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
