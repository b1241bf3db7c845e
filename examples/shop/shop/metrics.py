"""What `web` counts, in the Prometheus text format."""

from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("shop_requests", "Answered requests.", ["endpoint", "method", "status"])
SECONDS = Histogram("shop_request_seconds", "Time to the last byte.", ["endpoint"])
ORDERS = Counter("shop_orders", "Orders placed.")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metered:
    """ASGI middleware that counts and times what the app inside answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve and count one exchange."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = perf_counter()
        try:
            await self._app(scope, receive, note_status)
        finally:
            _count(scope, status, perf_counter() - started)


def exposition() -> Response:
    """Render everything counted so far."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


def _count(scope: Scope, status: int, elapsed_s: float) -> None:
    # Only names known beforehand become labels: a scan of made-up paths adds no series.
    endpoint = getattr(scope.get("endpoint"), "__name__", "none")
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(endpoint, method, str(status)).inc()
    SECONDS.labels(endpoint).observe(elapsed_s)
