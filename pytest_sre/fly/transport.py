"""HTTP to Fly: one call, its deadline, and its tries."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import httpx

from pytest_sre.fly.answers import Answer, Call, failure, unexpected
from pytest_sre.fly.calls import call_row
from pytest_sre.fly.connections import checked_url, open_connections, without_credentials
from pytest_sre.fly.errors import Unreachable
from pytest_sre.fly.retries import LONGEST_PAUSES_S, Cut, pause_before_retry_s, planned_pauses_s
from pytest_sre.fly.throttle import Throttle, Turn
from pytest_sre.fly.tokens import Token
from pytest_sre.fly.wire import decode, encode
from pytest_sre.recording.rows import PlatformCall

T = TypeVar("T")

_LARGEST_BODY = 64 * 2**20

Query = Mapping[str, str | int | bool | None]


class Transport:
    """Calls to one of Fly's APIs. Safe to use from several threads.

    Any call is tried up to three times when it is refused as one too many (429, after its
    ``Retry-After``) or no connection is made; a GET also on 502, 503, 504 and when the
    connection breaks. Anything else is sent once, so that nothing is done twice. Pauses are at
    most 15 s in all, those that the throttle asks for not counted.

    Attributes:
        limited_count: how many answers were 429 so far.
        record: told of each try of a call; None when nobody wants to know.

    Args:
        base_url: where the API is, such as ``https://api.machines.dev``.
        token: sent with each call.
        timeout_s: how long one try may take, from connecting to the body's last byte.
        client: the connections to use, closed by who made them; own ones when None.
        throttle: what keeps the calls within the API's rate limits; None where it has none.
        sleep: waits the given seconds.

    Raises:
        Unreachable: ``base_url`` is not an address.
    """

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        timeout_s: float = 10.0,
        client: httpx.Client | None = None,
        throttle: Throttle | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = without_credentials(checked_url(base_url))
        self._token, self._timeout_s, self._sleep = token, timeout_s, sleep
        self._throttle = throttle
        self.record: Callable[[PlatformCall], None] | None = None
        self._counting = threading.Lock()
        self.limited_count = 0
        self._is_owner = client is None
        self._client = client or open_connections(base_url)

    @property
    def token(self) -> Token:
        """What is sent with each call."""
        return self._token

    def close(self) -> None:
        """Close the connections, where they are its own."""
        if self._is_owner:
            self._client.close()

    def pause(self, seconds: float) -> None:
        """Wait, the way retries do."""
        self._sleep(seconds)

    def request(
        self,
        method: str,
        path: str,
        *,
        into: type[T],
        params: Query | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> T:
        """Make a call and read its answer as a value of the type ``into``.

        Raises:
            FlyError: the call failed, or its answer has another shape.
        """
        answer = self.answer(
            method, path, params=params, json=json, headers=headers, timeout_s=timeout_s
        )
        return self.read(answer, into)

    def read(self, answer: Answer, into: type[T]) -> T:
        """Read an answer as a value of the type ``into``; an empty body is an empty object.

        Raises:
            UnexpectedAnswer: it is not JSON of that shape.
        """
        try:
            return decode(answer.body or b"{}", into)
        except ValueError as error:
            expected = f"JSON that describes {getattr(into, '__name__', into)}"
            problem = f"{answer.status} ({error})"
            raise unexpected(answer, self._token, expected, problem) from None

    def answer(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Make a call and return its answer, which has a status of 2xx.

        Raises:
            FlyError: the call failed.
        """
        answer = self.exchange(
            method, path, params=params, json=json, headers=headers, timeout_s=timeout_s
        )
        if not 200 <= answer.status < 300:
            raise failure(answer, self._token)
        return answer

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Make a call and return its answer, whatever its status.

        Raises:
            Unreachable: there was none.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        request = self._client.build_request(
            method,
            f"{self._base_url}{path}",
            params=_as_text(params or {}),
            content=None if json is None else encode(json),
            headers=self._headers(has_body=json is not None) | dict(headers or {}),
            timeout=limit_s,
        )
        call = Call(method, self._base_url + path, path)
        outcome = self._tried(call, request, limit_s)
        if isinstance(outcome, Cut):
            raise self._unreachable(call, outcome)
        return outcome

    def _headers(self, *, has_body: bool) -> dict[str, str]:
        headers = {"accept": "application/json"}
        if self._token.value:
            headers["authorization"] = self._token.header
        return headers | ({"content-type": "application/json"} if has_body else {})

    def _tried(self, call: Call, request: httpx.Request, limit_s: float) -> Answer | Cut:
        left_s = LONGEST_PAUSES_S
        for planned_s in planned_pauses_s():
            outcome = self._try(call, request, limit_s)
            pause_s = pause_before_retry_s(call.method, outcome, planned_s)
            if pause_s is None or pause_s > left_s:
                return outcome
            left_s -= pause_s
            self._sleep(pause_s)
        return self._try(call, request, limit_s)

    def _try(self, call: Call, request: httpx.Request, limit_s: float) -> Answer | Cut:
        turn = self._throttle.take(call.method, call.path) if self._throttle else Turn()
        if turn.wait_s:
            self._sleep(turn.wait_s)
        at, began = time.time(), time.monotonic()
        outcome = self._send(call, request, limit_s)
        if self._throttle:
            self._throttle.answered(turn)
        if self.record:
            self.record(call_row(call, outcome, at=at, total_s=time.monotonic() - began))
        return outcome

    def _send(self, call: Call, request: httpx.Request, limit_s: float) -> Answer | Cut:
        deadline = time.monotonic() + limit_s
        try:
            response = self._client.send(request, stream=True)
            try:
                body = _body(response, deadline)
            finally:
                response.close()
        except httpx.ConnectError as error:
            return Cut(f"no connection: {error}", was_sent=False)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return Cut(f"no connection after {limit_s:g} s", was_sent=False, was_slow=True)
        except (httpx.TimeoutException, TimeoutError):
            return Cut(f"none that was complete after {limit_s:g} s", was_slow=True)
        except httpx.HTTPError as error:
            return Cut(f"a connection that broke: {error}")
        if response.status_code == 429:
            with self._counting:
                self.limited_count += 1
        return Answer(call, response.status_code, dict(response.headers), body)

    def _unreachable(self, call: Call, cut: Cut) -> Unreachable:
        is_doubtful = cut.was_sent and call.method != "GET"
        doubt = "; it may have been carried out all the same" if is_doubtful else ""
        return Unreachable(
            "an answer from Fly's API",
            self._token.hide_in(cut.reason) + doubt,
            f"{call.method} {call.url}",
            "check this machine's network, DNS and proxy, and https://status.flyio.net",
        )


def _body(response: httpx.Response, deadline: float) -> bytes:
    """Read a body against the clock: a timeout of httpx is for each read, not for all of them."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(body) > _LARGEST_BODY:
            raise httpx.DecodingError(f"more than {_LARGEST_BODY >> 20} MiB in one answer")
    return bytes(body)


def _as_text(params: Query) -> dict[str, str]:
    stated = {name: value for name, value in params.items() if value is not None}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in stated.items()
    }
