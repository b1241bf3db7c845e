"""What an answer of Fly's API means: which error it is, and what a person should do about it."""

import datetime as dt
import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from pytest_sre.fly import errors
from pytest_sre.fly.tokens import Token

_LEASE_HOLDER = re.compile(r"lease currently held by (\S+?)(?:, expires at (\S+?))?\.?(?:\s|$)")
_APP_IN_PATH = re.compile(r"/apps/([^/]+)")


@dataclass(frozen=True)
class Call:
    """One request as people know it: its method and its address, without credentials."""

    method: str
    url: str
    path: str

    @property
    def app(self) -> str:
        """The app it concerns; empty when it is about none, or about all of them."""
        found = _APP_IN_PATH.search(self.path)
        return found[1] if found else ""


@dataclass(frozen=True)
class Answer:
    """What came back. ``headers`` has lower-case names."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace").strip()

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people."""
        return "html" in self.headers.get("content-type", "") or self.text.startswith("<")

    @property
    def where(self) -> str:
        """The call, with the id by which Fly's support finds it."""
        request_id = self.headers.get("fly-request-id")
        suffix = f" (fly-request-id {request_id})" if request_id else ""
        return f"{self.call.method} {self.call.url}{suffix}"

    @property
    def retry_after_s(self) -> float | None:
        """How many seconds to stay away, when the answer says so."""
        text = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(text)
        except ValueError:
            return _seconds_until(text)
        return seconds if math.isfinite(seconds) and seconds >= 0 else None


def failure(answer: Answer, token: Token) -> errors.FlyError:
    """Return the error that an answer with a status other than 2xx is."""
    status, where = answer.status, answer.where
    found = f"{status}: {token.hide_in(_explanation(answer))}"
    if status == 429:
        return _rate_limited(answer, found)
    if answer.is_html or status >= 500 or (status == 404 and not _is_of_the_api(answer)):
        return unexpected(answer, token, "an answer of Fly's API", f"{status}")
    match status:
        case 401:
            return _unauthorized(token, found, where)
        case 403:
            return _forbidden(answer.call, token, found, where)
        case 404:
            return errors.NotFound(
                "what the address names to exist", found, where, _check_names(answer.call)
            )
        case 408:
            return errors.TimedOut("it to be done in time", found, where)
        case 409:
            return _conflict(found, where)
        case 412:
            return errors.PreconditionFailed("a state that allows the call", found, where)
        case 400 | 422:
            return errors.Invalid("a request that Fly accepts", found, where)
    return unexpected(answer, token, "an answer of Fly's API", f"{status}")


def unexpected(
    answer: Answer, token: Token, expected: str, problem: str
) -> errors.UnexpectedAnswer:
    """Return the error for an answer that is not Fly's API at work."""
    kind = "HTML" if answer.is_html else "the body"
    body = f"{kind}: {token.hide_in(answer.text)}" if answer.text else "an empty body"
    return errors.UnexpectedAnswer(
        expected,
        f"{problem}, {body}",
        answer.where,
        "try again; if it stays, see https://status.flyio.net and the FLY_*_BASE_URL variables",
    )


def _explanation(answer: Answer) -> str:
    try:
        body = msgspec.json.decode(answer.body)
    except ValueError:
        return answer.text or "an empty body"
    if not isinstance(body, dict):
        return answer.text
    text = body.get("message") or body.get("error") or answer.text
    status = body.get("status")
    return f"{text} ({status})" if isinstance(status, str) and status != "unknown" else str(text)


def _is_of_the_api(answer: Answer) -> bool:
    """Tell a 404 about a thing from one about the route.

    The wrong host's taken for an answer would make every Machine look destroyed.
    """
    return not answer.body or answer.body.lstrip().startswith(b"{")


def _seconds_until(http_date: str) -> float | None:
    try:
        then = email.utils.parsedate_to_datetime(http_date)
    except ValueError:
        return None
    aware = then if then.tzinfo else then.replace(tzinfo=dt.UTC)
    return max(0.0, (aware - dt.datetime.now(dt.UTC)).total_seconds())


def _rate_limited(answer: Answer, found: str) -> errors.RateLimited:
    seconds = answer.retry_after_s
    return errors.RateLimited(
        "a call within Fly's rate limits (1 a second for each action and Machine)",
        found,
        answer.where,
        "run again later" if seconds is None else f"run again in {seconds:.0f} s",
        retry_after_s=seconds,
    )


def _unauthorized(token: Token, found: str, where: str) -> errors.Unauthorized:
    return errors.Unauthorized(
        f"{token.source} to hold a token that Fly accepts",
        f"{token.kind}, answered by {found}",
        where,
        "create a new one with `fly tokens create deploy` (`fly tokens debug` shows this one)",
    )


def _forbidden(call: Call, token: Token, found: str, where: str) -> errors.Forbidden:
    needed, remedy = _permission(call)
    return errors.Forbidden(
        f"a token with {needed}",
        f"{token.kind} from {token.source}, answered by {found}",
        where,
        f"create one with `{remedy}`, or check the app's name and organization",
    )


def _permission(call: Call) -> tuple[str, str]:
    """Return what a token must permit for the call, and how such a token is made."""
    if not call.app:
        return "permission on the whole organization (an org token)", "fly tokens create org"
    if call.method == "GET":
        return (
            f'read permission on app "{call.app}" (a readonly or deploy token)',
            f"fly tokens create deploy -a {call.app}",
        )
    if call.path.endswith("/exec"):
        return (
            f'permission to run commands in app "{call.app}" (a machine-exec or deploy token)',
            f"fly tokens create machine-exec -a {call.app}",
        )
    return (
        f'write and control permission on app "{call.app}" (a deploy token)',
        f"fly tokens create deploy -a {call.app}",
    )


def _check_names(call: Call) -> str:
    return f'check the name of app "{call.app}" and the id' if call.app else ""


def _conflict(found: str, where: str) -> errors.Conflict:
    lease = _LEASE_HOLDER.search(found)
    if lease is None:
        return errors.Conflict("nothing in the way of the call", found, where)
    holder, expires = lease[1].rstrip(","), lease[2] or ""
    until = f" at {expires}" if expires else ""
    return errors.Conflict(
        "a Machine that nobody else holds a lease on",
        found,
        where,
        f"wait until {holder} releases the lease or it expires{until}",
        holder=holder,
        expires_at=_moment(expires),
    )


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
