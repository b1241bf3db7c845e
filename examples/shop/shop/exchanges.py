"""What each HTTP exchange has: a trace, the Machine's name, and one log line when it fails."""

import logging
import re
from collections.abc import Callable, Mapping
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shop.logs import trace_id
from shop.settings import Identity

log = logging.getLogger(__name__)

TRACE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")


def no_headers(_scope: Scope) -> Mapping[str, str]:
    """Add nothing to an answer."""
    return {}


class Exchanges:
    """ASGI middleware around a whole app.

    It is outside Starlette's own error handling, so that an answer about an unhandled exception
    carries the same headers, and the exception is logged once.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: Identity,
        headers: Callable[[Scope], Mapping[str, str]] = no_headers,
    ) -> None:
        self._app = app
        self._identity = identity
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = trace_of(Headers(scope=scope))
        trace_id.set(trace)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-trace-id"] = trace
                headers["fly-machine-id"] = self._identity.machine
                headers.update(self._headers(scope))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except ClientDisconnect:
            log.info("%s %s: the client left", scope["method"], scope["path"])
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])


async def internal_error(_request: Request, _error: Exception) -> Response:
    """Answer for an unhandled exception; the trace id in the headers leads to its log line."""
    return JSONResponse({"error": "internal error"}, status_code=500)


def trace_of(headers: Headers) -> str:
    """Return the caller's trace id, or a new one when it sent none that is safe to repeat."""
    own = headers.get("x-trace-id", "")
    if TRACE_ID.fullmatch(own):
        return own
    standard = TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return standard[1] if standard else uuid4().hex
