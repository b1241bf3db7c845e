"""The users of a schedule: each does one operation, over a connection of its own."""

import ssl
import time
from dataclasses import dataclass, field
from typing import Final

import httpx

from pytest_sre.chaos.explore.history import Invocation, Outcome, Request
from pytest_sre.chaos.explore.operations import Operation, Refused

_TIMEOUT_S: Final = 10.0
_SENT_AT: Final = "sre_sent_at"
# Answers by which an app says that it did not do it; 408 and 429 are the way's, not its own.
_REFUSALS: Final = frozenset(range(400, 500)) - {408, 429}


@dataclass
class User:
    """A user, and what the answers to it told.

    Attributes:
        client: its HTTP client.
        requests: who served it.
    """

    client: httpx.Client
    requests: list[Request] = field(default_factory=list)
    _last_status: int = 0
    _asking_since: float | None = None

    @property
    def waits_s(self) -> float:
        """How long it has been waiting for an answer, seconds; 0 when it does not."""
        since = self._asking_since
        return time.monotonic() - since if since is not None else 0.0

    @classmethod
    def of(cls, base_url: str) -> "User":
        """Give a user of the app at an address on this machine."""
        # Never used: all is plain HTTP here. The default would read all certificates first.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = httpx.Client(
            base_url=base_url, timeout=_TIMEOUT_S, trust_env=False, verify=context
        )
        user = cls(client)
        client.event_hooks = {"request": [user._sends], "response": [user._hears]}
        return user

    def does(self, operation: Operation) -> Invocation:
        """Do an operation, and say what came of it."""
        began_at = time.time()
        item, why, outcome = "", "", Outcome.OK
        try:
            item = operation.act(self.client) or ""
        except Refused as refusal:
            outcome, why = Outcome.FAIL, str(refusal)
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises
            outcome = Outcome.FAIL if self._last_status in _REFUSALS else Outcome.INFO
            why = f"{type(error).__name__}: {error}"
        return Invocation(
            operation=operation.name,
            began_at=began_at,
            ended_at=time.time(),
            outcome=outcome,
            item=item,
            why=" ".join(why.split())[:200],
        )

    def _sends(self, request: httpx.Request) -> None:
        self._last_status = 0
        self._asking_since = time.monotonic()
        request.extensions[_SENT_AT] = time.time()

    def _hears(self, response: httpx.Response) -> None:
        self._asking_since = None
        self._last_status = response.status_code
        self.requests.append(
            Request(
                sent_at=response.request.extensions[_SENT_AT],
                machine=response.headers.get("fly-machine-id", ""),
            )
        )
