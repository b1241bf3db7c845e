"""What all calls share: answers, errors, bodies and look-ups."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pytest_sre.local.fleet import App, Fleet
from pytest_sre.local.machines.lifecycle import Lifecycle
from pytest_sre.local.machines.state import Refused
from pytest_sre.local.naming import rfc3339
from pytest_sre.targets.durations import parse_duration_s

T = TypeVar("T")
Call = Callable[[Request], Awaitable[Response]]

NONCE_HEADER = "fly-machine-lease-nonce"


class ApiError(Exception):
    """An answer that is not a success.

    Args:
        status: the HTTP status.
        text: what the platform says.
        kind: the machine-readable status beside the text, when there is one.
    """

    def __init__(self, status: int, text: str, kind: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.kind = kind


def answer(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(
        msgspec.json.encode(value), status, headers, media_type="application/json; charset=utf-8"
    )


def answer_error(error: Exception) -> Response:
    """The answer for an error, in the platform's form."""
    if isinstance(error, ApiError | Refused):
        extra = {"status": error.kind} if error.kind else {}
        return answer({"error": str(error), **extra}, error.status)
    return answer({"error": f"invalid_argument: {error}"}, 400)


def route(path: str, **calls: Call) -> Route:
    """A path with a call for each method: ``route("/v1/apps", get=…, post=…)``."""

    async def endpoint(request: Request) -> Response:
        try:
            return await calls[request.method.lower()](request)
        except (ApiError, Refused, ValueError) as error:
            return answer_error(error)

    return Route(path, endpoint, methods=[method.upper() for method in calls])


def fleet_of(request: Request) -> Fleet:
    """The platform's state."""
    fleet: Fleet = request.app.state.fleet
    return fleet


def app_of(request: Request) -> App:
    """The app that the path names.

    Raises:
        ApiError: 404, there is none.
    """
    return find_app(request, request.path_params["app"])


def find_app(request: Request, name: str) -> App:
    """The app of that name.

    Raises:
        ApiError: 404, there is none.
    """
    app = fleet_of(request).apps.get(name)
    if app is None or app.ends:
        raise ApiError(404, f"app not found: '{name}'")
    return app


def machine_of(request: Request) -> Lifecycle:
    """The Machine that the path names.

    Raises:
        ApiError: 404, the app has none of that id.
    """
    lifecycle = app_of(request).machines.get(request.path_params["machine"])
    if lifecycle is None:
        raise ApiError(404, "machine not found")
    return lifecycle


def living_machine_of(request: Request) -> Lifecycle:
    """The Machine that the path names, unless it was destroyed and is only there to be read.

    Raises:
        ApiError: 404, the app has none of that id, or no longer.
    """
    lifecycle = machine_of(request)
    if lifecycle.record.state == "destroyed":
        raise ApiError(404, "machine not found")
    return lifecycle


def leased_machine_of(request: Request) -> Lifecycle:
    """The Machine that the path names, when no one else holds its lease.

    Raises:
        ApiError: 404, or 409 with the holder.
    """
    lifecycle = machine_of(request)
    lease = lifecycle.record.current_lease()
    if lease and lease.nonce != request.headers.get(NONCE_HEADER):
        until = rfc3339(lease.expires_at)
        raise ApiError(
            409,
            f"machine ID {lifecycle.record.id} lease currently held by {lease.owner},"
            f" expires at {until}",
        )
    return lifecycle


async def read_body(request: Request, kind: type[T]) -> T:
    """The request's body; an empty one stands for an empty object.

    Raises:
        ValueError: it is not JSON of that shape (``msgspec.DecodeError``).
    """
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


def query_duration_s(text: str) -> float:
    """A duration in a query: in Go's syntax, or a number of seconds; 0 when it is empty.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return 0.0
    whole = text.isascii() and text.isdecimal()
    return parse_duration_s(float(text) if whole else text)


def body_duration_s(value: str | float | None) -> float:
    """A duration in a body: in Go's syntax, or a number of nanoseconds; 0 when it is not given.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        return parse_duration_s(value) if value else 0.0
    return parse_duration_s((value or 0) / 1e9)


def flag(request: Request, *names: str) -> bool:
    """Whether one of these query parameters is true."""
    return any(request.query_params.get(name, "").lower() in ("true", "1") for name in names)


def whole_number(text: str | None, default: int, least: int, most: int) -> int:
    """A number in a query, within its range.

    Raises:
        ValueError: not a number.
    """
    if not text:
        return default
    if not text.isdecimal():
        raise ValueError(f"expected a whole number, found {text!r}")
    return min(max(int(text), least), most)
